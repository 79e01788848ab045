"""Events for the lineage tests, as small as they may be."""

from __future__ import annotations

import json
import uuid
from typing import Any

from enginedge.lineage.events import Event, read_event
from tests.lineage.conftest import NAMES

MARKS = {"_producer": "https://example.org/test", "_schemaURL": "https://example.org/f.json"}
RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
HIVE = NAMES.metastore


def run_of(name: str) -> str:
    """A run id that is the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def dataset(name: str, *columns: str, namespace: str = HIVE, lineage: Any = None, **facets: Any) -> dict[str, Any]:
    """A dataset; ``lineage`` maps its columns to pairs of dataset and field."""
    if columns:
        facets["schema"] = {**MARKS, "fields": [{"name": column, "type": "string"} for column in columns]}
    if lineage:
        fields = {
            target: {"inputFields": [{"namespace": space, "name": of, "field": field} for space, of, field in sources]}
            for target, sources in lineage.items()
        }
        facets["columnLineage"] = {**MARKS, "fields": fields}
    return {"namespace": namespace, "name": name, "facets": facets}


def body(
    kind: str = "COMPLETE",
    run: str = "r",
    job: str = "job",
    *,
    at: str = "2026-11-24T09:00:00Z",
    inputs: Any = (),
    outputs: Any = (),
    facets: Any = None,
    integration: str = "",
) -> dict[str, Any]:
    """A run event."""
    job_facets = {"jobType": {**MARKS, "processingType": "BATCH", "integration": integration}} if integration else {}
    return {
        "eventType": kind,
        "eventTime": at,
        "producer": "https://example.org/test",
        "schemaURL": RUN_EVENT,
        "run": {"runId": run_of(run), "facets": facets or {}},
        "job": {"namespace": "test", "name": job, "facets": job_facets},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def event(*arguments: Any, **named: Any) -> Event:
    """The same, read as the relay reads it."""
    return read_event(json.dumps(body(*arguments, **named)), NAMES)
