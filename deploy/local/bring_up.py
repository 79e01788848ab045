"""Brings services up in the order that the inventory gives, several at a time, and takes them down in the reverse
one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from deploy.local import remains
from deploy.local.layout import Local
from deploy.local.ports import refuse_taken_ports
from deploy.local.proof import prove
from deploy.local.services import SERVICES
from deploy.local.supervisor import Supervised, Supervisor
from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable
from enginedge.platform import Service

Say = Callable[[str, str, float], None]  # service, state, seconds since its start
CRASHES = 3  # a service that ends this often while it is being brought up will not come up
LAST_LINES = 15
POLL_S, LONGEST_PAUSE_S = 0.2, 1.5


@dataclass
class _Start:
    """One service on its way up, and the thread that sets it up and asks it."""

    service: Service
    began: float
    restarts_before: int
    proof: Future[None]


class BringUp:
    """One ``up`` of ``services``, which are closed under their dependencies.

    Raises:
        Unavailable: one of them ends again and again, or is not Ready in time; says its last log lines.
        Misconfigured: a port is taken, a tool or a secret is missing.
    """

    def __init__(self, here: Local, supervisor: Supervisor, services: Iterable[Service], say: Say) -> None:
        self.here, self.supervisor, self.say = here, supervisor, say
        self.waiting = {service.name: service for service in services}
        self.starting: dict[str, _Start] = {}
        self.failures: dict[str, EnginEdgeError] = {}
        self.given_up = Event()

    def run(self) -> None:
        """Return when every service is Ready; one that fails holds up only those that wait for it."""
        for name in [name for name in self.waiting if not SERVICES[name].is_built(self.here)]:
            self.say(name, "not built", 0)
            del self.waiting[name]
        known = self.supervisor.processes()
        if new := [name for name in self.waiting if name not in known]:
            raise Misconfigured(
                f"the supervisor that runs was started before the inventory had {', '.join(new)}",
                where="supervisor",
                untouched="what runs",
                remedy="run `make down`, then `make up`",
            )
        self.supervisor.refuse_other_settings()
        idle = [each for each in self.waiting.values() if not known[each.name].is_supervised]
        refuse_taken_ports(self.here, idle)
        with ThreadPoolExecutor(len(self.waiting) or 1) as pool:
            try:
                while self._startable() or self.starting:
                    known = self.supervisor.processes()
                    for service in self._startable():
                        self._start(service, known[service.name], pool)
                    for start in list(self.starting.values()):
                        self._watch(start, known[start.service.name])
                    time.sleep(POLL_S)
            finally:
                self.given_up.set()
        if self.failures:
            raise self._summary()

    def _startable(self) -> list[Service]:
        not_ready = self.waiting.keys() | self.starting.keys() | self.failures.keys()
        return [service for service in self.waiting.values() if not not_ready & set(service.depends_on)]

    def _start(self, service: Service, known: Supervised, pool: ThreadPoolExecutor) -> None:
        if not known.is_supervised:
            self.supervisor.start_service(service.name)
        proof = pool.submit(self._prove, service)
        del self.waiting[service.name]
        self.starting[service.name] = _Start(service, time.monotonic(), known.restarts, proof)

    def _prove(self, service: Service) -> None:
        """Set the service up as soon as it answers, then ask it until it is Ready."""
        until = time.monotonic() + service.readiness.within_s
        self._insist(lambda: SERVICES[service.name].set_up(self.here), until)
        self._insist(lambda: prove(self.here, service), until)

    def _insist(self, step: Callable[[], None], until: float) -> None:
        """Try ``step`` until it works; what it last said is raised when time is up."""
        pause = POLL_S
        while True:
            try:
                return step()
            except Misconfigured:
                raise
            except Exception:
                if time.monotonic() > until or self.given_up.wait(pause):
                    raise
                pause = min(1.3 * pause, LONGEST_PAUSE_S)

    def _watch(self, start: _Start, known: Supervised) -> None:
        name, seconds = start.service.name, time.monotonic() - start.began
        if start.proof.done():
            reason = start.proof.exception()
            if reason:
                self._fail(start.service, f"not Ready after {seconds:.0f} s: {_sentence(reason)}", seconds, reason)
            else:
                del self.starting[name]
                self.say(name, "Ready", seconds)
        elif known.restarts - start.restarts_before >= CRASHES:
            # It would go on ending once a second; the log that explains it is kept.
            with suppress(Unavailable):
                self.supervisor.stop_service(name)
            self._fail(start.service, f"it ended {CRASHES} times, last with status {known.exit_code}", seconds)

    def _fail(self, service: Service, what: str, seconds: float, reason: BaseException | None = None) -> None:
        del self.starting[service.name]
        self.say(service.name, "FAILED", seconds)
        last = "\n".join(f"    {line}" for line in last_lines(self.here.log(service.name), LAST_LINES))
        remedy = f"mend what the log says (`make logs S={service.name}`), then run `make up` again"
        if known := isinstance(reason, Misconfigured):
            remedy = reason.remedy or remedy
        self.failures[service.name] = (Misconfigured if known else Unavailable)(
            f"{what}\n  the end of its log:\n{last}\n",
            where=service.name,
            untouched="the other services, which go on",
            remedy=remedy,
        )

    def _summary(self) -> EnginEdgeError:
        """The one failure, or all of them under one heading, with those that were not started for their sake."""
        held_up = f"\nNot started, because they wait for it: {', '.join(self.waiting)}." if self.waiting else ""
        first, *others = self.failures.values()
        if not others and not held_up:
            return first
        return Unavailable("\n".join(map(str, (first, *others))) + held_up, where=f"{1 + len(others)} failed")


def _sentence(error: BaseException) -> str:
    return error.what if isinstance(error, EnginEdgeError) else f"{type(error).__name__}: {str(error)[:300]}"


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log, read from its end; none where there is no log."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 400 * count))
            return stream.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def take_down(here: Local, supervisor: Supervisor, say: Say) -> None:
    """Stop every service, those that others work with last; return when all processes of the stack are gone."""
    if supervisor.is_alive():
        known = supervisor.processes()
        left = [each for each in here.platform.services if each.name in known and known[each.name].is_supervised]
        while left:
            wanted = {name for each in left for name in (*each.depends_on, *each.needs)}
            wave = [each for each in left if each.name not in wanted]
            began = time.monotonic()
            with ThreadPoolExecutor(len(wave)) as pool:
                list(pool.map(lambda each: stop_service(here, supervisor, each), wave))
            for service in wave:
                say(service.name, "stopped", time.monotonic() - began)
            left = [each for each in left if each not in wave]
        supervisor.stop()
    remains.end_stack(here)


def stop_service(here: Local, supervisor: Supervisor, service: Service) -> None:
    """Stop one service and whatever processes it leaves behind; one that does not run is no error."""
    with suppress(Unavailable):
        supervisor.stop_service(service.name)
    remains.end_service(here, service.name)
