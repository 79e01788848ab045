"""What is new is told once; what is over is told once; what cannot be judged is neither."""

from __future__ import annotations

import pytest

from enginedge.backup.news import PATIENCE, news
from enginedge.backup.objectives import Code, Finding, Report, Severity
from enginedge.notify.messages import Kind
from tests.backup.test_objectives import NOW

RPO, RTO, COPY = "postgres (rpo-missed)", "etcd (rto-missed)", "postgres (offsite-stale)"
AWAY, BLIND = "offsite (offsite-unknown)", "catalogue (catalogue-unknown)"


def reported(*names: str) -> Report:
    """A report in which these are missed, each called as it is remembered."""
    found = []
    for name in names:
        subject, _, code = name.removesuffix(")").partition(" (")
        found.append(Finding(Code(code), subject, Severity.MISSED, f"{name} is wrong", "mend it"))
    return Report(NOW, (), tuple(found))


@pytest.mark.parametrize(
    ("told", "now", "looks", "kind", "after"),
    [
        ([], [], 1, None, []),
        ([], [RPO], 1, Kind.OVERDUE, [RPO]),
        ([RPO], [RPO], 2, None, [RPO]),
        ([RPO], [RPO, RTO], 1, Kind.OVERDUE, [RPO, RTO]),
        ([RPO, RTO], [RTO], 1, Kind.RECOVERED, [RTO]),
        ([RPO], [RTO], 1, Kind.OVERDUE, [RTO]),
        ([RPO], [], 1, Kind.RECOVERED, []),
        ([], [AWAY], PATIENCE - 1, None, []),
        ([], [AWAY], PATIENCE, Kind.OVERDUE, [AWAY]),
        ([AWAY], [AWAY], 1, None, [AWAY]),
        ([AWAY], [], 1, Kind.RECOVERED, []),
        ([COPY, RPO], [AWAY, RPO], 1, None, [RPO, COPY]),
        ([COPY, RPO], [AWAY], 1, Kind.RECOVERED, [COPY]),
        ([RPO, RTO], [BLIND], 1, None, [RPO, RTO]),
        ([RPO], [BLIND], PATIENCE, Kind.OVERDUE, [BLIND, RPO]),
        ([BLIND, RPO], [], 1, Kind.RECOVERED, []),
        ([BLIND, RPO], [RPO], 1, Kind.RECOVERED, [RPO]),
    ],
)
def test_each_change_is_told_once(
    told: list[str], now: list[str], looks: int, kind: Kind | None, after: list[str]
) -> None:
    message, remembered = news(told, reported(*now), dict.fromkeys(now, looks))
    assert (message and message.kind) == kind
    assert remembered == after
    assert news(remembered, reported(*now), dict.fromkeys(now, looks))[0] is None, "the same is not told again"


def test_a_message_says_what_is_new_what_is_over_and_what_goes_on() -> None:
    message, _ = news([RPO, COPY], reported(RTO, COPY), {})
    assert message is not None
    assert message.subject == "backups miss their objectives: etcd (rto-missed)"
    assert message.text.splitlines() == [
        "etcd (rto-missed): etcd (rto-missed) is wrong. What to do: mend it.",
        "postgres (rpo-missed): kept again.",
        "Still missed: postgres (offsite-stale).",
    ]


def test_many_are_named_in_the_text_and_few_in_the_subject() -> None:
    names = [f"store{each} (rpo-missed)" for each in range(5)]
    message, _ = news([], reported(*names), {})
    assert message is not None
    assert message.subject.endswith("store0 (rpo-missed), store1 (rpo-missed), store2 (rpo-missed) and 2 more")
    assert all(name in message.text for name in names)
