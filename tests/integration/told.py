"""The places where the platform tells of what it did, row by row, and the search of them for secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from enginedge.lineage import database
from enginedge.settings import settings

Told = tuple[str, str]  # a row's place, and its text

OF_AIRFLOW = {
    "xcom": "select concat_ws(' ', dag_id, run_id, task_id, key), value::text from xcom",
    "rendered_task_instance_fields": """select concat_ws(' ', dag_id, run_id, task_id),
        concat(rendered_fields, k8s_pod_yaml) from rendered_task_instance_fields""",
    "dag_run.conf": "select concat_ws(' ', dag_id, run_id), conf::text from dag_run where conf is not null",
    "asset_event.extra": "select concat_ws(' ', source_dag_id, source_run_id, asset_id), extra::text from asset_event",
}
OF_LINEAGE = {
    "event": "select concat('event ', id), body::text from event",
    "rejected": "select concat('rejected ', id), text from rejected",
}


def leaks(told: Iterable[Told], values: Mapping[str, str]) -> tuple[int, list[Told]]:
    """How many rows were looked at, and which of them hold which secret, as it is or as an address would write it.

    A leak is told by the row's place and the secret's name; the value itself is in no message.
    """
    names = {form: name for name, value in values.items() for form in (value, quote(value, safe=""))}
    any_of_them = re.compile("|".join(re.escape(form) for form in sorted(names, key=len, reverse=True)))
    rows, found = 0, []
    for place, text in told:
        rows += 1
        found += [(place, names[form]) for form in sorted(set(any_of_them.findall(text)))]
    return rows, found


def as_airflow() -> psycopg.Connection:
    """Airflow's metadata database, as its owner sees it."""
    at = settings().endpoint("postgres")
    password = settings().secret("postgres-airflow")
    return psycopg.connect(host=at.host, port=at.port, dbname="airflow", user="airflow", password=password)


def as_lineage() -> psycopg.Connection:
    """The relay's database, as the relay sees it."""
    return psycopg.connect(database.conninfo())


def rows(connection: psycopg.Connection, sql: str) -> Iterator[Told]:
    """The rows of a query, a batch at a time: the log of events is long."""
    with connection.cursor(name="told") as cursor:
        cursor.execute(sql.encode())
        yield from ((str(place), str(text)) for place, text in cursor)


def lines(folder: Path) -> Iterator[Told]:
    """Every line of every file in ``folder`` and below; what the relay removes meanwhile is in its database."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            text = path.read_text(errors="replace")
        except FileNotFoundError:
            continue
        yield from ((f"{path.name}:{number}", line) for number, line in enumerate(text.splitlines(), 1))
