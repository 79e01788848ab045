"""The forms that people fill in when they trigger a DAG by hand."""

from __future__ import annotations

from airflow.sdk import Param

from enginedge.lake.declared import SOURCES

# A template, not the XCom itself: that would make `check_request` one more task upstream for a trigger rule to count.
REQUESTED_NIGHT = "{{ ti.xcom_pull(task_ids='check_request')['night'] }}"

NIGHT = {
    "night": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Night",
        description="The UTC day to bring the lake up to. Left empty: yesterday.",
    ),
    "sources": Param(
        list(SOURCES),
        type="array",
        items={"type": "string", "enum": list(SOURCES)},
        examples=list(SOURCES),
        minItems=1,
        uniqueItems=True,
        title="Sources",
        description="What to read. The tables of the others, and the marts built on them alone, stay as they are.",
    ),
    "full_refresh": Param(
        False,
        type="boolean",
        title="Full refresh",
        description="Rebuild core and quarantine from the whole of raw, instead of adding what the night brought.",
    ),
}

STORES = ("postgres", "mongodb", "minio", "etcd", "kafka", "redis", "jupyter")  # all that platform.yaml backs up
PLANNED_RESTORE = "{{ ti.xcom_pull(task_ids='plan')['text'] }}"

RESTORE = {
    "store": Param(type="string", enum=list(STORES), title="Store", description="As `enginedge backup list` names it."),
    "backup": Param(
        None, type=["null", "string"], title="Backup", description="The id of a backup. Left empty: the newest."
    ),
    "only": Param(
        None,
        type=["null", "string"],
        title="Only",
        description="A part: DATABASE/SCHEMA.TABLE, DATABASE.COLLECTION, a prefix of etcd's keys, BUCKET/PREFIX, or a "
        "path. Left empty: the whole store.",
    ),
    "name": Param(
        None,
        type=["null", "string"],
        title="As",
        description="Under which other name the part is restored. Left empty: its own.",
    ),
    "replace": Param(
        None,
        type=["null", "string"],
        title="Replace",
        description="The store's name once more, where what is there is to be replaced.",
    ),
    "location": Param(
        "primary",
        type="string",
        enum=["primary", "offsite"],
        title="From",
        description="Which of the two places the backup is read at.",
    ),
}
