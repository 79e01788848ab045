"""What a table's module declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from spark_jobs.engine.sources import Source


@dataclass(frozen=True)
class RawJob:
    """A raw table: the records of ``reads``, appended to ``writes`` as they came."""

    writes: str
    reads: Source


@dataclass(frozen=True)
class SparkJob:
    """A core table: the records of the raw table ``reads``, parsed by the contract of ``writes`` and conformed.

    Attributes:
        transform: from the frame of the contract's columns, as the record had them, to the same rows with the same
            columns, conformed. Pure: it reads nothing, drops no row and adds none; a value that it does not like stays
            as it is, since the contract's rules judge what comes out.
        record_as_json: the expression that makes a JSON object of a raw record that is none by itself.
    """

    writes: str
    reads: str
    transform: Callable[[DataFrame], DataFrame]
    record_as_json: str = "record"
