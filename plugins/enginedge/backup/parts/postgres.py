"""A database or a table of PostgreSQL: restored into a database that nobody knows of, compared there, and then renamed
or copied to its place, so that what is in the way goes only when what replaces it has been proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from enginedge.backup.drills import refuse_differences
from enginedge.backup.parts.postgres_table import copy_table, has_table
from enginedge.backup.parts.shapes import Part, Scratch, refuse_unknown
from enginedge.backup.shapes import Command, Dumped, Fingerprint, Repository, Snapshot
from enginedge.backup.sources import postgres_contents as contents
from enginedge.backup.sources.postgres import MAINTENANCE, Server, databases_of
from enginedge.backup.sources.postgres_contents import BESIDE
from enginedge.backup.tools import spool_folder
from enginedge.errors import Misconfigured

IDENTIFIER = r'(?:[a-z_][a-z0-9_]*|"[^"]+")'
QUOTABLE = r'(?:"(?:[^"]|"")+"|[^\s"]+)'  # a name as PostgreSQL writes it, whatever is in it
NO_TABLE = ("definitions", "large objects")


@dataclass(frozen=True)
class PostgresParts:
    """A part is a database, or a database and a table with its schema: ``platform``, ``platform/public.schedules``."""

    sets_aside: bool = False

    def check(self, part: Part, dumped: Dumped) -> None:
        named = (name.partition(" ") for name in dumped.fingerprint.parts)
        tables = {f"{database}/{table}" for database, _, table in named if table and table not in NO_TABLE}
        refuse_unknown(part.what, tables | {each.name for each in databases_of(dumped)})
        _, table = divided(part.what)
        to_database, to_table = divided(part.to)
        form = rf"{IDENTIFIER}\.{IDENTIFIER}" if table else ""
        own = not table and to_database in (*contents.OWN, BESIDE)  # it is renamed to it, and what is there is dropped
        if own or not re.fullmatch(r"[A-Za-z0-9_-]+", to_database) or not re.fullmatch(form, to_table):
            raise Misconfigured(
                f"{part.what} cannot become {part.to}", where="--as", remedy="name a database for a database, or "
                "DATABASE/SCHEMA.TABLE for a table",
            )  # fmt: skip

    def present(self, part: Part, at: Server) -> list[str]:
        database, table = divided(part.to)
        with at.connected(MAINTENANCE) as connection:
            there, closed = database in contents.databases(connection), database in contents.closed(connection)
        if not table:
            return [database] if there else []
        if not there:
            raise Misconfigured(f"there is no database {database}", where=at.where, remedy="create it, or name another")
        if closed:
            raise Misconfigured(
                f"nobody can connect to {database}",
                where=at.where,
                remedy="`alter database ... allow_connections true`",
            )
        with at.connected(database) as connection:
            return [part.to] if has_table(connection, table) else []

    def restore(
        self,
        part: Part,
        dumped: Dumped,
        repository: Repository,
        to: Server,
        scratch: Scratch,  # noqa: ARG002 - needs none
    ) -> int:
        (database, table), (to_database, to_table) = divided(part.what), divided(part.to)
        (saved,) = (each for each in databases_of(dumped) if each.name == database)
        with _beside(saved, repository, to):
            wanted = _of(dumped.fingerprint, database)
            with to.connected(BESIDE) as connection:
                found = Fingerprint(contents.tables(connection, database), contents.sequences(connection, database))
            refuse_differences(wanted.differences(found), f"{BESIDE}, the copy of {database}")
            if table:
                copy_table(to, table, to_database, to_table, wanted.parts[f"{database} {table}"], part.what == part.to)
                return 1
            with to.connected(MAINTENANCE) as connection:
                connection.autocommit = True
                contents.rename_database(connection, BESIDE, to_database)
        return len(wanted.parts) + len(wanted.at_least)


@contextmanager
def _beside(saved: Snapshot, repository: Repository, to: Server) -> Iterator[None]:
    """The dumped database under a name of ours, for as long as it keeps that."""
    with to.connected(MAINTENANCE) as connection:
        connection.autocommit = True
        contents.drop_database(connection, BESIDE)  # of a restore that was killed
        try:
            for statement in _made_by(saved, repository, to):
                connection.execute(statement.encode())
            options = ("--exit-on-error", f"--dbname={BESIDE}")
            repository.load_into(saved, to.command("pg_restore", *options))
            yield
        finally:
            contents.drop_database(connection, BESIDE)


def _made_by(saved: Snapshot, repository: Repository, to: Server) -> list[str]:
    """The statements that make the dumped database and give it its owner, settings and rights, under our name."""
    with spool_folder() as folder:
        script = folder / "script.sql"
        told = to.command("pg_restore", "--create", "--schema-only", f"--file={script}")
        # pg_restore stops reading when it has read the definitions; the rest is read away
        whole = Command(("sh", "-c", '"$@" && cat > /dev/null', "sh", *told.argv), told.environment)
        repository.load_into(saved, whole)
        return made_by(script.read_text(), saved.name)


def made_by(script: str, database: str) -> list[str]:
    """The lines of pg_restore's ``script`` that are about the database itself, with :data:`BESIDE` for its name."""
    quoted = database.replace('"', '""')
    name = rf'(?:{re.escape(database)}|"{re.escape(quoted)}")'
    verbs = r"(?:CREATE|ALTER|COMMENT ON) DATABASE|(?:GRANT|REVOKE) [^;']* ON DATABASE"
    about = re.compile(rf"^({verbs}|ALTER ROLE {QUOTABLE} IN DATABASE) {name}(?= |;)")
    return [
        about.sub(rf"\1 {BESIDE}", line) for line in script.splitlines() if about.match(line) and line.endswith(";")
    ]


def _of(fingerprint: Fingerprint, database: str) -> Fingerprint:
    """What the fingerprint says of the content of one database; its definitions tell its name, and are of no other."""

    def mine(parts: Any) -> dict[str, Any]:
        return {name: told for name, told in parts.items() if name.startswith(f"{database} ")}

    parts = mine(fingerprint.parts)
    parts.pop(f"{database} definitions", None)
    return Fingerprint(parts, mine(fingerprint.at_least))


def divided(name: str) -> tuple[str, str]:
    """The database and the table, if any, that a part's name means."""
    database, _, table = name.partition("/")
    return database, table
