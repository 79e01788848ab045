"""Forgets events and runs of long ago, and leaves the graph as it is: it says what each job did last, however long ago.

Each job keeps its last runs that ended well and read or wrote something, and with them the versions that its edges rest
on. What is still to be forwarded to a Marquez is never forgotten; where there is none, it is.
"""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from enginedge.errors import Unavailable
from enginedge.lineage.background import in_the_background
from enginedge.lineage.database import Database

log = logging.getLogger(__name__)
LOOK_EVERY_S = 6 * 3600.0

#: Table to what goes of it, in this order: a version goes after the last run that names it.
FORGOTTEN = {
    "event": "delete from event where received_at < %(before)s and not (forwarding = 'pending' and %(forwarding)s)",
    "rejected": "delete from rejected where rejected_at < %(before)s",
    "spool_file": "delete from spool_file where read_at < %(before)s",
    "run": """delete from run r where r.updated_at < %(before)s
        and not exists (select from job j where j.id = r.job and j.latest_run = r.id)
        and not exists (
            select from run_dataset mine where mine.run_id = r.id and not exists (
                select from run later join run_dataset d on d.run_id = later.id and d.direction = mine.direction
                where later.job = r.job and later.state = 'COMPLETED'
                  and (later.updated_at, later.id) > (r.updated_at, r.id)))""",
    "dataset_version": """delete from dataset_version v where v.created_at < %(before)s
        and not exists (select from dataset d where v.version in (d.current_version, d.last_version))
        and not exists (select from run_dataset d where d.version = v.version)
        and not exists (select from column_edge e where v.version in (e.target_version, e.source_version))""",
    "job_version": """delete from job_version v where v.created_at < %(before)s
        and not exists (select from job j where j.current_version = v.version)
        and not exists (select from run r where r.job_version = v.version)""",
}


def forget(database: Database, before: datetime, *, forwarding: bool) -> dict[str, int]:
    """Delete what is older than ``before`` and no longer part of the graph; returns how many rows of each table went.

    Args:
        forwarding: there is a Marquez, so that what is pending waits for it.

    Raises:
        Unavailable: PostgreSQL does not answer; what was deleted stays so.
    """
    gone = {}
    for table, statement in FORGOTTEN.items():
        with database.writing() as connection:  # one by one: whoever writes events waits no longer than for one
            asked = {"before": before, "forwarding": forwarding}
            gone[table] = connection.execute(statement.encode(), asked).rowcount
    return gone


@dataclass
class Retention:
    """Forgets what is older than ``days`` again and again; ``forwarding`` says whether there is a Marquez."""

    database: Database
    days: int
    forwarding: bool
    _stop: threading.Event = field(default_factory=threading.Event)
    _trouble: str = ""

    def state(self) -> dict[str, Any]:
        """For how long events are kept, and what is in the way of forgetting them."""
        return {"days": self.days, "trouble": self._trouble}

    def running(self) -> AbstractContextManager[None]:
        """Do so for as long as the context is open."""
        return in_the_background("retention", self._run, self._stop)

    def _run(self) -> None:
        while True:
            try:
                gone = forget(self.database, datetime.now(UTC) - timedelta(days=self.days), forwarding=self.forwarding)
                self._trouble = ""
                if any(gone.values()):
                    log.info("forgotten after %s days: %s", self.days, gone)
            except Exception as error:  # it is tried again, and a thread that died would be missed by nobody
                self._trouble = f"{type(error).__name__}: {error}"
                log.warning("nothing is forgotten: %s", error, exc_info=not isinstance(error, Unavailable))
            if self._stop.wait(LOOK_EVERY_S):
                return
