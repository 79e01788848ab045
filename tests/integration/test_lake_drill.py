"""The lake out of two backups: proved whole by a drill that reads every table of it, and by saboteurs of each part."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from trino.dbapi import connect
from typer.testing import CliRunner

from enginedge.backup import lake_drill, lake_tables
from enginedge.backup.catalogue import catalogue
from enginedge.backup.commands import app
from enginedge.backup.lake_drill import Scratch, compare, restored
from enginedge.backup.locations import Location
from enginedge.backup.object_store import object_store
from enginedge.backup.pairs import HOLDING, NAMING, Pair, chosen_pair
from enginedge.backup.repository import repository
from enginedge.backup.stores import declared_stores
from enginedge.errors import Misconfigured, Violated
from enginedge.lake import declared
from enginedge.settings import settings
from tests.installation import enginedge
from tests.integration.conftest import ProvedStores

pytestmark = pytest.mark.stack
MART, CORE = BOTH = "mart.interviews__daily_funnel", "core.mongodb__users"


@dataclass(frozen=True)
class Taken:
    """Two backups, and which tables the metastore's database named when they were taken, by psycopg."""

    pair: Pair
    tables: dict[str, str]


@pytest.fixture(scope="module")
def taken(proved_stores: ProvedStores) -> Taken:
    """The two of what was backed up as the main job does it."""
    naming, holding = (proved_stores.rows[store]["backup"] for store in (NAMING, HOLDING))
    return Taken(chosen_pair(catalogue().read(), naming, holding), proved_stores.tables)


@pytest.fixture(scope="module")
def scratch(taken: Taken) -> Iterator[Scratch]:
    """The lake, restored once; each saboteur puts back what it took."""
    with restored(taken.pair, repository(), *declared_stores([NAMING, HOLDING])) as found:
        yield found


def asked(at: Any, statement: str) -> list[list[Any]]:
    """What a Trino answers, by its own client."""
    with closing(connect(host=at.host, port=at.port, user="admin", catalog="lake")) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [list(row) for row in cursor.fetchall()]


def counted_now(table: str) -> int:
    """The rows of a table of the running lake."""
    catalog = "files" if table.startswith("landing.") else "lake"
    return int(asked(settings().endpoint("trino"), f"select count(*) from {catalog}.{table}")[0][0])  # noqa: S608


def files_of(scratch: Scratch, table: str) -> list[str]:
    """The keys of a table's live data files."""
    schema, _, name = table.partition(".")
    listed = f'select file_path from {schema}."{name}$files" where content = 0 order by 1'  # noqa: S608
    rows = asked(scratch.trino, listed)
    return [path.partition("://lake/")[2] for (path,) in rows]


