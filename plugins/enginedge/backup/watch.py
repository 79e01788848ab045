"""The dead man's switch: ``python -m enginedge.backup.watch [SECONDS]`` looks at the backups every few minutes, and
tells when one is overdue.

It asks the catalogue and nobody else: a night that never ran, for whatever reason, leaves no manifest, and that is what
is noticed. While all is well it asks an address somewhere else (``ENGINEDGE_DEADMAN_PING_FILE``), which notices when
this stops, and with it the whole machine. It serves the same numbers as the textfile under ``/metrics``.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from enginedge.backup import metrics, status
from enginedge.backup.news import name_of, news
from enginedge.backup.objectives import Report
from enginedge.errors import EnginEdgeError
from enginedge.notify.channels import channels, failure_of
from enginedge.notify.messages import Channel, Message
from enginedge.notify.webhook import asked_unlogged
from enginedge.private_files import write_private
from enginedge.settings import settings

EVERY_S = 300.0
log = logging.getLogger(__name__)


class Log:
    """The service's own log, which is told too: what happened is there also where nobody is to be told."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write it down."""
        log.warning("%s\n%s", message.subject, message)


@dataclass
class Watch:
    """Looks again and again; what each channel was told last is kept in ``memory``, and so survives its own restart.

    Attributes:
        stores: which to look at; all where none is named.
        clock: what time it is.
    """

    memory: Path
    stores: Sequence[str] = ()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    seen: Report | None = None
    looks: dict[str, int] = field(default_factory=dict)

    def look(self) -> Report:
        """Judge the backups once, tell each channel what is new to it, and give the sign of life if all is well."""
        report = status.status(self.stores, self.clock())
        self.seen = report
        self._write_metrics(report)
        self.looks = {name_of(each): self.looks.get(name_of(each), 0) + 1 for each in report.missed}
        self._tell(report)
        if not report.missed:
            _ping()
        return report

    def collect(self) -> Iterable[Any]:
        """The numbers of the last look, as Prometheus' client asks for them."""
        return metrics.registry(self.seen).collect() if self.seen else ()

    def _write_metrics(self, report: Report) -> None:
        try:
            status.write_metrics(report)
        except EnginEdgeError as failure:
            log.error("%s", failure)

    def _tell(self, report: Report) -> None:
        """A channel that fails is told at the next look; the others are not told twice."""
        memory = self._remembered()
        for channel in [Log(), *_channels()]:
            message, after = news(memory.get(channel.name, []), report, self.looks)
            if message is None:
                continue
            if failure := failure_of(channel, message):
                log.error("Nobody was told of it: %s", failure)
                continue
            memory[channel.name] = after
            write_private(self.memory, json.dumps(memory, indent=1))

    def _remembered(self) -> dict[str, list[str]]:
        """What each channel was told last; nothing where the memory is gone or damaged: better told twice than not."""
        try:
            return dict(json.loads(self.memory.read_text()))
        except (OSError, ValueError, TypeError):
            return {}


def _channels() -> list[Channel]:
    try:
        return channels()
    except EnginEdgeError as failure:
        log.error("%s", failure)
        return []


def _ping() -> None:
    """Ask the address that counts on it; that it can't be reached is written down, and not told to anybody."""
    import httpx

    try:
        if url := settings().deadman_ping:
            asked_unlogged("GET", url).raise_for_status()
    except httpx.HTTPStatusError as error:
        log.error("the sign of life was answered with %d", error.response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.error("the sign of life was not taken (%s)", type(error).__name__)
    except EnginEdgeError as failure:
        log.error("%s", failure)


def watch_here(stores: Sequence[str] = ()) -> Watch:
    """The watch of this installation, with its memory."""
    return Watch(settings().state / "watch" / "told.json", stores)


def main(every_s: float = EVERY_S) -> None:
    """Look every ``every_s`` seconds, for ever; the first look is when that time has passed, once all else is up."""
    from prometheus_client import start_http_server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    watch, at = watch_here(), settings().endpoint("backup-watch")
    start_http_server(at.port, at.host, watch)
    while True:
        time.sleep(every_s)
        watch.look()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
