"""One table from a restored database into another one: made there, or its rows replaced in one transaction."""

from __future__ import annotations

from typing import Any

from enginedge.backup.sources import postgres_contents as contents
from enginedge.backup.sources.postgres import Server
from enginedge.backup.tools import environment
from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge.shell import run_piped

COLUMNS = """
select attname, pg_catalog.format_type(atttypid, atttypmod) from pg_catalog.pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attname
"""
REFERRING = """
select conrelid::regclass::text from pg_catalog.pg_constraint
where contype = 'f' and confrelid = %s::regclass and conrelid <> confrelid order by 1
"""
TIES = """
select format('alter table %%s drop constraint %%I', conrelid::regclass, conname) from pg_catalog.pg_constraint
where contype = 'f' and conrelid = %s::regclass
union all select format('drop trigger %%I on %%s', tgname, tgrelid::regclass) from pg_catalog.pg_trigger
where not tgisinternal and tgrelid = %s::regclass
"""


def has_table(connection: Any, table: str) -> bool:
    """Whether the connected database has ``table``, as ``schema.table``."""
    (found,) = connection.execute("select to_regclass(%s)", [table]).fetchone()
    return found is not None


def copy_table(at: Server, table: str, to_database: str, to_table: str, wanted: str, in_place: bool) -> None:
    """Copy ``table`` of the database beside to ``to_table`` of ``to_database``, of which the fingerprint is to be
    ``wanted``. Where it is not put in its place, it comes without what ties it to other tables.

    Raises:
        Misconfigured: the table that is there has other columns, or others refer to it.
        Violated: what came out is not what was wanted; the table that was there is as it was.
    """
    with at.connected(to_database) as target:
        if has_table(target, to_table):
            with at.connected(contents.BESIDE) as source:
                return _replace_rows(source, target, table, to_table, wanted)
    _make(at, table, to_database, to_table, in_place)
    with at.connected(to_database) as target:
        _compare(target, to_table, wanted)
    return None


def _replace_rows(source: Any, target: Any, table: str, to_table: str, wanted: str) -> None:
    """In one transaction, which ends well only when the digest is right."""
    target.execute(f"lock table {to_table} in access exclusive mode")
    columns = [connection.execute(COLUMNS, [name]).fetchall() for connection, name in
               ((source, table), (target, to_table))]  # fmt: skip
    if columns[0] != columns[1]:
        raise _refused(to_table, "its columns are others than those in the backup")
    if referring := [name for (name,) in target.execute(REFERRING, [to_table]).fetchall()]:
        raise _refused(to_table, f"{', '.join(referring)} refer to its rows")
    names = ", ".join('"' + name.replace('"', '""') + '"' for name, _ in columns[0])
    target.execute(f"delete from only {to_table}")  # noqa: S608 - the name was checked to be one
    with (
        source.cursor().copy(f"copy (select {names} from only {table}) to stdout (format binary)") as rows,  # noqa: S608
        target.cursor().copy(f"copy {to_table} ({names}) from stdin (format binary)") as into,
    ):
        for block in rows:
            into.write(block)
    _compare(target, to_table, wanted)


def _make(at: Server, table: str, to_database: str, to_table: str, in_place: bool) -> None:
    """Give the copy the wanted name, cut its ties unless it is put in its place, and dump it over."""
    (schema, name), (to_schema, to_name) = _divided(table), _divided(to_table)
    with at.connected(contents.BESIDE) as source:
        if not in_place:
            for (statement,) in source.execute(TIES, [table, table]).fetchall():
                source.execute(statement)
        source.execute(f"create schema if not exists {to_schema}")
        if to_schema != schema:
            source.execute(f"alter table {table} set schema {to_schema}")
        if to_name != name:
            source.execute(f"alter table {to_schema}.{name} rename to {to_name}")
    with at.connected(to_database) as target:
        target.execute(f"create schema if not exists {to_schema}")
    dump = at.command(
        "pg_dump", "--format=custom", "--compress=0", f"--table={to_table}", f"--dbname={contents.BESIDE}"
    )
    load = at.command("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={to_database}")
    told = run_piped(
        dump.argv, load.argv, producers=environment(dump.environment), consumers=environment(load.environment)
    )
    for ended in told:
        if ended.status:
            raise Unavailable(
                f"it ended with {ended.status}, saying:\n{ended.last_words}\n", where=ended.argv[0],
                untouched=f"what is in {to_database}", remedy="mend what it names and restore again",
            )  # fmt: skip


def _compare(target: Any, table: str, wanted: str) -> None:
    if (found := contents.digest(target, table)) != wanted:
        raise Violated(
            f"{table} is {found}, not {wanted}",
            where="the restored table",
            untouched="the backup",
            remedy="see whether a trigger of the table changes what is written",
        )


def _refused(table: str, why: str) -> Misconfigured:
    return Misconfigured(
        f"its rows cannot be replaced: {why}",
        where=table,
        untouched="the table",
        remedy="restore it under another name (--as DATABASE/SCHEMA.TABLE), and merge it from there",
    )


def _divided(table: str) -> tuple[str, str]:
    schema, _, name = table.partition(".")
    return schema, name
