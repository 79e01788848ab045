"""What every source of raw records does: read what is new until the night's end, and say how far it came.

A source gives the frame ``record, record_bytes, record_key, position, changed_at``. What raw already has is left out by
comparing with raw itself, not by trusting a clock: a source is read again from a little before where it was left
(writers commit late, and two changes may carry the same time), and the records that are known are taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from enginedge.errors import Misconfigured
from enginedge.lake.contracts import Contract, Origin
from spark_jobs.engine.night import Night

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

OVERLAP = timedelta(minutes=5)
CHANGED_AT = "changed_at"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reading:
    """What a source is read for.

    Attributes:
        session: the session that everything is to be read in.
        contract: the raw table's; it names the service and the objects in it.
        position: where the source was left, as the last published night says; empty the first time.
        known: the raw table as it is.
    """

    session: SparkSession
    contract: Contract
    night: Night
    position: dict[str, Any]
    known: DataFrame

    @property
    def origin(self) -> Origin:
        """Where the records are.

        Raises:
            Misconfigured: the contract does not say.
        """
        if self.contract.origin is None:
            raise Misconfigured(
                f"{self.contract.table} names no origin",
                where=str(self.contract.path),
                remedy="give container and objects",
            )
        return self.contract.origin

    @property
    def since(self) -> datetime | None:
        """The newest change that was read before, less the overlap; nothing the first time."""
        left = self.position.get(CHANGED_AT)
        return datetime.fromisoformat(left) - OVERLAP if left else None

    def unknown(self, rows: DataFrame) -> DataFrame:
        """``rows`` without those that raw has: the same key, change time and record."""
        if not self.position:
            return rows
        since = f"changed_at >= TIMESTAMP'{self.since.isoformat()}'" if self.since else "false"
        known = self.known.where(f"{since} OR changed_at IS NULL")
        same = [rows[column].eqNullSafe(known[column]) for column in ("record_key", "changed_at", "record")]
        return rows.join(known, same, "left_anti")


class Source(Protocol):
    """Where raw records come from."""

    def read(self, reading: Reading) -> DataFrame:
        """The new records until the night's end: record, record_bytes, record_key, position, changed_at."""
        ...

    def position(self, reading: Reading, written: DataFrame) -> dict[str, Any]:
        """How far the source has been read, from the rows that were written (at least one)."""
        ...


def newest_change(written: DataFrame) -> dict[str, Any]:
    """The position of a source that is followed by its change time: never later than now.

    A change that a wrong clock dated years ahead would otherwise hide all that comes before then.
    """
    newest = written.selectExpr("unix_micros(max(changed_at))").collect()[0][0]
    if newest is None:
        return {}
    now = (datetime.now(UTC) - EPOCH) // timedelta(microseconds=1)
    return {CHANGED_AT: (EPOCH + timedelta(microseconds=min(newest, now))).isoformat()}
