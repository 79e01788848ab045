"""Parts of stores: each in its place or under another name, compared with what was dumped, and nothing else touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from enginedge.backup import operations, restoring
from enginedge.backup.catalogue import catalogue
from enginedge.backup.foretelling import plan
from enginedge.backup.night import back_up
from enginedge.backup.parts import postgres
from enginedge.backup.parts.postgres import made_by
from enginedge.backup.repository import repository
from enginedge.backup.stores import declared_stores
from enginedge.errors import Misconfigured, Violated
from tests.backup import test_mongodb
from tests.backup.etcd_gateway import gateway
from tests.backup.places import BUCKET, NAME, Place, asked, each_place
from tests.installation import enginedge

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("running_stores")]

TEXT = {"postgres": "kept/mine.said", "mongodb": "restore_suite.said", "buckets": f"{BUCKET}/said/", "folder": "early"}


def rows(place: Place, database: str, query: str) -> list[Any]:
    with place.store.source.server.connected(database) as connection:
        return connection.execute(query).fetchall()


def run(place: Place, statement: str, database: str = "kept") -> None:
    with place.store.source.server.connected(database) as connection:
        connection.execute(statement)


@each_place("postgres")
class TestPostgres:
    def test_a_database_comes_back_under_another_name_with_its_owner_and_rights(self, place: Place) -> None:
        run(place, "revoke connect on database kept from public; grant connect on database kept to reader")
        backup = _again(place)
        told = restoring.restore(asked(backup=backup, only="kept", name="kept_before"))
        assert rows(place, "kept_before", "select what from mine.said order by 1") == [("early",), ("late",)]
        rights = "select pg_get_userbyid(datdba), (select string_agg(each::text, ' ' order by each::text) "
        rights += "from unnest(datacl) each) from pg_database where datname like 'kept%'"
        assert len(set(rows(place, "postgres", rights))) == 1
        assert told["parts"] > 0
        assert "kept_before" in told["undo"]
        assert rows(place, "postgres", "select 1 from pg_database where datname = 'enginedge_restoring'") == []

    def test_what_is_set_for_a_role_in_a_database_comes_back_with_it(self, place: Place) -> None:
        run(place, 'create role "app ""user"" of kept"')
        run(place, """alter role "app ""user"" of kept" in database kept set work_mem to '8MB'""")
        restoring.restore(asked(backup=_again(place), only="kept", name="kept_before"))
        settings = "select setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase "
        settings += "where datname = 'kept_before' and setrole <> 0"
        assert rows(place, "postgres", settings) == [(["work_mem=8MB"],)]

    def test_a_database_is_replaced_only_by_a_word_and_when_its_copy_has_been_proved(
        self, place: Place, monkeypatch: Any
    ) -> None:
        with pytest.raises(Misconfigured, match="not empty"):
            restoring.restore(asked(only="kept"))
        whole = postgres._beside

        @contextmanager
        def spoilt(*arguments: Any) -> Iterator[None]:
            with whole(*arguments):
                run(place, "update mine.said set what = 'Early'", postgres.BESIDE)
                yield

        with monkeypatch.context() as patched:
            patched.setattr(postgres, "_beside", spoilt)
            with pytest.raises(Violated, match=r"kept mine\.said is"):
                restoring.restore(asked(only="kept", replace=NAME, backup=place.backup))
        assert place.read() == ["early", "late"]
        told = restoring.restore(asked(only="kept", replace=NAME, backup=place.backup))
        assert place.read() == ["early"]
        assert "--only kept" in told["undo"]
        place.write("its writer may still write")

    def test_a_table_comes_back_under_another_name_with_its_keys_and_without_its_ties(self, place: Place) -> None:
        run(place, "create table mine.kinds (kind text primary key); insert into mine.kinds values ('a')")
        run(place, "create table mine.of (id serial primary key, kind text references mine.kinds)")
        run(place, "insert into mine.of (kind) values ('a'), ('a')")
        backup = _again(place)
        run(place, "drop table mine.of")
        restoring.restore(asked(backup=backup, only="kept/mine.of", name="kept/before.of_then"))
        assert rows(place, "kept", "select id, kind from before.of_then order by 1") == [(1, "a"), (2, "a")]
        kinds = rows(place, "kept", "select contype from pg_constraint where conrelid = 'before.of_then'::regclass")
        assert [kind.decode() if isinstance(kind, bytes) else kind for (kind,) in kinds] == ["p"]
        restoring.restore(asked(backup=backup, only="kept/mine.of"))
        assert len(rows(place, "kept", "select 1 from pg_constraint where conrelid = 'mine.of'::regclass")) == 2
        assert place.read() == ["early", "late"], "nothing else was touched"

    def test_a_tables_rows_are_replaced_and_what_is_built_on_it_stays(self, place: Place) -> None:
        run(place, "create view mine.loud as select upper(what) from mine.said")
        restoring.restore(asked(backup=place.backup, only="kept/mine.said", replace=NAME))
        assert place.read() == ["early"]
        assert rows(place, "kept", "select * from mine.loud") == [("EARLY",)]

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ("alter table mine.said add column more int", "its columns are others"),
            (
                "alter table mine.said add unique (what); create table mine.of (of text references mine.said (what))",
                "mine.of refer to its rows",
            ),
        ],
    )
    def test_rows_that_cannot_be_replaced_stay_and_the_way_out_is_told(
        self, place: Place, change: str, why: str
    ) -> None:
        run(place, change)
        with pytest.raises(Misconfigured, match=f"{why}.*--as DATABASE/SCHEMA.TABLE"):
            restoring.restore(asked(backup=place.backup, only="kept/mine.said", replace=NAME))
        with pytest.raises(Misconfigured, match="not empty"):
            restoring.restore(asked(backup=place.backup, only="kept/mine.said"))
        assert place.read() == ["early", "late"]

    def test_a_name_that_is_none_of_a_table_is_refused(self, place: Place) -> None:
        before = place.read()
        for name in ("kept", "kept/said", "kept/mine.said; drop table mine.said", "k'/mine.said"):
            with pytest.raises(Misconfigured, match=r"DATABASE/SCHEMA\.TABLE"):
                restoring.restore(asked(only="kept/mine.said", name=name))
            assert place.read() == before, name


def test_the_lines_about_a_database_are_found_and_get_another_name() -> None:
    script = """
