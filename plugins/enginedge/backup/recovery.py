"""The recovery sheet: every secret that opens a backup or what is restored from it, for a place far from both.

Printed and locked away, or encrypted to the public key of a certificate whose private key is kept elsewhere. With it,
one of the two places of the backups and nothing else, everything comes back.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from enginedge.backup.locations import PLACES, Location
from enginedge.backup.repository import PASSWORD, repository
from enginedge.errors import Misconfigured
from enginedge.settings import settings

STEPS = """\
1. Install: clone the repository of this platform, run `make bootstrap`.
2. Write each secret below into a file of its name in the folder of the secrets (mode 0600).
3. See what there is: `enginedge backup list`; where the first place is lost, with `--from offsite`.
4. Bring each store up empty, and restore it: `enginedge backup restore STORE`, from the same place."""


@dataclass(frozen=True)
class Sheet:
    """What somebody needs who has lost everything but the bucket of the backups."""

    made_at: str
    repository: str
    second_copy: str
    secrets: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name} = {value}" for name, value in self.secrets.items()]
        head = f"EnginEdge recovery sheet, made {self.made_at}. Keep it apart from what it opens.\n\n{STEPS}\n"
        places = [
            f"repository (restic): {self.repository}, opened by {PASSWORD}",
            f"second copy (restic): {self.second_copy}, opened by {PLACES[Location.OFFSITE].password}",
        ]
        return "\n".join([head, *places, "", *lines, ""])


def sheet() -> Sheet:
    """The sheet of this installation.

    Raises:
        Misconfigured: a secret is missing, empty or readable by others.
    """
    folder = settings().secrets
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
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
