"""Brings services up in the order that the inventory gives, several at a time, and takes them down in the reverse one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.local import remains
from deploy.local.layout import Local
from deploy.local.ports import refuse_taken_ports
from deploy.local.services import SERVICES
from deploy.local.supervisor import Supervised, Supervisor
from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable
from enginedge.health.probes import ask
from enginedge.platform import Service

Say = Callable[[str, str, float], None]  # service, state, seconds since its start
CRASHES = 3  # a service that ends this often while it is being brought up will not come up
LAST_LINES = 15
POLL_S = 0.3


@dataclass
class _Start:
    """One service on its way up."""

    service: Service
    began: float
    restarts_before: int
    work: Future[None] | None = None


class BringUp:
    """One ``up``: starts ``services`` (closed under their dependencies) and returns when all are Ready.

    Raises:
        Unavailable: one of them ends again and again, or is not Ready in time; says its last log lines.
        Misconfigured: a port is taken.
    """

    def __init__(self, here: Local, supervisor: Supervisor, services: Iterable[Service], say: Say) -> None:
        self.here, self.supervisor, self.say = here, supervisor, say
        self.waiting = {service.name: service for service in services}
        self.starting: dict[str, _Start] = {}
        self.ready: set[str] = set()

    def run(self) -> None:
        """Go on until every service is Ready."""
        known = self.supervisor.processes()
        stopped = [each for each in self.waiting.values() if not known[each.name].is_up]
        refuse_taken_ports(self.here, (each for each in stopped if known[each.name].status != "Restarting"))
        with ThreadPoolExecutor(len(self.waiting) or 1) as pool:
            while self.waiting or self.starting:
                known = self.supervisor.processes()
                for service in self._startable():
                    self._start(service, known[service.name], pool)
                for start in list(self.starting.values()):
                    self._watch(start, known[start.service.name])
                time.sleep(POLL_S)

    def _startable(self) -> list[Service]:
        return [each for each in self.waiting.values() if not (set(each.depends_on) & (set(self.waiting) | set(self.starting)))]

    def _start(self, service: Service, known: Supervised, pool: ThreadPoolExecutor) -> None:
        del self.waiting[service.name]
        if not known.is_up and known.status not in ("Restarting", "Launching"):
            self.supervisor.start_service(service.name)
        start = _Start(service, time.monotonic(), known.restarts)
        start.work = pool.submit(self._prove, start)
        self.starting[service.name] = start

    def _prove(self, start: _Start) -> None:
        """Set the service up as soon as it answers, then ask until it is Ready; the last reason is what is raised."""
        until = start.began + start.service.readiness.within_s
        for step in (lambda: SERVICES[start.service.name].set_up(self.here), lambda: ask(start.service)):
            while True:
                try:
                    step()
                    break
                except Exception as error:
                    if start.service.name not in self.starting and start.work and start.work.done():
                        raise
                    if isinstance(error, Misconfigured) or time.monotonic() > until or self._gave_up:
                        raise
                    time.sleep(POLL_S)

    _gave_up = False

    def _watch(self, start: _Start, known: Supervised) -> None:
        name, seconds = start.service.name, time.monotonic() - start.began
        assert start.work is not None
        if start.work.done():
            reason = start.work.exception()
            if reason:
                raise self._failure(start.service, f"not Ready after {seconds:.0f} s: {_sentence(reason)}")
            del self.starting[name]
            self.ready.add(name)
            self.say(name, "Ready", seconds)
        elif known.restarts - start.restarts_before >= CRASHES:
            raise self._failure(start.service, f"it ended {CRASHES} times, last with status {known.exit_code}")

    def _failure(self, service: Service, what: str) -> EnginEdgeError:
        self._gave_up = True
        last = "\n".join(f"    {line}" for line in last_lines(self.here.log(service.name), LAST_LINES))
        return Unavailable(
            f"{what}\n  the end of its log:\n{last}\n",
            where=service.name,
            untouched="the other services go on",
            remedy=f"mend what the log says (`make logs S={service.name}`), then run `make up` again",
        )


def _sentence(error: BaseException) -> str:
    return error.what if isinstance(error, EnginEdgeError) else f"{type(error).__name__}: {str(error)[:300]}"


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log, read from its end."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 200 * count))
            return stream.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def take_down(here: Local, supervisor: Supervisor, say: Say) -> None:
    """Stop every service, those that others depend on last; return when all processes of the stack are gone."""
    if supervisor.is_alive():
        known = supervisor.processes()
        running = [each for each in here.platform.services if known[each.name].status not in ("Disabled", "Completed")]
        while running:
            wave = [one for one in running if not any(one.name in (*other.depends_on, *other.needs) for other in running if other is not one)]
            began = time.monotonic()
            with ThreadPoolExecutor(len(wave)) as pool:
                list(pool.map(lambda each: _stop(here, supervisor, each), wave))
            for service in wave:
                say(service.name, "stopped", time.monotonic() - began)
            running = [each for each in running if each not in wave]
        supervisor.stop()
    remains.end_stack(here)


def _stop(here: Local, supervisor: Supervisor, service: Service) -> None:
    try:
        supervisor.stop_service(service.name)
    except Unavailable:
        pass  # it is not running any more
    remains.end_service(here, service.name)
