"""The recovery sheet: every secret that opens a backup or what is restored from it, for a place far from both.

Printed and locked away, or encrypted to the public key of a certificate whose private key is kept elsewhere. With it,
one of the two places of the backups and nothing else, everything comes back.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from enginedge.backup.locations import PLACES, Location
from enginedge.backup.repository import PASSWORD, repository
from enginedge.errors import Misconfigured
from enginedge.private_files import private_folder, write_private
from enginedge.settings import settings

STEPS = """\
1. Install: clone the repository of this platform, run `make bootstrap` and `export PATH=$PWD/.venv/bin:$PATH`.
2. Put the secrets back: `enginedge backup recover SHEET`, where SHEET is a file with this text in it.
3. See what there is: `enginedge backup list`; where the first place is lost, with `--from offsite`.
4. Bring each store up empty, and restore it: `enginedge restore STORE`, from the same place; etcd and the volumes are
   restored into their folders before they are started."""

ENCRYPTED = "-----BEGIN CMS-----"
LINE = re.compile(r"^(\S+) = (\S.*)$", re.MULTILINE)
CHECK = re.compile(r"^check: ([0-9a-f]{16})$", re.MULTILINE)


@dataclass(frozen=True)
class Sheet:
    """What somebody needs who has lost everything but the bucket of the backups."""

    made_at: str
    repository: str
    second_copy: str
    secrets: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name} = {_printed(value)}" for name, value in self.secrets.items()]
        head = f"EnginEdge recovery sheet, made {self.made_at}. Keep it apart from what it opens.\n\n{STEPS}\n"
        places = [
            f"repository (restic): {self.repository}, opened by {PASSWORD}",
            f"second copy (restic): {self.second_copy}, opened by {PLACES[Location.OFFSITE].password}",
        ]
        return "\n".join([head, *places, "", *lines, "", f"check: {_check(self.secrets)}", ""])

    @property
    def plain(self) -> dict[str, object]:
        """What the sheet says, with what it is checked by."""
        return {**asdict(self), "check": _check(self.secrets)}


def sheet() -> Sheet:
    """The sheet of this installation.

    Raises:
        Misconfigured: a secret is missing, empty or readable by others, or its name cannot be read back; or something
            is there that is no file, and would be left out.
    """
    folder = settings().secrets
    if not folder.is_dir():
        raise Misconfigured("there are no secrets yet", where=str(folder), remedy="run `make up`")
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    _refuse_folders([name for name in names if not (folder / name).is_file()], str(folder))
    _refuse_odd_names(names, str(folder))
    values = {name: settings().secret(name) for name in names}
    if PASSWORD not in values:
        raise Misconfigured("the repository's password is missing", where=str(folder), remedy="run `make up`")
    places = [repository(each).address for each in (Location.PRIMARY, Location.OFFSITE)]
    return Sheet(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", places[0], places[1], values)


def encrypted(text: str, certificate: Path) -> str:
    """``text`` as a CMS message that only the certificate's private key opens: ``openssl cms -decrypt``.

    Raises:
        Misconfigured: that is no certificate.
    """
    argv = ["openssl", "cms", "-encrypt", "-aes-256-cbc", "-outform", "PEM", str(certificate)]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Misconfigured(done.stderr.strip().splitlines()[-1], where=str(certificate), remedy="give a certificate")
    return done.stdout


def secrets_of(sheet: Path, key: Path | None = None) -> dict[str, str]:
    """The secrets on a sheet that was printed, written as JSON, or encrypted, in which case ``key`` opens it.

    Raises:
        Misconfigured: that is no sheet, the key does not open it, or it is not what was printed.
    """
    try:
        text = sheet.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"it cannot be read ({error})", where=str(sheet), remedy="give the sheet's file") from None
    if ENCRYPTED in text:
        text = _decrypted(sheet, key)
    try:
        told = json.loads(text)
        found, check = dict(told.get("secrets", {})), str(told.get("check"))
    except (ValueError, TypeError, AttributeError):
        checks = CHECK.findall(text)
        found, check = {name: _read(value.rstrip()) for name, value in LINE.findall(text)}, checks[-1] if checks else ""
    if not found:
        raise Misconfigured("there is no secret on it", where=str(sheet), remedy="give what `recovery-sheet` printed")
    if check != _check(found):
        raise Misconfigured(
            f"it is not what was printed: its check is {check or 'missing'}, but its secrets give {_check(found)}",
            where=str(sheet),
            untouched="the folder of the secrets",
            remedy="a character was mistyped or a line is missing: compare each line with the printed sheet",
        )
    _refuse_odd_names(found, str(sheet))
    return found


def recover(secrets: Mapping[str, str]) -> list[str]:
    """Write each of ``secrets`` into its file, and return the names of those that were not there yet.

    Raises:
        Misconfigured: another value is there already; nothing was written.
    """
    folder = private_folder(settings().secrets)
    there = {name: (folder / name).read_text().rstrip("\n") for name in secrets if (folder / name).exists()}
    if differing := sorted(name for name, value in there.items() if value != secrets[name]):
        raise Misconfigured(
            f"{', '.join(differing)} is there already and differs from the sheet's",
            where=str(folder),
            untouched="every secret",
            remedy="move the folder aside where the sheet is right: what was made with those secrets needs them",
        )
    for name, value in secrets.items():
        write_private(folder / name, value)
    return sorted(secrets.keys() - there.keys())


def _printed(value: str) -> str:
    """``value`` as one line on paper: as it is, or in quotes, where a blank at its end or a second line would be
    lost."""
    plain = value.isprintable() and value == value.strip() and not value.startswith('"')
    return value if plain else json.dumps(value)


def _read(printed: str) -> str:
    """What :func:`_printed` was given."""
    if not printed.startswith('"'):
        return printed
    try:
        return str(json.loads(printed))
    except ValueError:
        return printed  # mistyped, which the check tells


def _refuse_folders(names: Collection[str], where: str) -> None:
    """Return when there is none.

    Raises:
        Misconfigured: there is; names it.
    """
    if names:
        raise Misconfigured(
            f"{', '.join(names)} is no file, and the sheet would lack what is in it",
            where=where,
            remedy="put each key and certificate into a file of its own beside the other secrets",
        )


def _refuse_odd_names(names: Collection[str], where: str) -> None:
    """Return when each of ``names`` is that of a file in one folder, and one word.

    Raises:
        Misconfigured: one is not.
    """
    if odd := [name for name in names if Path(name).name != name or name.startswith(".") or len(name.split()) != 1]:
        raise Misconfigured(
            f"{', '.join(map(repr, odd))} is no name of a secret",
            where=where,
            untouched="every secret",
            remedy="give it a name without blanks and slashes, or take it out",
        )


def _check(secrets: Mapping[str, str]) -> str:
    """What tells a mistyped sheet from the printed one."""
    said = json.dumps(secrets, sort_keys=True, separators=(",", ":"))
    return sha256(said.encode()).hexdigest()[:16]


def _decrypted(sheet: Path, key: Path | None) -> str:
    if key is None:
        raise Misconfigured("it is encrypted", where=str(sheet), remedy="give the private key with --key")
    argv = ["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", str(sheet), "-inkey", str(key)]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Misconfigured(
            f"the key does not open it ({''.join(said)})",
            where=str(sheet),
            remedy="give the private key of the certificate that it was made for",
        )
    return done.stdout.decode(errors="replace").replace("\r\n", "\n")
