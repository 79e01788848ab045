"""One suite for every engine that a contract's rules are compiled to: the same rows, the same verdicts.

An engine's own test inherits :class:`RulesSuite` and says how it runs a query. Every case is judged in one query, since
the question is what the engine makes of the expression, not how long it takes to start one; and as a row, not as a
constant, for which Trino's planner computes the very casts that a rule's shape keeps from it, for minutes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from enginedge.lake.rules import (
    Between,
    Dialect,
    Length,
    NotAfter,
    OneOf,
    Pattern,
    Required,
    Rule,
    Type,
    first_broken,
    sentence_of,
)

Values = dict[str, tuple[str, str | None]]
"""Column to (type, text); no text is null."""


@dataclass(frozen=True)
class Case:
    """One row, and whether it breaks the rule."""

    what: str
    rule: Rule
    values: Values
    broken: bool


def text(value: str | None) -> Values:
    return {"a": ("string", value)}


def number(value: str | None, type_: str = "double") -> Values:
    return {"a": (type_, value)}


def moments(first: str | None, second: str | None) -> Values:
    return {"a": ("timestamp", first), "b": ("timestamp", second)}


def _typed(type_: str, good: list[str], bad: list[str]) -> list[Case]:
    rule = Type("a", type_)
    return [
        *(Case(f"{each!r} is a {type_}", rule, text(each), False) for each in good),
        *(Case(f"{each!r} is no {type_}", rule, text(each), True) for each in bad),
        Case(f"nothing is a {type_}", rule, text(None), False),
    ]


STAGES = OneOf("a", ("offer", "o'ffer", "back\\slash"))
MAIL = Pattern("a", "^[^@ ]+@[^@ ]+[.][^@ ]+$")
CASES = [
    Case("a missing value breaks required", Required("a"), text(None), True),
    Case("a value fulfils required", Required("a"), text("x"), False),
    Case("an empty text is a value", Required("a"), text(""), False),
    Case("one of the values", STAGES, text("offer"), False),
    Case("none of the values", STAGES, text("Offer"), True),
    Case("a quote in a value", STAGES, text("o'ffer"), False),
    Case("a backslash in a value", STAGES, text("back\\slash"), False),
    Case("nothing is not judged by one_of", STAGES, text(None), False),
    Case("the lower bound", Between("a", 0, 100), number("0"), False),
    Case("the upper bound", Between("a", 0, 100), number("100"), False),
    Case("below", Between("a", 0, 100), number("-0.001"), True),
    Case("above", Between("a", 0, 100), number("100.001"), True),
    Case("open above", Between("a", 1, None), number("9000000000", "bigint"), False),
    Case("open above, below", Between("a", 1, None), number("0", "int"), True),
    Case("open below", Between("a", None, 1), number("-9000000000", "bigint"), False),
    Case("a decimal", Between("a", 0, None), number("-0.01", "decimal(12,2)"), True),
    Case("not a number is between nothing", Between("a", 0, 100), number("NaN"), True),
    Case("nothing is not judged by between", Between("a", 0, 100), number(None), False),
    Case("an address", MAIL, text("ü@example.org"), False),
    Case("no address", MAIL, text("example.org"), True),
    Case("nothing is not judged by pattern", MAIL, text(None), False),
    Case("a backslash in a pattern", Pattern("a", r"^a\.b$"), text("a.b"), False),
    Case("a backslash in a pattern escapes", Pattern("a", r"^a\.b$"), text("axb"), True),
    Case("a quote in a pattern", Pattern("a", "^it's$"), text("it's"), False),
    Case("a pattern is searched, not matched", Pattern("a", "b"), text("abc"), False),
    Case("characters are counted, not bytes", Length("a", 1, 2), text("ü😀"), False),
    Case("too long", Length("a", 1, 2), text("abc"), True),
    Case("too short", Length("a", 1, None), text(""), True),
    Case("later than the other", NotAfter("a", "b"), moments("2026-11-23 10:00:01", "2026-11-23 10:00:00"), True),
    Case("at the same instant", NotAfter("a", "b"), moments("2026-11-23 10:00:00", "2026-11-23 10:00:00"), False),
    Case("earlier than the other", NotAfter("a", "b"), moments("2026-11-23 09:00:00", "2026-11-23 10:00:00"), False),
    Case("later than nothing", NotAfter("a", "b"), moments("2026-11-23 09:00:00", None), False),
    *_typed("int", ["0", "-2147483648", "+7", "007"], ["2147483648", "1.0", " 1", "1 ", "", "many", "0x10", "1e3"]),
    *_typed("bigint", ["9223372036854775807"], ["9223372036854775808", "1_000", "١"]),
    *_typed(
        "double",
        ["1", "-1.5", "1.", "1e3", "2E-7", "5e-324"],
        ["NaN", "Infinity", "1e999", ".5", "1,5", "", "1f", "1d"],
    ),
    *_typed("decimal(5,2)", ["123.45", "-0.1", "7", "1E-2"], ["1234.5", "NaN", "a", "1e-100000000", "1e+999999999"]),
    *_typed("boolean", ["true", "false"], ["TRUE", "1", "yes", "t", ""]),
    *_typed(
        "date",
        ["2026-02-28", "2024-02-29", "0100-01-01", "9899-12-31"],
        ["2026-02-29", "2026-2-28", "2026-02-28T00:00", "today", "28.02.2026", "0000-01-01", "9999-12-31"],
    ),
    *_typed(
        "timestamp",
        ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.123456+02:00", "2026-11-23T10:00:00.1-05:30"],
        [
            "2026-11-23T10:00:00",
            "2026-11-23 10:00:00Z",
            "2026-11-23",
            "2026-13-23T10:00:00Z",
            "2026-11-23T25:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-01:00",
            "now",
        ],
    ),
    *_typed("array<string>", ['["a", "b"]', "[]", "[1]"], ['{"a": 1}', '["a"', "a", ""]),
    *_typed("string", ["", "anything"], []),
]
IDS = [case.what for case in CASES]


class RulesSuite:
    """What every engine must make of the rules. Inherit it, and give ``dialect``, ``answers`` and ``texts``."""

    dialect: ClassVar[Dialect]
    type_names: ClassVar[dict[str, str]] = {}
    broken_by_case: ClassVar[list[bool] | None] = None

    def answers(self, query: str) -> list[tuple[object, ...]]:
        """The rows of ``query``."""
        raise NotImplementedError

    def row(self, values: Values) -> str:
        """The query for one row of ``values``."""

        def value(type_: str, text: str | None) -> str:
            name = self.type_names.get(type_, type_)
            return f"CAST({'NULL' if text is None else self.dialect.text(text)} AS {name})"

        columns = ", ".join(f"{value(*given)} AS {self.dialect.name_of(name)}" for name, given in values.items())
        return f"SELECT {columns}"

    def ask(self, expressions: str, values: Values) -> str:
        """The query for ``expressions`` over one row of ``values``."""
        return f"SELECT {expressions} FROM ({self.row(values)}) AS one_row"  # noqa: S608 - the suite's own text

    def texts(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """A relation of ``rows``, called ``texts``, whose values the engine does not know before it runs the query."""
        raise NotImplementedError

    def judged(self) -> list[bool]:
        """What the engine says of every case, asked once for the whole suite: rule by rule, of all of its rows."""
        cls = type(self)
        if cls.broken_by_case is None:
            by_rule = defaultdict[tuple[Rule, tuple[tuple[str, str], ...]], list[list[str]]](list)
            for index, case in enumerate(CASES):
                types = tuple((name, type_) for name, (type_, _) in case.values.items())
                given = (self.dialect.text(text) if text is not None else "NULL" for _, text in case.values.values())
                by_rule[case.rule, types].append([str(index), *given])
            each = (self._verdicts(rule, types, rows) for (rule, types), rows in by_rule.items())
            answered = dict(self.answers(" UNION ALL ".join(each)))
            cls.broken_by_case = [answered[index] for index in range(len(CASES))]  # type: ignore[misc]
        return cls.broken_by_case

    def _verdicts(self, rule: Rule, types: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
        names = [self.dialect.name_of(name) for name, _ in types]
        cast = ", ".join(
            f"CAST({name} AS {self.type_names.get(type_, type_)}) AS {name}"
            for name, (_, type_) in zip(names, types, strict=True)
        )
        texts = self.texts(["case_number", *names], rows)
        values = f"SELECT case_number, {cast} FROM {texts}"  # noqa: S608 - the suite's own text
        return f"SELECT case_number, {rule.broken(self.dialect)} AS broken FROM ({values}) AS given"  # noqa: S608

    @pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
    def test_a_row_gets_the_verdict_of_the_suite(self, index: int) -> None:
        verdict = self.judged()[index]
        assert verdict is not None, "a verdict is never null"
        assert verdict == CASES[index].broken

    def test_the_first_broken_rule_gives_its_name_and_its_sentence(self) -> None:
        rules = [Required("a"), OneOf("a", ("x",)), Between("b", 0, None)]
        name = first_broken(((rule, rule.broken(self.dialect)) for rule in rules), self.dialect)
        sentence = sentence_of(rules, name, self.dialect)
        query = self.ask(f"{name}, {sentence}", {"a": ("string", "y"), "b": ("int", "-1")})
        assert list(self.answers(query)) == [("one_of:a", "a is none of x")]

    def test_a_row_that_breaks_nothing_gets_nothing(self) -> None:
        name = first_broken([(Required("a"), Required("a").broken(self.dialect))], self.dialect)
        sentence = sentence_of([Required("a")], name, self.dialect)
        query = self.ask(f"{name}, {sentence}", {"a": ("string", "y")})
        assert list(self.answers(query)) == [(None, None)]
