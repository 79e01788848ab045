"""How a table of the lake is made: its columns with their comments, its partitioning, and what all tables share."""

from __future__ import annotations

from dataclasses import dataclass

from enginedge.lake.contracts import Contract, Partition
from enginedge.lake.rules import Dialect

CATALOG = "lake"

PROPERTIES = {
    "format-version": "2",
    "write.wap.enabled": "true",
    "write.merge.mode": "merge-on-read",
    "write.delete.granularity": "file",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
}


@dataclass(frozen=True)
class Layout:
    """A table ``<schema>.<name>``: columns as (name, type, comment), and what it is partitioned by."""

    table: str
    comment: str
    columns: tuple[tuple[str, str, str], ...]
    partition: Partition | None

    @property
    def full_name(self) -> str:
        return f"{CATALOG}.{self.table}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.columns)

    def create(self) -> str:
        """The statement that makes the table where there is none."""
        columns = ",\n  ".join(self.column(*column) for column in self.columns)
        partitioned = f"\nPARTITIONED BY ({_by(self.partition)})" if self.partition else ""
        properties = ", ".join(f"'{key}'='{value}'" for key, value in PROPERTIES.items())
        comment = Dialect.SPARK.text(self.comment)
        return (
            f"CREATE TABLE IF NOT EXISTS {self.full_name} (\n  {columns}\n) USING iceberg{partitioned}\n"
            f"COMMENT {comment}\nTBLPROPERTIES ({properties})"
        )

    @staticmethod
    def column(name: str, type_: str, comment: str) -> str:
        """One column as a statement defines it."""
        return f"`{name}` {type_} COMMENT {Dialect.SPARK.text(comment)}"


def layout_of(contract: Contract) -> Layout:
    """The table that ``contract`` promises."""
    columns = tuple((column.name, column.type, column.description) for column in contract.columns)
    return Layout(contract.table, contract.description, columns, contract.partition)


def quarantine_of(contract: Contract) -> Layout:
    """The quarantine of the core table that ``contract`` promises: the records that break it, and why."""
    columns = (
        ("record", "string", "The record as it came."),
        ("record_bytes", "binary", "The bytes of a record that is no UTF-8."),
        ("position", "string", "Where the record stands in its source."),
        ("record_key", "string", "The key of the record, where it can be read."),
        ("rule", "string", "The first rule that the record breaks."),
        ("reason", "string", "What is wrong with it."),
        ("_night", "date", "The night that read the record."),
        ("_ingested_at", "timestamp", "When the record was read."),
    )
    comment = f"Records that break the contract of {contract.table}."
    return Layout(f"quarantine.{contract.name}", comment, columns, Partition("_night", "identity"))


def _by(partition: Partition) -> str:
    if partition.transform == "identity":
        return f"`{partition.column}`"
    return f"{partition.transform}s(`{partition.column}`)"
