"""Which backups are kept: the newest of each of the last days, weeks, months and years, and the last verified one.

Pure: what goes and why is decided here and carried out elsewhere, so that a dry run says exactly what a run would do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from enginedge.backup.shapes import Manifest

LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Keep:
    """How many of each: the newest backup of each of this many days, weeks, months and years that have one; and for how
    many days before the newest one what a restore has replaced."""

    daily: int = 7
    weekly: int = 5
    monthly: int = 12
    yearly: int = 3
    safety: int = 14


@dataclass(frozen=True)
class Verdict:
    """What becomes of one backup; ``why`` names every reason to keep it, or says that there is none."""

    manifest: Manifest
    stays: bool
    why: str


def verdicts(
    manifests: Sequence[Manifest],
    verified: Collection[str],
    keep: Keep,
    together: Collection[str] = (),
    now: datetime = LATEST,
    held: Collection[str] = (),
) -> list[Verdict]:
    """What becomes of each backup of one store, newest first.

    Args:
        verified: the ids of those that a drill proved.
        together: the ids of the two that the last drill of the lake proved to be one.
        held: the ids of those that a restore was begun from and has not ended.
        now: a backup that is dated later, by a clock that ran ahead, makes none before it older than it is.
    """
    newest_first = sorted(manifests, key=lambda each: each.order, reverse=True)
    reasons: dict[str, list[str]] = {each.id: [] for each in newest_first}
    # What a restore has replaced is most often what nobody wants: it takes no other one's place.
    regular = [each for each in newest_first if not each.safety]
    if newest_first:
        reasons[(regular or newest_first)[0].id].append("the newest")
    if proved := [each for each in newest_first if each.id in verified]:
        reasons[proved[0].id].append("the last verified")
    last = min((newest_first[0].taken_at, now)) if newest_first else now
    for each in newest_first:
        if each.id in held:
            reasons[each.id].append("a restore of it broke off")
        if each.id in together:
            reasons[each.id].append("half of the last proved lake")
        if each.safety and last - each.taken_at <= timedelta(days=keep.safety):
            reasons[each.id].append("the way back from a restore")
    for count, period, name_of in _periods(keep):
        kept: list[str] = []
        for each in regular:
            name = name_of(each.taken_at)
            if name not in kept and len(kept) < count:
                kept.append(name)
                reasons[each.id].append(f"the {period} of {name}")
    return [
        Verdict(each, bool(reasons[each.id]), ", ".join(reasons[each.id]) or "no rule keeps it")
        for each in newest_first
    ]


def _periods(keep: Keep) -> list[tuple[int, str, Callable[[datetime], str]]]:
    return [
        (keep.daily, "daily", lambda at: f"{at:%Y-%m-%d}"),
        (keep.weekly, "weekly", lambda at: f"{at:%G-W%V}"),
        (keep.monthly, "monthly", lambda at: f"{at:%Y-%m}"),
        (keep.yearly, "yearly", lambda at: f"{at:%Y}"),
    ]