CREATE DATABASE platform WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C.UTF-8';
ALTER DATABASE platform OWNER TO platform;
\\connect platform
ALTER DATABASE platform SET work_mem TO '8MB';
CREATE TABLE public.platform (id integer);
REVOKE CONNECT,TEMPORARY ON DATABASE platform FROM PUBLIC;
GRANT CONNECT ON DATABASE platform TO lake;
GRANT CONNECT ON DATABASE platform2 TO lake;
"""
    assert made_by(script, "platform") == [
        "CREATE DATABASE enginedge_restoring WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C.UTF-8';",
        "ALTER DATABASE enginedge_restoring OWNER TO platform;",
        "ALTER DATABASE enginedge_restoring SET work_mem TO '8MB';",
        "REVOKE CONNECT,TEMPORARY ON DATABASE enginedge_restoring FROM PUBLIC;",
        "GRANT CONNECT ON DATABASE enginedge_restoring TO lake;",
    ]


def test_the_lines_about_a_database_are_found_whatever_it_and_the_roles_are_called() -> None:
    script = """
ALTER ROLE "app user" IN DATABASE shop SET work_mem TO '8MB';
ALTER ROLE "say ""so"" IN DATABASE shop" IN DATABASE shop SET work_mem TO '8MB';
ALTER ROLE "app user" IN DATABASE elsewhere SET work_mem TO '8MB';
ALTER ROLE "IN DATABASE shop" SET work_mem TO '8MB';
ALTER DATABASE "the ""shop"" of" OWNER TO "app user";
ALTER ROLE app IN DATABASE "the ""shop"" of" SET work_mem TO '8MB';
"""
    assert made_by(script, "shop") == [
        "ALTER ROLE \"app user\" IN DATABASE enginedge_restoring SET work_mem TO '8MB';",
        'ALTER ROLE "say ""so"" IN DATABASE shop" IN DATABASE enginedge_restoring SET work_mem TO \'8MB\';',
    ]
    assert made_by(script, 'the "shop" of') == [
        'ALTER DATABASE enginedge_restoring OWNER TO "app user";',
        "ALTER ROLE app IN DATABASE enginedge_restoring SET work_mem TO '8MB';",
    ]


@each_place("mongodb")
def test_a_collection_and_a_database_come_back_in_their_place_and_under_another_name(place: Place) -> None:
    with test_mongodb.connect() as client:
        database = client["restore_suite"]
        database.said.create_index([("what", 1)], unique=False)
        database.create_collection("seen", viewOn="said", pipeline=[{"$match": {"_id": "late"}}])
        backup = _again(place)
        database.said.delete_many({})
        told = restoring.restore(asked(backup=backup, only="restore_suite.said", name="restore_suite.said_before"))
        assert told["parts"] == 2
        assert sorted(each["_id"] for each in database.said_before.find()) == ["early", "late"]
        assert set(database.said_before.index_information()) == {"_id_", "what_1"}
        assert place.read() == []
        with pytest.raises(Misconfigured, match="not empty"):
            restoring.restore(asked(backup=backup, only="restore_suite.said"))
        restoring.restore(asked(backup=backup, only="restore_suite.said", replace=NAME))
        assert place.read() == ["early", "late"]
        try:
            restoring.restore(asked(backup=backup, only="restore_suite", name="restore_suite_before"))
            before = client["restore_suite_before"]
            assert [each["_id"] for each in before.seen.find()] == ["late"]
            assert set(before.list_collection_names()) >= {"said", "seen"}
        finally:
            client.drop_database("restore_suite_before")


@each_place("buckets")
def test_a_prefix_comes_back_in_its_place_and_under_another_prefix_or_bucket(place: Place) -> None:
    there = place.store.source.store
    with there.client() as client:
        client.create_bucket(Bucket="elsewhere")
        client.put_object(Bucket=BUCKET, Key="other/1", Body=b"other")

        def keys(bucket: str, prefix: str = "") -> list[str]:
            found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
            return [each["Key"] for each in found]

        told = restoring.restore(asked(only=f"{BUCKET}/said/", name="elsewhere/then/"))
        assert keys("elsewhere") == ["then/early"]
        assert told["parts"] == 1
        restoring.restore(asked(only=f"{BUCKET}/said/ea", name=f"{BUCKET}/one/ea"))
        assert keys(BUCKET, "one/") == ["one/early"]
        with pytest.raises(Misconfigured, match="not empty"):
            restoring.restore(asked(only=f"{BUCKET}/said/"))
        restoring.restore(asked(backup=place.backup, only=f"{BUCKET}/said/", replace=NAME))
        assert keys(BUCKET) == ["one/early", "other/1", "said/early"], "what is beside it stays"


@each_place("buckets")
def test_a_folder_without_its_slash_does_not_take_its_neighbours_with_it(place: Place) -> None:
    with place.store.source.store.client() as client:
        client.put_object(Bucket=BUCKET, Key="said_before/1", Body=b"another's")
        with pytest.raises(Misconfigured, match=r"said_before/, which would go with it.*say platform/said/"):
            restoring.restore(asked(only=f"{BUCKET}/said", replace=NAME))
        assert client.get_object(Bucket=BUCKET, Key="said_before/1")["Body"].read() == b"another's"
    restoring.restore(asked(only=f"{BUCKET}/said/", replace=NAME))


@each_place("buckets")
def test_what_no_backup_holds_is_not_replaced_unless_it_is_given_up(place: Place) -> None:
    """Of a bucket that is not backed up there is no safety backup."""
    part = asked(only=f"{BUCKET}/said/", name="exports/", replace=NAME)
    with place.store.source.store.client() as client:
        client.create_bucket(Bucket="exports")
        client.put_object(Bucket="exports", Key="report", Body=b"the only copy")
        with pytest.raises(Misconfigured, match=f"exports/report would go, and is in no backup of {NAME}"):
            restoring.restore(part)
        assert client.get_object(Bucket="exports", Key="report")["Body"].read() == b"the only copy"
        restoring.restore(replace(part, without_safety_backup=NAME))
        assert [each["Key"] for each in client.list_objects_v2(Bucket="exports")["Contents"]] == ["early"]


@each_place("buckets")
def test_an_object_that_was_written_meanwhile_is_told_of(place: Place, monkeypatch: Any) -> None:
    load = type(restoring.repository()).load_into

    def spoilt(*arguments: Any) -> None:
        load(*arguments)
        with place.store.source.store.client() as client:
            client.put_object(Bucket=BUCKET, Key="then/early", Body=b"Early")

    monkeypatch.setattr(type(restoring.repository()), "load_into", spoilt)
    with pytest.raises(Violated, match=f"{BUCKET}/said is"):
        restoring.restore(asked(only=f"{BUCKET}/said/", name=f"{BUCKET}/then/"))


@each_place("folder")
def test_a_file_comes_back_beside_its_place_or_in_it_and_what_was_there_is_set_aside(place: Place) -> None:
    home = place.store.home
    assert home
    (home / "early").write_text("spoilt")
    told = restoring.restore(asked(only="early", name="deep/er/early"))
    assert (home / "deep" / "er" / "early").read_text() == "early"
    assert told["parts"] == 1
    with pytest.raises(Misconfigured, match="not empty"):
        restoring.restore(asked(only="early"))
    restoring.restore(asked(only="early", replace=NAME))
    assert (home / "early").read_text() == "early"
    (aside,) = home.glob("early.before-*")
    assert aside.read_text() == "spoilt"
    assert (home / "late").read_text() == "late"
    with pytest.raises(Misconfigured, match="leads out of the folder"):
        restoring.restore(asked(only="early", name="../early"))


@each_place("folder")
def test_a_part_is_put_into_another_folder(place: Place, tmp_path: Path) -> None:
    restoring.restore(asked(only="early", folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["early"]


def test_keys_of_etcd_come_back_under_another_prefix_and_in_their_place() -> None:
    (store,) = declared_stores(["etcd"])
    with gateway(store.source.client) as etcd:
        for prefix in ("/parts/", "/before/"):
            etcd.delete(prefix)
        for number in range(250):
            etcd.put(f"/parts/pods/{number}", f"pod {number}")
        etcd.put("/parts/odd", "odd")
        taken = operations.back_up_store("etcd")["id"]
        etcd.put("/parts/pods/7", "another")
        etcd.put("/parts/pods/late", "late")
        enginedge("restore", "etcd", "--only", "/parts/pods/", "--as", "/before/")
        assert etcd.read("/before/") == {f"/before/{number}": f"pod {number}" for number in range(250)}
        assert etcd.read("/parts/pods/7")["/parts/pods/7"] == "another"
        enginedge("restore", "etcd", "--backup", taken, "--only", "/parts/pods/", "--replace", "etcd")
        assert etcd.read("/parts/pods/") == {f"/parts/pods/{number}": f"pod {number}" for number in range(250)}
        assert etcd.read("/parts/odd") == {"/parts/odd": "odd"}


@each_place()
def test_a_part_that_the_backup_does_not_have_is_told_with_what_is_near(
    place: Place, request: pytest.FixtureRequest
) -> None:
    known = TEXT[request.node.callspec.params["place"]]
    wrong = known.replace("s", "z").replace("early", "earli")
    with pytest.raises(Misconfigured, match=rf"has no '{wrong}'.*one of .*{known.rstrip('/')}"):
        plan(asked(only=wrong))
    with pytest.raises(Misconfigured, match="say which, with --only"):
        asked(name="another")


def _again(place: Place) -> str:
    return back_up(place.store, repository(), catalogue()).id
