"""The weekly word that the backups can be restored: what was proved, how old it is, and how long its restore took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from enginedge.backup.catalogue import Found, catalogue
from enginedge.backup.pairs import LAKE
from enginedge.backup.stores import store_names
from enginedge.notify.channels import send
from enginedge.notify.messages import Kind, Message


def tell_proved(since: datetime) -> int:
    """Tell what the drills since ``since`` proved, and return by how many channels.

    Raises:
        Unavailable: a channel did not take it; the drills are as good as they were.
    """
    return send(proved(catalogue().read(), [*store_names(), LAKE], since, datetime.now(UTC)))


def proved(found: Found, stores: Sequence[str], since: datetime, now: datetime) -> Message:
    """The message: a line a store, and in its subject which of them were not proved since ``since``."""
    ages = {each.id: (now - each.taken_at).total_seconds() / 3600 for each in found.manifests}
    lines, lacking = [], []
    for store in stores:
        proofs = [each for each in found.drills_of(store) if each.drilled_at <= now]
        last = proofs[-1] if proofs else None
        if last is None or last.drilled_at < since:
            lacking.append(store)
            when = f"the last proof is of {last.drilled_at:%Y-%m-%d}" if last else "it never was"
            lines.append(f"{store}: NOT PROVED, {when}")
            continue
        age = f", {ages[last.manifest]:.1f} h old" if last.manifest in ages else ""
        lines.append(
            f"{store}: backup {last.manifest}{age}, restored in {last.restore_s:.1f} s, {last.parts} parts equal"
        )
    without = f", not {', '.join(lacking)}" if lacking else ""
    return Message(
        Kind.PROVED, f"{len(stores) - len(lacking)} of {len(stores)} proved restorable{without}", "\n".join(lines)
    )
