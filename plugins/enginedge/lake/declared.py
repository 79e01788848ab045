"""What the repository declares about the lake: its sources, its core tables and its marts.

A DAG is built from these lists at import, every few seconds, so that they are read from file names and from one small
YAML file, once a process; nothing here opens a connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from enginedge.errors import Misconfigured
from enginedge.settings import settings

SOURCES = ("mongodb", "postgres", "kafka", "bucket", "airflow")

_READS = re.compile(r"""source\(\s*['"]core['"]\s*,\s*['"](\w+)['"]\s*\)""")


@dataclass(frozen=True)
class Mart:
    """One mart as dbt's project declares it.

    Attributes:
        name: the table that readers see, such as ``mart.interviews__daily_funnel``.
        description: one sentence; the table's comment in Trino.
        columns: description of each column, in the order of the file; the columns' comments.
        reads: the core tables that its SQL reads, such as ``core.mongodb__interviews``.
        measure: an aggregate over the mart ...
        equals: ... and the query over core tables that must give the same number; ``{core}`` stands for their schema.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    reads: tuple[str, ...]
    measure: str
    equals: str

    @property
    def model(self) -> str:
        """The name of its dbt model, and of its table within a schema."""
        return self.name.partition(".")[2]


def project() -> Path:
    """The folder of the dbt project."""
    return settings().root / "sql" / "mart"


@lru_cache(maxsize=1)
def core_tables() -> tuple[str, ...]:
    """Every core table that has a contract, sorted: ``core.mongodb__interviews`` and so on."""
    contracts = settings().root / "sql" / "contracts"
    return tuple(sorted(path.name.removesuffix(".yaml") for path in contracts.glob("core.*.yaml")))


def tables_of(source: str) -> tuple[str, ...]:
    """The core tables whose records come from ``source``."""
    return tuple(table for table in core_tables() if table.startswith(f"core.{source}__"))


@lru_cache(maxsize=1)
def marts() -> tuple[Mart, ...]:
    """Every mart of the dbt project, in the order of the file.

    Raises:
        Misconfigured: a model has no measure, no description, or no SQL file.
    """
    import yaml

    path = project() / "models" / "marts.yml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open(encoding="utf-8") as file:
            models = yaml.load(file, Loader=loader)["models"]  # noqa: S506 - either loader is the safe one
        return tuple(_mart(model, path) for model in models)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise Misconfigured(
            f"it does not declare models ({type(error).__name__}: {said})", where=str(path), remedy="mend the file"
        ) from error


def mart(name: str) -> Mart:
    """The mart called ``name``.

    Raises:
        Misconfigured: there is none; the message lists what there is.
    """
    for declared in marts():
        if declared.name == name:
            return declared
    known = ", ".join(each.name for each in marts())
    raise Misconfigured(f"there is no mart {name!r}", where="sql/mart/models/marts.yml", remedy=f"one of {known}")


def _mart(model: dict[str, Any], path: Path) -> Mart:
    name = model["name"]
    statement = path.with_name(f"{name}.sql")
    try:
        meta = model["config"]["meta"]
        return Mart(
            name=f"mart.{name}",
            description=" ".join(model["description"].split()),
            columns={column["name"]: " ".join(column["description"].split()) for column in model["columns"]},
            reads=tuple(f"core.{table}" for table in sorted(set(_READS.findall(statement.read_text())))),
            measure=meta["measure"],
            equals=meta["equals"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"the model {name!r} lacks {error}", where=str(path), remedy="declare it") from error
    except FileNotFoundError:
        raise Misconfigured(f"the model {name!r} has no SQL", where=str(statement), remedy="write it") from None
