"""What the repository says of a table: its description, who answers for it, and what each column means.

Raw and core tables say so in their contracts, marts in dbt's project, the platform's own tables where they are made. A
reader asks here and need not know which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from enginedge import ops_tables
from enginedge.errors import Misconfigured
from enginedge.lake.contracts import contract
from enginedge.lake.declared import mart, project
from enginedge.settings import settings


@dataclass(frozen=True)
class Described:
    """One table in words; ``columns`` has a description for each column that has one."""

    description: str = ""
    owner: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def described(table: str) -> Described:
    """What is written about ``table``; empty words where nothing is, because a reader can do without.

    Raises:
        Misconfigured: the contract or the model is there but can't be read.
    """
    layer, _, name = table.partition(".")
    if (settings().root / "sql" / "contracts" / f"{table}.yaml").exists():
        promised = contract(table)
        columns = {column.name: column.description for column in promised.columns}
        return Described(promised.description, promised.owner, columns)
    if layer == "mart" and (project() / "models" / f"{name}.sql").exists():
        declared = mart(table)
        return Described(declared.description, _owners_of_marts().get(name, ""), declared.columns)
    if told := ops_tables.TABLES.get(table):
        columns = {column: description for column, (_, description) in told.columns.items()}
        return Described(told.description, ops_tables.OWNER, columns)
    return Described()


@lru_cache(maxsize=1)
def _owners_of_marts() -> dict[str, str]:
    import yaml

    path = project() / "models" / "marts.yml"
    try:
        models = yaml.safe_load(path.read_text())["models"]
        return {model["name"]: model["config"]["meta"].get("owner", "") for model in models}
    except (KeyError, TypeError) as error:
        raise Misconfigured(f"a model lacks {error}", where=str(path), remedy="declare it") from error
