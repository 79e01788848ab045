"""What a PostgreSQL server holds, read through one connection: databases, roles, and the digest of every table.

A table's digest is the sum of two 64-bit hashes of each row's text form, so that it does not depend on the order in
which a restore wrote the rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from typing import Any

SCRATCH_ROLE = "enginedge_drill"  # the superuser of a drill's own server
BESIDE = "enginedge_restoring"  # the database that a part is restored into before it is put in its place
OWN = ("postgres", "template0", "template1")  # the databases that a server has of itself
SET_UP = ("public", "lease")  # the schemas that the platform's set-up makes: as such, they are no content
SHUT_OUT = "shut out by enginedge until the restore has been compared; "  # before a role's own comment
#: A row has one text form only under one set of these.
OPTIONS = (
    "-c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c timezone=UTC -c bytea_output=hex -c extra_float_digits=1 "
    "-c search_path= -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=60000"
)
TEMPLATE = "select 1 from pg_catalog.pg_database where datname = %s and datistemplate and datname <> all(%s)"
CLOSED = """
select datname from pg_catalog.pg_database where not datallowconn or datconnlimit = -2 order by 1
"""
TABLES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
order by 1
"""
#: What can be made in a database, by its catalog: the column of its schema, and what only comes along with another.
MADE = {
    "pg_class": ("relnamespace", "relkind in ('i', 'I', 't')"),
    "pg_proc": ("pronamespace", "false"),
    "pg_type": ("typnamespace", "typrelid <> 0 or typtype = 'm' or typcategory = 'A'"),
    "pg_operator": ("oprnamespace", "false"),
    "pg_collation": ("collnamespace", "false"),
    "pg_conversion": ("connamespace", "false"),
    "pg_ts_config": ("cfgnamespace", "false"),
    "pg_ts_dict": ("dictnamespace", "false"),
    "pg_namespace": ("oid", f"nspname in {SET_UP}"),
    "pg_largeobject_metadata": ("0", "false"),
    "pg_cast": ("0", "false"),
    "pg_language": ("0", "false"),
    "pg_foreign_data_wrapper": ("0", "false"),
    "pg_publication": ("0", "false"),
}
#: What a server is born with has a number below 16384, in every database.
HOLDS = """
select exists (
  select 1 from ({}) as made left join pg_catalog.pg_namespace n on n.oid = made.schema
  where made.oid >= 16384 and coalesce(n.nspname, '') !~ '^(pg_|information_schema$)' and not exists (
    select 1 from pg_catalog.pg_depend d where d.classid = made.catalog and d.objid = made.oid and d.deptype = 'e'))
"""
#: ``t.*`` is the row whatever its columns are called; ``t`` alone would be the column of that name where there is one.
DIGEST = """
select count(*), coalesce(sum(hashtextextended(r, 1)), 0), coalesce(sum(hashtextextended(r, 2)), 0)
from (select (t.*)::text as r from only {} as t offset 0) as rows
"""
LARGE_OBJECTS = """
select count(*), coalesce(sum(hashtextextended(encode(data, 'hex'), loid::bigint * 4096 + pageno)), 0), 0
from pg_catalog.pg_largeobject
"""
SEQUENCES = """
select format('%I.%I', schemaname, sequencename), coalesce(last_value, 0) from pg_catalog.pg_sequences
where increment_by > 0 and not cycle
"""
ROLES = """
select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb,
       r.rolcanlogin or starts_with(coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), ''), %s),
       r.rolreplication,
       r.rolbypassrls, r.rolconnlimit, r.rolpassword, r.rolvaliduntil::text, s.setconfig,
       array(select g.rolname from pg_catalog.pg_auth_members m join pg_catalog.pg_roles g on g.oid = m.roleid
             where m.member = r.oid order by 1)
from pg_catalog.pg_authid r left join pg_catalog.pg_db_role_setting s on s.setrole = r.oid and s.setdatabase = 0
where r.rolname !~ '^pg_' and r.rolname <> %s order by 1
"""
#: What pg_dumpall tells only where it is otherwise; no ``alter role`` takes a date back.
AS_NEW = """
update pg_catalog.pg_authid set rolpassword = null, rolvaliduntil = null, rolconnlimit = -1 where rolname = %s
"""
LOGINS = """
select rolname, coalesce(pg_catalog.shobj_description(oid, 'pg_authid'), '') from pg_catalog.pg_roles
where rolcanlogin and not rolsuper order by 1
"""
MARKED = """
select rolname, pg_catalog.shobj_description(oid, 'pg_authid') from pg_catalog.pg_roles
where starts_with(coalesce(pg_catalog.shobj_description(oid, 'pg_authid'), ''), %s) order by 1
"""
DROPPED = "select rolname from pg_catalog.pg_roles where not rolsuper and rolname !~ '^pg_' order by 1"


def export_snapshot(connection: Any) -> str:
    """Fix what ``connection`` sees until its transaction ends, and return the name by which pg_dump sees the same."""
    connection.execute("set transaction isolation level repeatable read, read only")
    (name,) = connection.execute("select pg_catalog.pg_export_snapshot()").fetchone()
    return str(name)


def databases(connection: Any) -> list[str]:
    """Every database that somebody has made, sorted; also one that nobody can connect to, and a template."""
    mine = [*OWN, BESIDE]
    rows = connection.execute("select datname from pg_catalog.pg_database where datname <> all(%s) order by 1", [mine])
    return [name for (name,) in rows]


