"""Put a night into the platform's stores by their own clients; what is there already is left as it is.

Each module has ``write(night, …)``, which yields one ``Written`` an object (a collection, table, topic or prefix), and
turns its client's errors into ours: a store that does not answer is ``Unavailable``, one that refuses us is
``Misconfigured``.
"""

from __future__ import annotations

from dataclasses import dataclass

from enginedge.errors import Misconfigured, Unavailable


@dataclass(frozen=True)
class Written:
    """What one night brought to one object of a store, and how much of it had been there before."""

    store: str
    object: str
    written: int
    present: int


def silent(store: str, where: object, why: object) -> Unavailable:
    """The store did not answer."""
    return Unavailable(
        f"{store} did not answer: {why}",
        where=str(where),
        untouched="what was written before stays, and is not written again",
        remedy="run `make status`, start what is stopped with `make up`, then seed again",
    )


def refused(store: str, where: object, why: object, secret: str) -> Misconfigured:
    """The store answered, and refused the user ``platform``."""
    return Misconfigured(
        f"{store} refused the user 'platform': {why}",
        where=str(where),
        untouched="what was written before stays, and is not written again",
        remedy=f"compare the secret {secret!r} with what the store knows; `make up` sets it again",
    )
