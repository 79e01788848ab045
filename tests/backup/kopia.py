"""The repository on kopia, as far as the contract suite asks: what restic is compared with, and nothing that runs uses.

`make kopia` builds it.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from enginedge.backup.object_store import ObjectStore
from enginedge.backup.repository import BUCKET, PASSWORD
from enginedge.backup.shapes import Command, Snapshot
from enginedge.backup.tools import environment, tool
from enginedge.errors import Misconfigured, Unavailable, Violated
from enginedge.private_files import private_folder, write_private
from enginedge.shell import Ended, end_group, run_apart, run_piped, start_tied
from tests.backup.locked import stored

MARK = "by=enginedge"
PREFIX = "kopia/"
US = "enginedge"
#: As restic does: chunks of 1 MB as a rule, and zstd. By itself it cuts 4 MB and compresses nothing.
CUTS, COMPRESSES = "DYNAMIC-1M-BUZHASH", "zstd"
KEPT = "1000000"  # it gives up older ones of the same source by itself, each time one is saved


@dataclass(frozen=True)
class Kopia:
    """One kopia repository in a bucket; ``marks`` are the tags of what it saves.

    An object's id is the snapshot's and the one of its folder: only by the latter kopia prints a file.
    """

    store: ObjectStore
    pruner: ObjectStore
    folder: Path
    password_file: Path
    bucket: str = BUCKET
    marks: tuple[str, ...] = (MARK,)

    def marked(self, store: str, backup: str) -> Kopia:
        return replace(self, marks=(MARK, f"store={store}", f"backup={backup}"))

    def create(self) -> None:
        """Make the repository, empty."""
        self._open("create", f"--object-splitter={CUTS}")
        self._kopia("policy", "set", "--global", f"--compression={COMPRESSES}", f"--keep-latest={KEPT}")

    def save_output(self, name: str, command: Command, listen: Callable[[str], None] | None = None) -> Snapshot:
        before = self._stored()
        printed, saved = self._save(name, command)
        if printed.status:
            raise Unavailable(f"it ended with {printed.status}, saying:\n{printed.err}\n", where=command.argv[0])
        self._judge(saved)
        if listen:
            for line in printed.err.splitlines():
                listen(line)
        told = json.loads(saved.out)
        return Snapshot(_id(told), name, told["rootEntry"]["summ"]["size"], self._stored() - before)

    def _save(self, name: str, command: Command) -> tuple[Ended, Ended]:
        """How ``command`` ended, and kopia, which takes the end of a stream for success: so we hold the stream open
        until the command has succeeded, and kill kopia where it has not."""
        reads, writes = map(os.fdopen, os.pipe(), ("rb", "wb"))
        with reads, writes, TemporaryFile("w+") as said, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            print_it = {"environment": environment(command.environment), "stdout": writes, "stderr": said}
            save_it = {"environment": self.environment(), "stdin": reads, "stdout": out, "stderr": err}
            printing = start_tied(command.argv, **print_it)
            saving = start_tied(self.saving(name), **save_it)
            reads.close()
            if printing.wait():
                end_group(saving.pid)
            writes.close()
            saving.wait()
            for file in (said, out, err):
                file.seek(0)
            printed = Ended(command.argv, printing.returncode, "", said.read())
            return printed, Ended(self.saving(name), saving.returncode, out.read(), err.read())

    def read(self, snapshot: Snapshot) -> str:
        return self._kopia(*_showing(snapshot)).out

    def load_into(self, snapshot: Snapshot, command: Command) -> None:
        read, written = run_piped(
            self.argv(*_showing(snapshot)),
            command.argv,
            producers=self.environment(),
            consumers=environment(command.environment),
        )
        if written.status:
            raise Unavailable(f"it ended with {written.status}, saying:\n{written.last_words}\n", where=command.argv[0])
        self._judge(read)

    def ids(self, backup: str = "") -> Mapping[str, datetime]:
        wanted = [MARK, *([f"backup={backup}"] if backup else [])]
        listed = json.loads(self._kopia("snapshot", "list", "--all", "--json", *_tags(wanted)).out)
        return {_id(each): datetime.fromisoformat(each["startTime"]) for each in listed}

    def check(self, part: int = 1, of: int = 1) -> None:  # noqa: ARG002
        """Of several parts, as many bytes taken at random: kopia knows no parts."""
        self._kopia("snapshot", "verify", wrong=Violated)
        self._kopia("content", "verify", f"--download-percent={100 / of}", wrong=Violated)

    def forget(self, ids: Collection[str]) -> None:
        """What they used stays for a day at least: kopia has no locks, and waits until nobody can still be writing."""
        if foreign := set(ids) - self.ids().keys():
            raise Misconfigured(f"{', '.join(sorted(foreign))} does not carry our mark", where=self.store.url)
        pruning = replace(self, store=self.pruner)
        pruning._open("connect")
        pruning._kopia("snapshot", "delete", "--delete", *(each.partition(":")[0] for each in sorted(ids)))
        pruning._kopia("maintenance", "run", "--full")

    def saving(self, name: str) -> list[str]:
        """The command that saves its standard input, with our marks."""
        return self.argv("snapshot", "create", "--json", *_tags(self.marks), f"--stdin-file={name}", f"/{name}")

    def argv(self, *arguments: str) -> list[str]:
        return [tool("kopia"), "--no-auto-maintenance", "--disable-file-logging", *arguments]

    def environment(self) -> dict[str, str]:
        """Where the file is that says where the repository is and what opens it."""
        return environment(
            {
                "KOPIA_CONFIG_PATH": str(private_folder(self.folder) / f"{self.store.user}.config"),
                "KOPIA_CACHE_DIRECTORY": str(private_folder(self.folder / "cache")),
                "KOPIA_CHECK_FOR_UPDATES": "false",
                "KOPIA_DISABLE_INTERNAL_LOG": "true",
            }
        )

    def _open(self, verb: str, *arguments: str) -> None:
        """``create`` or ``connect``: it writes what it is told here to its own file, which only its owner can read."""
        token = private_folder(self.folder) / f"{self.store.user}.token"
        write_private(token, self._token())
        us = (f"--override-hostname={US}", f"--override-username={US}")  # only its owner may maintain a repository
        self._kopia("repository", verb, *us, *arguments, "from-config", f"--token-file={token}")

    def _token(self) -> str:
        bucket = {
            "bucket": self.bucket,
            "prefix": PREFIX,
            "endpoint": self.store.url.partition("://")[2],
            "doNotUseTLS": True,
            "accessKeyID": self.store.user,
            "secretAccessKey": self.store.password,
        }
        password = self.password_file.read_text().strip()
        told = {"version": "1", "storage": {"type": "s3", "config": bucket}, "password": password}
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")

    def _kopia(self, *arguments: str, wrong: type[Unavailable | Violated] = Unavailable) -> Ended:
        return self._judge(run_apart(self.argv(*arguments), environment=self.environment()), wrong)

    def _judge(self, ended: Ended, wrong: type[Unavailable | Violated] = Unavailable) -> Ended:
        if ended.status:
            raise wrong(f"kopia ended with {ended.status}, saying:\n{ended.last_words}\n", where=self.store.url)
        return ended

    def _stored(self) -> int:
        return stored(self.store, self.bucket, PREFIX)


def kopia_in(folder: Path, adder: ObjectStore, pruner: ObjectStore) -> Kopia:
    """An empty repository in the locked bucket, whose installation is in ``folder``."""
    made = Kopia(adder, pruner, folder / "kopia", folder / "secrets" / PASSWORD)
    made.create()
    return made


def _id(told: Any) -> str:
    return f"{told['id']}:{told['rootEntry']['obj']}"


def _showing(snapshot: Snapshot) -> tuple[str, str]:
    return "show", f"{snapshot.id.partition(':')[2]}/{snapshot.name}"


def _tags(marks: Collection[str]) -> list[str]:
    return [f"--tags={mark.replace('=', ':', 1)}" for mark in marks]