def closed(connection: Any) -> set[str]:
    """The databases that nobody can connect to: they allow no connections, or are what a killed drop has left."""
    return {name for (name,) in connection.execute(CLOSED).fetchall()}


def table_names(connection: Any) -> list[str]:
    """Every table of the connected database that holds rows of its own, sorted."""
    return [name for (name,) in connection.execute(TABLES).fetchall()]


def holds_anything(connection: Any) -> bool:
    """Whether the connected database has anything that somebody has made there, beside what extensions have: not only
    a table, but also a large object, a view, a function, a schema …"""
    made = " union all ".join(
        f"select '{catalog}'::regclass as catalog, oid, {schema} as schema from {catalog} where not ({along})"  # noqa: S608
        for catalog, (schema, along) in MADE.items()
    )
    (found,) = connection.execute(HOLDS.format(made)).fetchone()
    return bool(found)


def tables(connection: Any, database: str) -> dict[str, str]:
    """Count and digest of each table of the connected database, and of its large objects where it has any."""
    found = {}
    for table in table_names(connection):
        found[f"{database} {table}"] = digest(connection, table)
    large = connection.execute(LARGE_OBJECTS).fetchone()
    if large[0]:
        found[f"{database} large objects"] = _counted(large)
    return found


def digest(connection: Any, table: str) -> str:
    """Count and digest of one table."""
    return _counted(connection.execute(DIGEST.format(table)).fetchone())


def sequences(connection: Any, database: str) -> dict[str, int]:
    """Where each rising sequence stands: it moves outside of any snapshot, and never back."""
    return {f"{database} sequence {name}": int(value) for name, value in connection.execute(SEQUENCES).fetchall()}


def roles(connection: Any) -> str:
    """Count and digest of every role: rights, password, settings, memberships."""
    rows = connection.execute(ROLES, [SHUT_OUT, SCRATCH_ROLE]).fetchall()
    return f"{len(rows)} roles, {digest_of_text(repr(rows))}"


def suppose(connection: Any, role: str, statement: str) -> None:
    """Make ``role`` what pg_dumpall's ``statement`` makes of a new one, for as long as the transaction lasts."""
    connection.execute(AS_NEW, [role])
    connection.execute(statement.encode())


def shut_out(connection: Any) -> None:
    """Let no role log in but superusers; each is marked, so that :func:`admit` finds it, and counts as one that may."""
    for name, comment in connection.execute(LOGINS).fetchall():
        connection.execute(_composed("alter role {} nologin", name))
        connection.execute(_composed("comment on role {} is {}", name, SHUT_OUT + comment))


def admit(connection: Any) -> None:
    """Let those log in again whom :func:`shut_out` has marked."""
    for name, comment in connection.execute(MARKED, [SHUT_OUT]).fetchall():
        connection.execute(_composed("alter role {} login", name))
        connection.execute(_composed("comment on role {} is {}", name, comment.removeprefix(SHUT_OUT) or None))


def drop_database(connection: Any, name: str) -> None:
    """Drop it where it is there, with whoever is connected to it, also where it is a template."""
    if connection.execute(TEMPLATE, [name, list(OWN)]).fetchone():
        connection.execute(_composed("alter database {} is_template false", name))
    connection.execute(_composed("drop database if exists {} with (force)", name))


def rename_database(connection: Any, name: str, to: str) -> None:
    """Put the database ``name`` in the place of ``to``, which is dropped where it is there."""
    from psycopg import sql

    drop_database(connection, to)
    connection.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(name), sql.Identifier(to)))


def drop_roles(connection: Any) -> None:
    """Drop every role that is no superuser; one on which something of the server itself depends stays."""
    from psycopg.errors import DependentObjectsStillExist

    for (name,) in connection.execute(DROPPED).fetchall():
        with suppress(DependentObjectsStillExist):
            connection.execute(_composed("drop role {}", name))


def role_names(connection: Any) -> set[str]:
    """The roles that are there already."""
    return {name for (name,) in connection.execute("select rolname from pg_catalog.pg_roles").fetchall()}


def role_script(script: str, present: Collection[str]) -> str:
    """pg_dumpall's ``script`` without psql's own commands and without making the roles that are ``present`` anew."""
    making = re.compile(r'CREATE ROLE "?(.+?)"?;')
    lines = script.splitlines()
    made = [(line, making.fullmatch(line)) for line in lines if not line.startswith("\\")]
    return "\n".join(line for line, role in made if role is None or role[1] not in present)


def without_role(script: str, role: str) -> tuple[str, str]:
    """pg_dumpall's ``script`` without the statement by which ``role`` may log in, with which password, and what it may
    do; and that statement, which is empty where there is none."""
    quoted = role.replace('"', '""')
    own = re.compile(rf'^ALTER ROLE (?:{re.escape(role)}|"{re.escape(quoted)}") WITH [^\n]*;(?:\n|$)', re.MULTILINE)
    found = own.search(script)
    return own.sub("", script), found[0].rstrip("\n") if found else ""


def digest_of_text(text: str) -> str:
    """A short digest of a definition."""
    return sha256(text.encode()).hexdigest()[:32]


def _composed(statement: str, name: str, *values: str | None) -> Any:
    from psycopg import sql

    return sql.SQL(statement).format(sql.Identifier(name), *map(sql.Literal, values))


def _counted(row: tuple[Any, ...]) -> str:
    count, first, second = (int(each) for each in row)
    return f"{count} rows, {first % 2**64:016x}{second % 2**64:016x}"
