"""The lake's tables as Airflow assets, for whoever wants to build on one of them.

An asset's name is the table's, the one string that also names its contract, its module and its lineage dataset. Its
event is emitted by the task that published the table, and carries what was published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Asset

GROUP = "lake"


def table(name: str) -> Asset:
    """The asset of the table ``name``, such as ``core.mongodb__users``.

    Its scheme begins with ``x-``, which is Airflow's prefix for schemes of one's own: for any other it would look for a
    handler in every installed provider, a third of a second each time a DAG is read.
    """
    return Asset(name=name, uri=f"x-iceberg://lake/{name.replace('.', '/')}", group=GROUP)


def tell(events: Any, name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Put ``facts`` into the event of the table ``name`` that the running task is about to emit, and return them."""
    events[table(name)].extra = dict(facts)
    return dict(facts)
