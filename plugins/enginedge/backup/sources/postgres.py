"""PostgreSQL: the roles, and every database by pg_dump, each described from the very snapshot that pg_dump reads.

The snapshot is exported by a transaction of ours, which lives until the dump has ended and meanwhile counts and digests
every table. Dumps are not compressed by pg_dump, so that what did not change is found again by the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enginedge.backup.shapes import Command, Dumped, Fingerprint, Pointed, Repository, Snapshot, refuse_present
from enginedge.backup.sources import postgres_contents as contents
from enginedge.backup.tools import environment, tool
from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge.shell import run

if TYPE_CHECKING:
    import psycopg

ROLES = "roles"
MAINTENANCE = "postgres"  # the database that every server has; it is connected to, and keeps nothing


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server and its superuser; the password is in ``password_file``, of the form of ``.pgpass``."""

    host: str
    port: int
    user: str
    password_file: Path

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"PGPASSFILE": str(self.password_file)}

    def command(self, program: str, *arguments: str) -> Command:
        """One of PostgreSQL's programs, told of this server."""
        login = (f"--host={self.host}", f"--port={self.port}", f"--username={self.user}", "--no-password")
        return Command((tool(program), *login, *arguments), self.environment)

    @contextmanager
    def connected(self, database: str) -> Iterator[psycopg.Connection]:
        """A connection whose failures are ours.

        Raises:
            Unavailable: the server does not answer, or breaks off.
        """
        import psycopg

        try:
            with psycopg.connect(
                host=self.host, port=self.port, user=self.user, dbname=database, passfile=str(self.password_file),
                connect_timeout=10, options=contents.OPTIONS,
            ) as connection:  # fmt: skip
                yield connection
        except psycopg.Error as failure:
            raise Unavailable(str(failure).strip(), where=f"{self.where}/{database}", remedy="look at it") from failure


def databases_of(dumped: Dumped) -> tuple[Snapshot, ...]:
    """The objects of the databases: all but the first, by their place, since one may have the name of the roles."""
    return dumped.objects[1:]


def exactly(database: str) -> str:
    """The option that connects to ``database`` whatever its name is: a name with ``=`` in it would be taken for a whole
    connection string, which may lead elsewhere."""
    from psycopg.conninfo import make_conninfo

    return f"--dbname={make_conninfo(dbname=database)}"


