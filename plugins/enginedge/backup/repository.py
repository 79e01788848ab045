"""The repository on restic: encrypted, compressed and deduplicated objects in a bucket whose user can delete nothing.

Each object is a restic snapshot of one stream. restic itself fails a backup whose command fails, at whatever byte. What
carries the tag :data:`MARK` is ours; nothing else is ever given up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from enginedge.backup.locations import PLACES, Location
from enginedge.backup.object_store import ObjectStore
from enginedge.backup.shapes import Command, Snapshot
from enginedge.backup.tools import environment, spool_folder, told, tool
from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.private_files import private_folder
from enginedge.settings import settings
from enginedge.shell import Ended, run, run_apart, run_piped

MARK = "enginedge"
BUCKET, FOLDER = "backup", "restic"
PASSWORD = PLACES[Location.PRIMARY].password
FULL = ("quota exceeded", "minimum free drive threshold", "no space left on device")  # the object store's words
DAMAGE = ("invalid data returned", "ciphertext verification failed", "does not match", "damaged")  # restic's words
#: restic itself loses the last lines that a command says, now and then: they are written to a file.
TO_A_FILE = ("sh", "-c", 'file="$0"; exec "$@" 2> "$file"')
#: Reads where nothing can be written any more; who gives up asks our own locks whether somebody reads.
UNLOCKED = "--no-lock"
PATIENCE = "30s"  # how long restic waits for whoever has the repository alone
NO_REPOSITORY, LOCKED, WRONG_PASSWORD = 10, 11, 12  # restic's exit statuses


@dataclass(frozen=True)
class Restic:
    """One restic repository in a bucket; ``marks`` are the tags of what it saves."""

    store: ObjectStore
    bucket: str = BUCKET
    marks: tuple[str, ...] = (MARK,)
    location: Location = Location.PRIMARY

    @property
    def where(self) -> str:
        return f"{self.store.url}/{self.bucket}/{FOLDER}"

    @property
    def address(self) -> str:
        """The repository as restic is told of it."""
        return f"s3:{self.where}"

    def marked(self, store: str, backup: str) -> Restic:
        return replace(self, marks=(MARK, f"store={store}", f"backup={backup}"))

    def exists(self) -> bool:
        """Whether there is a repository; the bucket is asked, which answers or fails within seconds, where restic
        would go on asking for a quarter of an hour.

        Raises:
            Unavailable: the place does not answer.
        """
        from botocore.exceptions import ClientError

        with self.store.client() as client:
            try:
                client.head_object(Bucket=self.bucket, Key=f"{FOLDER}/config")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "404":
                    raise
                return False
        return True

    def was_deleted(self) -> bool:
        """Whether there was one once: the bucket keeps what was taken out of sight until its lock has ended."""
        with self.store.client() as client:
            found = client.list_object_versions(Bucket=self.bucket, Prefix=f"{FOLDER}/config", MaxKeys=1)
        return bool(found.get("Versions") or found.get("DeleteMarkers"))

    def create(self, like: Restic | None = None) -> None:
        """Make the repository, empty; it cuts its bytes as ``like`` does, so that what is copied from there is known
        again."""
        if like:
            self._restic("init", "--copy-chunker-params", more=like._origin())
        else:
            self._restic("init")

    def save_output(self, name: str, command: Command, listen: Callable[[str], None] | None = None) -> Snapshot:
        tags = [f"--tag={mark}" for mark in self.marks]
        asked = ("backup", "--json", f"--host={MARK}", f"--stdin-filename={name}", *tags, "--stdin-from-command", "--")
        with spool_folder() as folder:
            said = folder / "said"
            said.touch()
            ended = self._run(*asked, *TO_A_FILE, str(said), *command.argv, more=command.environment)
            complaints = said.read_text(errors="replace")
        self._judge(replace(ended, err=complaints + ended.err))
        if listen:
            for line in complaints.splitlines():
                listen(line)
        summary = next(said for said in _json_lines(ended.out) if said.get("message_type") == "summary")
        return Snapshot(summary["snapshot_id"], name, summary["total_bytes_processed"], summary["data_added_packed"])

    def version(self) -> dict[str, str]:
        return {"restic": run([tool("restic"), "version"], environment=environment()).strip()}

    def read(self, snapshot: Snapshot) -> str:
        return self._restic("dump", UNLOCKED, snapshot.id, f"/{snapshot.name}").out

    def load_into(self, snapshot: Snapshot, command: Command) -> None:
        dump = self._argv("dump", UNLOCKED, snapshot.id, f"/{snapshot.name}")
        read, written = run_piped(
            dump, command.argv, producers=self._environment(), consumers=environment(command.environment)
        )
        if written.status:
            said = f"it ended with {written.status} while {snapshot.name} was restored, saying:\n{written.last_words}\n"
            raise Unavailable(said, where=command.argv[0], remedy="empty the target and restore again")
        self._judge(read)

    def copy(self, source: Restic, ids: Collection[str]) -> dict[str, str]:
        """Copy these objects of ``source`` and return the id that each has here; what is here already stays as it is.

        Each byte is decrypted, verified and encrypted anew: what is damaged there does not arrive.

        Raises:
            Violated: something in ``source`` is damaged; names it.
        """
        ended = self._restic("copy", UNLOCKED, *sorted(ids), more=source._origin(), may_end_with=(1,))
        if ended.status and any(word in ended.last_words for word in DAMAGE):
            raise source._damaged(ended)
        self._judge(ended)
        # restic writes down of each copy which object it is of
        copies = {each.get("original", each["id"]): str(each["id"]) for each in self._listed()}
        return {id_: copies[id_] for id_ in ids}

    def ids(self, backup: str = "") -> dict[str, datetime]:
        return {each["id"]: datetime.fromisoformat(each["time"]) for each in self._listed(backup)}

    def _listed(self, backup: str = "") -> list[dict[str, Any]]:
        """What restic says of all objects that carry our mark, or of those of one backup."""
        tags = f"{MARK},backup={backup}" if backup else MARK
        return json.loads(self._restic("snapshots", UNLOCKED, "--json", f"--tag={tags}").out) or []

    def check(self, part: int = 1, of: int = 1) -> None:
        self._recover_locks()
        ended = self._restic("check", f"--read-data-subset={part}/{of}", may_end_with=(1,))
        if ended.status:
            raise self._damaged(ended)

    def forget(self, ids: Collection[str]) -> None:
        if foreign := set(ids) - self.ids().keys():
            raise Misconfigured(f"{', '.join(sorted(foreign))} does not carry our mark", where=self.where)
        if ids:
            pruner = replace(self, store=PLACES[self.location].pruned())
            pruner._recover_locks()
            pruner._restic("forget", "--prune", *sorted(ids))

    def _recover_locks(self) -> None:
        """Remove the locks of those who died; a living one's stays."""
        self._restic("unlock")

    def _restic(
        self, *arguments: str, more: Mapping[str, str] | None = None, may_end_with: Collection[int] = ()
    ) -> Ended:
        ended = self._run(*arguments, more=more)
        if ended.status not in may_end_with:
            self._judge(ended)
        return ended

    def _run(self, *arguments: str, more: Mapping[str, str] | None = None) -> Ended:
        """Run restic; a lock that somebody left who was killed while he had the repository alone is removed first,
        where it is in the way: restic waits for him, and then does nothing."""
        argv, around = self._argv(*arguments), self._environment(more)
        ended = run_apart(argv, environment=around, hear=self._refuse_full)
        if ended.status != LOCKED:
            return ended
        run_apart(self._argv("unlock"), environment=around)
        return run_apart(argv, environment=around, hear=self._refuse_full)

    def _argv(self, *arguments: str) -> list[str]:
        return [tool("restic"), f"--retry-lock={PATIENCE}", *arguments]

    def _environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Where the repository is, and the files that hold what opens it."""
        credentials = told(f"s3-{self.location}-{self.store.user}", self.store.shared_credentials())
        return environment(
            {
                "RESTIC_REPOSITORY": self.address,
                "RESTIC_PASSWORD_FILE": str(self._password_file),
                "RESTIC_CACHE_DIR": str(private_folder(settings().state / "cache" / "restic")),
                "RESTIC_PROGRESS_FPS": "0.1",
                "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
                **(more or {}),
            }
        )

    def _origin(self) -> dict[str, str]:
        """Where this repository is and what opens it, for one that copies from it."""
        return {"RESTIC_FROM_REPOSITORY": self.address, "RESTIC_FROM_PASSWORD_FILE": str(self._password_file)}

    @property
    def _password_file(self) -> Path:
        return settings().secret_path(PLACES[self.location].password)

    def _judge(self, ended: Ended) -> None:
        if ended.status:
            raise self._failure(ended)

    def _refuse_full(self, complaint: str) -> None:
        """Give up at once where there is no room: restic would try again for a quarter of an hour.

        Raises:
            Unavailable: the object store said so.
        """
        if any(word in complaint.lower() for word in FULL):
            raise Unavailable(
                f"there is no room: {complaint.strip()}",
                where=self.where,
                untouched="the backups that are there",
                remedy="make room on its disk or raise the bucket's quota, then back up again",
            )

    def _damaged(self, ended: Ended) -> Violated:
        return Violated(
            f"the repository is damaged:\n{_without_json(ended.last_words)}\n",
            where=self.where,
            untouched="the backups that do not use what is damaged",
            remedy="restore the named objects from their older versions or from the second copy, then check again",
        )

    def _failure(self, ended: Ended) -> EnginEdgeError:
        said = _without_json(ended.last_words)
        if ended.status == NO_REPOSITORY:
            verb = "now" if self.location is Location.PRIMARY else "copy"
            return Misconfigured("there is no repository", where=self.where, remedy=f"run `enginedge backup {verb}`")
        if ended.status == WRONG_PASSWORD:
            return Misconfigured(
                "the repository's password is wrong",
                where=str(self._password_file),
                untouched="the repository",
                remedy="put back the one on the recovery sheet",
            )
        if any(word in said for word in DAMAGE):
            return self._damaged(ended)
        remedy = "see whether another backup runs" if ended.status == LOCKED else "mend what it names and run it again"
        return Unavailable(f"restic ended with {ended.status}, saying:\n{said}\n", where=self.where, remedy=remedy)


def _json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _without_json(text: str) -> str:
    """restic's complaints as sentences, where it wrote them as JSON."""
    lines = []
    for line in text.splitlines():
        try:
            said = json.loads(line)
            lines.append(str(said.get("message") or said.get("error", {}).get("message") or line))
        except (ValueError, AttributeError):
            lines.append(line)
    return "\n".join(lines)


def repository(location: Location = Location.PRIMARY) -> Restic:
    """The repository at ``location``, as the user who adds to it."""
    return Restic(PLACES[location].store(), location=location)
