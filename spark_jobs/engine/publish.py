"""The only way to write: a branch of its own, an audit on it, and one commit that moves ``main`` to it.

Iceberg can fast-forward ``main`` to a branch only where ``main`` is the branch's ancestor. Where another writer moved
``main`` meanwhile, the work is thrown away and done again on the new ``main``; and where that writer published the same
night, there is nothing left to do. So whatever is killed, whoever else writes: the effect happens once or not at all.

The seal (an empty snapshot with the night, the run, the position in the source and the counts in its summary), the
move of ``main`` and the removal of the branch are one transaction, hence one commit in the metastore.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from enginedge.errors import Unavailable, Violated
from spark_jobs.engine.night import Night
from spark_jobs.engine.tables import COUNTS, MAIN, NIGHT, POSITION, RUN, Published, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

REDO = 5
PREFIX = "night_"


class MainMoved(Exception):
    """``main`` is no longer where the branch left it: the work must be done again on the new ``main``."""


@dataclass(frozen=True)
class Seal:
    """What a published snapshot says of itself; ``empty`` where there was nothing to write before it."""

    counts: dict[str, Any]
    position: dict[str, Any]
    empty: bool = False


class Branch:
    """A branch of one table, and the session whose every read and write of that table goes to it.

    A frame writes through the session that it was made in, so two tables that are written from one frame share the
    session, and therefore the branch's name: ``beside`` is the other table's branch.

    It is made before anything is written: the first write would make it, too, but count its totals from nothing
    (Iceberg, ``SnapshotProducer.summary``).
    """

    def __init__(self, table: Table, night: Night, beside: Branch | None = None, loaded: Any = None) -> None:
        self.table = table
        self.night = night
        self.name: str = beside.name if beside else night.branch()
        iceberg = loaded or table.iceberg()
        self.base = int(iceberg.currentSnapshot().snapshotId())
        iceberg.manageSnapshots().createBranch(self.name, self.base).commit()
        self._merged = False
        self.session: SparkSession = beside.session if beside else table.spark.newSession()
        self.session.conf.set("spark.wap.branch", self.name)

    def read(self) -> DataFrame:
        """The table as it stands on the branch."""
        return self.session.table(self.table.name)

    def append(self, rows: DataFrame, tasks: int) -> None:
        """Append ``rows`` by so many tasks, each of which writes a file for every partition that it meets.

        By default Spark sends all rows about first, so that each partition is written by one task.
        """
        writer = rows.coalesce(tasks).writeTo(self.table.name)
        writer.options(**{"distribution-mode": "none", "fanout-enabled": "true"}).append()

    def head(self) -> dict[str, str]:
        """The summary of the newest snapshot on the branch.

        Raises:
            MainMoved: another attempt removed the branch.
        """
        return dict(self._head(self.table.iceberg()).summary())

    def publish(self, seal: Seal) -> int:
        """Move ``main`` to the branch, sealed, and remove the branch: one commit. Return the published snapshot.

        Raises:
            MainMoved: another writer was faster, or removed the branch; ``main`` is as that writer left it.
            Violated: this application wrote to ``main`` itself; ``main`` was put back.
        """
        table = self.table.iceberg()
        self._check_main_untouched(table)
        if not seal.empty and int(self._head(table).snapshotId()) == self.base:
            raise Violated(f"nothing was written to the branch {self.name}", where=self.table.layout.table)
        transaction = table.newTransaction()
        append = transaction.newAppend().toBranch(self.name)
        for key, value in self._summary(seal).items():
            append = append.set(key, value)
        try:
            append.commit()
            kill_point("sealed", self.table.layout.table)
            transaction.manageSnapshots().fastForwardBranch(MAIN, self.name).removeBranch(self.name).commit()
            transaction.commitTransaction()
        except Exception as error:
            if _lost_the_race(error):
                raise MainMoved(str(error)) from None
            raise
        self._merged = True
        return self.table.main()

    def drop(self) -> None:
        """Remove the branch, where it is still there; what it held and did not publish is no longer reachable."""
        if self._merged:
            return
        table = self.table.iceberg()
        if table.snapshot(self.name) is not None:
            table.manageSnapshots().removeBranch(self.name).commit()

    def _summary(self, seal: Seal) -> dict[str, str]:
        return {
            NIGHT: self.night.label,
            RUN: self.night.run,
            POSITION: json.dumps(seal.position, sort_keys=True),
            COUNTS: json.dumps(seal.counts, sort_keys=True),
        }

    def _head(self, table: Any) -> Any:
        snapshot = table.snapshot(self.name)
        if snapshot is None:
            raise MainMoved(f"another attempt removed the branch {self.name}")
        return snapshot

    def _check_main_untouched(self, table: Any) -> None:
        main = table.currentSnapshot()
        if int(main.snapshotId()) == self.base:
            return
        mine = self.table.spark.sparkContext.applicationId
        if main.summary().get("spark.app.id") == mine and int(main.parentId() or 0) == self.base:
            table.manageSnapshots().rollbackTo(self.base).commit()
            raise Violated(
                "the application wrote to main instead of its branch; main was put back",
                where=self.table.layout.table,
                remedy="write through the branch's session only",
            )
        raise MainMoved(f"main stands on {main.snapshotId()}, not on {self.base}")


def publish(
    table: Table,
    night: Night,
    write: Callable[[Branch, Published | None], Seal],
    *,
    anew: bool = False,
    beside: Branch | None = None,
) -> tuple[Published, bool]:
    """Publish ``night`` once: ``write`` fills a branch and audits it, then ``main`` moves to it.

    Args:
        anew: publish although the night was published before (a full refresh).
        beside: the branch of the table that is written from the same frame.

    Returns:
        What ``main`` has published now, and whether it was this call that did it.

    Raises:
        Unavailable: ``main`` moved under every one of the attempts.
        Whatever ``write`` raises: then ``main`` is as it was.
    """
    loaded = table.iceberg()
    drop_dead_branches(loaded)
    for _ in range(REDO):
        loaded.refresh()
        before = table.published(loaded)
        if before is not None and before.night >= night.day and not anew:
            return before, False
        branch = Branch(table, night, beside, loaded)
        try:
            seal = write(branch, before)
            kill_point("audited", table.layout.table)
            snapshot_id = branch.publish(seal)
            return Published(night.day, night.run, seal.position, seal.counts, snapshot_id), True
        except MainMoved:
            continue
        finally:
            branch.drop()
    raise Unavailable(
        f"main moved under each of {REDO} attempts",
        where=table.layout.table,
        untouched="main",
        remedy="stop the other writer of the table and run the night again",
    )


def drop_dead_branches(table: Any) -> None:
    """Remove the branches that killed attempts left; the caller holds the table's lease, so nobody works on them."""
    for name in list(table.refs().keySet()):
        if name.startswith(PREFIX):
            table.manageSnapshots().removeBranch(name).commit()


def kill_point(point: str, table: str) -> None:
    """Where tests stop the application: at ``<point>:<table>``, as ``ENGINEDGE_KILL_AT`` names it, it kills itself."""
    if os.environ.get("ENGINEDGE_KILL_AT") == f"{point}:{table}":
        os.kill(os.getpid(), 9)


def _lost_the_race(error: Exception) -> bool:
    said = str(error)
    return any(
        sign in said
        for sign in (
            "is not an ancestor",
            "metadata refresh is required",
            "CommitFailedException",
            "does not exist: night_",
        )
    )
