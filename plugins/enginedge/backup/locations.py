"""Where backups are kept: in the primary repository, and a second time on another endpoint, which shares with it
neither a disk, nor a password, nor whoever may delete.

Whoever copies is the one exception, since restic knows one login for both ends of a copy: it may read at the one and
add at the other, and delete at neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from enginedge.backup.object_store import ObjectStore, object_store


class Location(StrEnum):
    """One of the two places; its value is how the command line calls it."""

    PRIMARY = "primary"
    OFFSITE = "offsite"


@dataclass(frozen=True)
class Place:
    """What a location is made of.

    Attributes:
        service: the object store, as the inventory names it.
        user: who adds to it; and who takes out of sight: ``pruner``.
        password: the secret that opens its repository.
    """

    service: str
    user: str
    pruner: str
    password: str

    def store(self) -> ObjectStore:
        """The object store, as who adds to it."""
        return object_store(self.user, self.service)

    def pruned(self) -> ObjectStore:
        """The object store, as who takes out of sight."""
        return object_store(self.pruner, self.service)


PLACES = {
    Location.PRIMARY: Place("minio", "backup", "backup-pruner", "backup-repository"),
    Location.OFFSITE: Place("offsite", "backup-copy", "backup-pruner", "offsite-repository"),
}