@dataclass(frozen=True)
class Postgres:
    """One server, of which ``only`` these databases are meant, or all that it has.

    ``names`` is asked in each database's dumped moment, with its connection and its name, for what it names in another
    store.

    The role that restores keeps the password and the rights that it has, lest it lock itself out. What the backup says
    of it is ``not_restored``, for each server until that admits its users: a fingerprint is then as if it were.
    """

    server: Server
    only: Sequence[str] = ()
    names: Callable[[Any, str], Mapping[str, str]] = lambda *_: {}
    not_restored: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def dump(self, into: Repository) -> Dumped:
        began = datetime.now(UTC)
        databases = self._open_databases(self.server)
        parts = {"roles": self._roles(self.server)}
        at_least: dict[str, int] = {}
        objects = []
        pointed: Pointed | None = None
        with ThreadPoolExecutor(1) as pool:
            people = self.server.command("pg_dumpall", "--roles-only", "--restrict-key=0")
            roles = pool.submit(into.save_output, ROLES, people)
            for database in databases:
                snapshot, found, here = self._dump_database(into, database)
                objects.append(snapshot)
                if here:
                    pointed = Pointed(datetime.now(UTC), here)
                parts |= found.parts
                at_least |= found.at_least
            objects.insert(0, roles.result())
        versions = {"pg_dump": run([tool("pg_dump"), "--version"], environment=environment()).strip()}
        return Dumped(began, Fingerprint(parts, at_least), tuple(objects), versions, pointed=pointed)

    def restore(self, dumped: Dumped, repository: Repository, to: Server) -> None:
        refuse_present(self.present(to), to.where)
        self._restore_roles(repository.read(dumped.objects[0]), to)
        with to.connected(MAINTENANCE) as connection:
            connection.autocommit = True
            for snapshot in databases_of(dumped):
                # one that holds nothing, such as the set-up of a new server makes; pg_restore --clean drops no template
                contents.drop_database(connection, snapshot.name)
        for snapshot in databases_of(dumped):
            options = ("--create", "--exit-on-error", f"--dbname={MAINTENANCE}")
            repository.load_into(snapshot, to.command("pg_restore", *options))

    def present(self, at: Server) -> list[str]:
        closed = self._closed(at)  # whatever they hold: nobody can look
        return [name for name in self._databases(at) if name in closed or self._holds_anything(at, name)]

    def clear(self, at: Server, aside: Path | None) -> None:  # noqa: ARG002 - is no folder
        """Shut everybody out, drop the databases, and the roles that own nothing else."""
        doomed = self._databases(at)
        with at.connected(MAINTENANCE) as connection:
            connection.autocommit = True
            contents.shut_out(connection)
            for name in doomed:
                contents.drop_database(connection, name)
            contents.drop_roles(connection)

    def admit(self, to: Server) -> None:
        with to.connected(MAINTENANCE) as connection:
            contents.admit(connection)
        self.not_restored.pop(to.where, None)

    def fingerprint(self, at: Server) -> Fingerprint:
        parts = {"roles": self._roles(at, self.not_restored.get(at.where, ""))}
        at_least: dict[str, int] = {}
        for database in self._open_databases(at):
            with at.connected(database) as connection:
                found = self._describe(at, connection, database)
            parts |= found.parts
            at_least |= found.at_least
        return Fingerprint(parts, at_least)

    def _dump_database(self, into: Repository, database: str) -> tuple[Snapshot, Fingerprint, Mapping[str, str]]:
        """Dump and describe one database as it is at one moment, and list what it names elsewhere."""
        with self.server.connected(database) as connection, ThreadPoolExecutor(1) as pool:
            exported = contents.export_snapshot(connection)
            command = self.server.command(
                "pg_dump", "--format=custom", "--compress=0", f"--snapshot={exported}", exactly(database)
            )
            saved = pool.submit(into.save_output, database, command)
            found = self._describe(self.server, connection, database, f"--snapshot={exported}")
            named = self.names(connection, database)
            return saved.result(), found, named

    def _describe(self, at: Server, connection: Any, database: str, *snapshot: str) -> Fingerprint:
        definitions = at.command(
            "pg_dump", "--schema-only", "--create", "--restrict-key=0", *snapshot, exactly(database)
        )
        text = run(definitions.argv, environment=environment(definitions.environment))
        parts = {f"{database} definitions": contents.digest_of_text(text), **contents.tables(connection, database)}
        return Fingerprint(parts, contents.sequences(connection, database))

    def _databases(self, server: Server) -> list[str]:
        """The databases that are meant, sorted; the maintenance one may hold nothing, since it is never dumped."""
        with server.connected(MAINTENANCE) as connection:
            if kept := contents.tables(connection, MAINTENANCE):
                raise Violated(
                    f"the database {MAINTENANCE} holds {', '.join(kept)}, which no backup keeps",
                    where=server.where,
                    remedy="move it into a database of its own",
                )
            return [each for each in contents.databases(connection) if not self.only or each in self.only]

    def _open_databases(self, server: Server) -> list[str]:
        """The databases that are meant, sorted.

        Raises:
            Misconfigured: one of them cannot be read, since nobody can connect to it.
        """
        databases = self._databases(server)
        if closed := sorted(self._closed(server).intersection(databases)):
            raise Misconfigured(
                f"nobody can connect to {', '.join(closed)}, so that it cannot be backed up",
                where=server.where,
                untouched="the server, of which nothing was backed up",
                remedy="`alter database ... allow_connections true`, or drop it",
            )
        return databases

    def _closed(self, server: Server) -> set[str]:
        with server.connected(MAINTENANCE) as connection:
            return contents.closed(connection)

    def _holds_anything(self, server: Server, database: str) -> bool:
        with server.connected(database) as connection:
            return contents.holds_anything(connection)

    def _roles(self, at: Server, supposed: str = "") -> str:
        """Count and digest of the roles, as if ``supposed`` had made the one that asks."""
        with at.connected(MAINTENANCE) as connection:
            if supposed:
                contents.suppose(connection, at.user, supposed)
            found = contents.roles(connection)
            connection.rollback()
            return found

    def _restore_roles(self, script: str, to: Server) -> None:
        script, self.not_restored[to.where] = contents.without_role(script, to.user)
        with to.connected(MAINTENANCE) as connection:
            connection.execute(contents.role_script(script, contents.role_names(connection)).encode())
            contents.shut_out(connection)