@contextmanager
def replaced(scratch: Scratch, key: str, by: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """The object ``key`` with other bytes, or without it, for as long as the ``with`` lasts."""
    with scratch.store.client() as client:
        content = client.get_object(Bucket="lake", Key=key)["Body"].read()
        other = by(content)
        client.delete_object(Bucket="lake", Key=key)
        if other is not None:
            client.put_object(Bucket="lake", Key=key, Body=other)
        yield
        client.put_object(Bucket="lake", Key=key, Body=content)


def one_cell_altered(content: bytes) -> bytes:
    """The same Parquet file, as long as before and as readable, with another value in one cell."""
    table = pq.read_table(io.BytesIO(content))
    index = next(i for i, field in enumerate(table.schema) if pa.types.is_integer(field.type))
    values = table.column(index).to_pylist()
    values[0] = (values[0] or 0) + 1
    field = table.schema.field(index)
    table = table.set_column(index, field, pa.array(values, field.type))
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd", compression_level=19, write_statistics=False, store_schema=False)
    altered = written.getvalue()
    footer = int.from_bytes(altered[-8:-4], "little") + 8
    missing = len(content) - len(altered)
    assert missing >= 0, "what is padded was longer before"
    return altered[:-footer] + bytes(missing) + altered[-footer:]


def test_every_table_and_every_mart_is_proved_and_the_proof_is_written_down(
    taken: Taken, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line's verb, on the lake that is restored already: ``tests/soak`` restores it by the verb, too."""
    monkeypatch.setattr(lake_drill, "restored", lambda *_: nullcontext(scratch))
    chosen = ("--backup", taken.pair.naming.id, "--buckets", taken.pair.holding.id)
    ended = CliRunner().invoke(app, ["drill-lake", *chosen, "--json"], catch_exceptions=False)
    (report,) = json.loads(ended.stdout)
    assert report["tables"] == len(taken.tables)
    assert report["marts"] == len(declared.marts())
    assert report["rows"] == sum(counted_now(table) for table in taken.tables)
    assert set(report["not_compared"]) == {"landing.news_articles"}, "its files have no metadata that counts them"
    assert report["restore_s"] == scratch.restore_s > 0
    proof = catalogue().read("lake").drills[-1]
    assert proof.manifest == taken.pair.id == report["manifest"]
    assert proof.told["tables"] == report["tables"]


def test_what_the_running_trino_read_is_kept_with_the_dump(taken: Taken) -> None:
    pointed = taken.pair.naming.dumped.pointed
    assert pointed is not None
    assert pointed.tables == taken.tables
    assert {mart.name for mart in declared.marts()} <= set(pointed.read)
    assert pointed.unread == {}


def test_a_silent_trino_is_told_and_stops_no_backup(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", "1")
    pointed = lake_tables.witness(taken.pair.naming.dumped, object_store("backup")).pointed
    assert pointed is not None
    assert pointed.tables == taken.tables
    assert pointed.read == {}
    assert "Trino did not answer" in pointed.unread[lake_tables.ALL_OTHERS]


def without_witness(pair: Pair) -> Pair:
    """As if Trino had been down when it was taken."""
    assert pair.naming.dumped.pointed is not None
    pointed = replace(pair.naming.dumped.pointed, read={}, unread={lake_tables.ALL_OTHERS: "Trino did not answer"})
    return replace(pair, naming=replace(pair.naming, dumped=replace(pair.naming.dumped, pointed=pointed)))


def test_what_nothing_was_known_of_is_said_and_not_called_equal(taken: Taken, scratch: Scratch) -> None:
    verdicts = {each.table: each for each in compare(without_witness(taken.pair), scratch)}
    assert all("Trino did not answer" in verdicts[mart.name].uncompared for mart in declared.marts())
    assert verdicts[MART].rows == counted_now(MART)


def test_one_altered_cell_of_a_mart_is_red(taken: Taken, scratch: Scratch) -> None:
    key = next(iter(files_of(scratch, MART)))
    with replaced(scratch, key, one_cell_altered), pytest.raises(Violated, match=rf"{MART} is \d+:\w+, not \d+:"):
        compare(taken.pair, scratch, BOTH)
    compare(taken.pair, scratch, BOTH)


@pytest.mark.parametrize("table", [CORE, MART])
def test_a_missing_data_file_is_red(taken: Taken, scratch: Scratch, table: str) -> None:
    key = files_of(scratch, table)[-1]
    with replaced(scratch, key, lambda _: None), pytest.raises(Violated, match=f"{table} cannot be read") as caught:
        compare(taken.pair, scratch, BOTH)
    assert str(caught.value).count("cannot be read") == 1, "and no other table is blamed"


def test_a_data_file_with_anothers_bytes_is_red(taken: Taken, scratch: Scratch) -> None:
    (other, *_), (key, *_) = files_of(scratch, MART), files_of(scratch, CORE)
    with scratch.store.client() as client:
        content = client.get_object(Bucket="lake", Key=other)["Body"].read()
    with replaced(scratch, key, lambda _: content), pytest.raises(Violated, match=CORE):
        compare(taken.pair, scratch, BOTH)


@pytest.mark.parametrize("table", [CORE, MART])
def test_a_missing_metadata_file_is_red(taken: Taken, scratch: Scratch, table: str) -> None:
    key = taken.tables[table].partition("://lake/")[2]
    with replaced(scratch, key, lambda _: None), pytest.raises(Violated, match=f"{table} cannot be read.*is missing"):
        compare(taken.pair, scratch, BOTH)


def test_a_table_that_the_restored_database_lost_is_red(taken: Taken, scratch: Scratch) -> None:
    name = MART.partition(".")[2]
    back = 'insert into public."TBLS" select * from json_populate_record(null::public."TBLS", %s::json)'
    with scratch.database.connected("metastore") as connection:
        connection.execute("set session_replication_role = replica")  # no other table is looked at
        lost = 'delete from public."TBLS" t where "TBL_NAME" = %s returning row_to_json(t)::text'
        rows = connection.execute(lost, [name]).fetchall()
        connection.commit()
        try:
            with pytest.raises(Violated, match=f"{MART} is missing from the metastore's database"):
                compare(taken.pair, scratch, BOTH)
        finally:
            for row in rows:
                connection.execute(back, row)
    compare(taken.pair, scratch, BOTH)


def test_a_table_that_points_elsewhere_is_red(taken: Taken, scratch: Scratch) -> None:
    """As it would where the buckets are younger than the database, or the other way round."""
    assert taken.pair.naming.dumped.pointed is not None
    tables = {**taken.tables, MART: taken.tables[CORE]}
    dumped = replace(taken.pair.naming.dumped, pointed=replace(taken.pair.naming.dumped.pointed, tables=tables))
    with pytest.raises(Violated, match=f"{MART} lies at"):
        compare(replace(taken.pair, naming=replace(taken.pair.naming, dumped=dumped)), scratch, BOTH)


def test_a_backup_that_names_no_table_proves_nothing(taken: Taken, scratch: Scratch) -> None:
    dumped = replace(taken.pair.naming.dumped, pointed=None)
    with pytest.raises(Misconfigured, match="it names no table of the lake"):
        compare(replace(taken.pair, naming=replace(taken.pair.naming, dumped=dumped)), scratch, BOTH)


def test_the_second_copy_knows_the_pair_too(taken: Taken) -> None:
    enginedge("backup", "copy", "--store", "postgres", "--store", "minio")
    there = chosen_pair(catalogue(Location.OFFSITE).read())
    assert there.id == taken.pair.id
    assert there.naming.dumped.pointed == taken.pair.naming.dumped.pointed
