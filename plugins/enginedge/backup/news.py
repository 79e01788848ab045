"""What is new about the backups: which objectives are missed that were not, and which are kept again.

Pure. What was told last is remembered, so that each change is told once; what cannot be judged now is neither new nor
over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from enginedge.backup.objectives import Code, Finding, Report
from enginedge.notify.messages import Kind, Message

#: A place that is away for a moment is no news: this many looks in a row must find it so.
PATIENCE = 3
AWAY = frozenset({Code.OFFSITE_UNKNOWN, Code.CATALOGUE_UNKNOWN})
MOST_NAMED = 3


def name_of(finding: Finding) -> str:
    """What a finding is remembered by: its subject and its code."""
    return f"{finding.subject} ({finding.code})"


def news(told: Sequence[str], report: Report, looks: Mapping[str, int]) -> tuple[Message | None, list[str]]:
    """What is new to whoever was told of ``told`` last, or nothing, and what he has been told of after that.

    ``looks`` says how many looks in a row have found each finding.
    """
    found = {name_of(each): each for each in report.missed if each.code not in AWAY}
    for each in report.missed:
        if each.code in AWAY and (name_of(each) in told or looks.get(name_of(each), 0) >= PATIENCE):
            found[name_of(each)] = each
    unknown = [each for each in told if each not in found and each.endswith(tuple(f"({c})" for c in report.unjudged))]
    new = [each for each in found if each not in told]
    over = [each for each in told if each not in found and each not in unknown]
    after = [*found, *unknown]
    if not new and not over:
        return None, after
    lines = [f"{name}: {found[name].message}. What to do: {found[name].remedy}." for name in new]
    lines += [f"{name}: kept again." for name in over]
    still = [each for each in after if each not in new]
    lines += [f"Still missed: {', '.join(still)}."] if still else []
    lines += [] if after else ["Every objective of the backups is kept."]
    if new:
        return Message(Kind.OVERDUE, f"backups miss their objectives: {_some(new)}", "\n".join(lines)), after
    return Message(Kind.RECOVERED, f"backups keep their objectives again: {_some(over)}", "\n".join(lines)), after


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
