"""The rules of a contract as pure values, compiled to Spark's SQL and to Trino's.

A rule is written once, in the contract; the audit before publishing runs it in Spark, a person or a check runs it in
Trino, and both must give the same verdict on the same row. So each rule compiles to one boolean expression that is true
where the row breaks it, and never null; ``tests/contracts/rules_suite.py`` holds both engines to the same cases.
Only what both engines understand alike is used: searching regular expressions, ``try_cast``, ``BETWEEN``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Dialect(Enum):
    """Whose SQL an expression is written in."""

    SPARK = "spark"
    TRINO = "trino"

    def name_of(self, column: str) -> str:
        """The quoted name of ``column``."""
        quote = "`" if self is Dialect.SPARK else '"'
        return quote + column.replace(quote, quote * 2) + quote

    def text(self, value: str) -> str:
        """The string literal of ``value``: Spark reads backslashes as escapes, Trino doesn't."""
        if self is Dialect.SPARK:
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return "'" + value.replace("'", "''") + "'"

    def matches(self, value: str, pattern: str) -> str:
        """Whether ``pattern`` is found in ``value``."""
        return f"regexp_like({value}, {self.text(pattern)})"


class Rule(Protocol):
    """What every rule has: its name as quarantine shows it, its sentence, and its expression."""

    @property
    def name(self) -> str: ...

    @property
    def sentence(self) -> str: ...

    def broken(self, dialect: Dialect) -> str:
        """A boolean expression, never null, that is true where a row breaks the rule."""
        ...


@dataclass(frozen=True)
class Required:
    """The column has a value."""

    column: str

    @property
    def name(self) -> str:
        return f"required:{self.column}"

    @property
    def sentence(self) -> str:
        return f"{self.column} is missing"

    def broken(self, dialect: Dialect) -> str:
        return f"{dialect.name_of(self.column)} IS NULL"


@dataclass(frozen=True)
class OneOf:
    """The column, where it has a value, has one of ``values``."""

    column: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"one_of:{self.column}"

    @property
    def sentence(self) -> str:
        return f"{self.column} is none of {', '.join(self.values)}"

    def broken(self, dialect: Dialect) -> str:
        values = ", ".join(dialect.text(value) for value in self.values)
        return _false_for_null(f"{dialect.name_of(self.column)} NOT IN ({values})")


@dataclass(frozen=True)
class Between:
    """The number, where there is one, lies between two bounds, both included; a bound that is None is open."""

    column: str
    minimum: float | int | None
    maximum: float | int | None

    @property
    def name(self) -> str:
        return f"between:{self.column}"

    @property
    def sentence(self) -> str:
        if self.maximum is None:
            return f"{self.column} is less than {self.minimum}"
        if self.minimum is None:
            return f"{self.column} is more than {self.maximum}"
        return f"{self.column} is not between {self.minimum} and {self.maximum}"

    def broken(self, dialect: Dialect) -> str:
        value = dialect.name_of(self.column)
        bounds = [f"{value} >= {self.minimum}"] if self.minimum is not None else []
        bounds += [f"{value} <= {self.maximum}"] if self.maximum is not None else []
        return _false_for_null(f"NOT ({' AND '.join(bounds)})")


@dataclass(frozen=True)
class Pattern:
    """The text, where there is one, has a part that the regular expression finds."""

    column: str
    pattern: str

    @property
    def name(self) -> str:
        return f"pattern:{self.column}"

    @property
    def sentence(self) -> str:
        return f"{self.column} does not look like {self.pattern}"

    def broken(self, dialect: Dialect) -> str:
        return _false_for_null(f"NOT {dialect.matches(dialect.name_of(self.column), self.pattern)}")


@dataclass(frozen=True)
class Length:
    """The text, where there is one, has at least ``minimum`` and at most ``maximum`` characters."""

    column: str
    minimum: int | None
    maximum: int | None

    @property
    def name(self) -> str:
        return f"length:{self.column}"

    @property
    def sentence(self) -> str:
        return f"{self.column} has not {self.minimum or 0} to {self.maximum or 'any number of'} characters"

    def broken(self, dialect: Dialect) -> str:
        length = f"length({dialect.name_of(self.column)})"
        bounds = [f"{length} >= {self.minimum}"] if self.minimum is not None else []
        bounds += [f"{length} <= {self.maximum}"] if self.maximum is not None else []
        return _false_for_null(f"NOT ({' AND '.join(bounds)})")


@dataclass(frozen=True)
class NotAfter:
    """``column`` is not later than ``other``, where both have a value."""

    column: str
    other: str

    @property
    def name(self) -> str:
        return f"not_after:{self.column}"

    @property
    def sentence(self) -> str:
        return f"{self.column} is later than {self.other}"

    def broken(self, dialect: Dialect) -> str:
        return _false_for_null(f"{dialect.name_of(self.column)} > {dialect.name_of(self.other)}")


NOTHING = "nullif('', '')"
"""A text that is null."""

# Years at the ends of four digits are cut off: an offset leads out of them, into years that Python, which reads what
# the engines counted, does not have. A longer exponent makes engines compute a decimal with millions of digits, and a
# double infinite.
_YEAR = "(0[1-9]|[1-8][0-9]|9[0-8])[0-9]{2}"
_DAY = f"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_HUGE = "[0-9]([.][0-9]*)?[eE][+]?([12][0-9]{2}|30[0-7])"
_SHAPES = {
    "int": r"^[+-]?[0-9]{1,10}$",
    "bigint": r"^[+-]?[0-9]{1,19}$",
    "double": f"^[+-]?([0-9]{{1,150}}([.][0-9]*)?([eE]([+]?[0-9]{{1,2}}|-[0-9]{{1,3}}))?|{_HUGE})$",
    "decimal": r"^[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]{1,2})?$",
    "boolean": r"^(true|false)$",
    "date": f"^{_DAY}$",
    "timestamp": f"^{_DAY}T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]{{1,9}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}})$",
    "array": r"^\[",
}


@dataclass(frozen=True)
class Type:
    """The column's text, as it stood in the record, is a value of ``type`` (one of the contract's physical types).

    Both engines are looser than a contract should be, and loose in different ways (Spark takes ``2026`` for an
    instant), so the shape is judged first, by one regular expression for both; instants carry their offset from UTC.
    """

    column: str
    type: str

    @property
    def name(self) -> str:
        return f"type:{self.column}"

    @property
    def sentence(self) -> str:
        return f"{self.column} is no {self.type}"

    def cast(self, dialect: Dialect, text: str) -> str:
        """The expression of the value itself, null where ``text`` is none."""
        if self.type == "string":
            return text
        value = self._cast(dialect, text)
        shape = _SHAPES[self.type.partition("(")[0].partition("<")[0]]
        return f"CASE WHEN {dialect.matches(text, shape)} THEN {value} END"

    def _cast(self, dialect: Dialect, text: str) -> str:
        if self.type.startswith("array"):
            if dialect is Dialect.SPARK:
                return f"from_json({text}, {dialect.text(self.type)}, map('mode', 'PERMISSIVE'))"
            return f"try(CAST(json_parse({text}) AS array(varchar)))"
        if self.type == "timestamp" and dialect is Dialect.TRINO:
            return f"try(from_iso8601_timestamp_nanos({text}))"
        return f"try_cast({text} AS {self.type})"

    def broken(self, dialect: Dialect, text: str | None = None) -> str:
        value = text or dialect.name_of(self.column)
        return f"({value} IS NOT NULL AND {self.cast(dialect, value)} IS NULL)"


@dataclass(frozen=True)
class Unique:
    """No two rows of the table have the same values in ``columns``. Judged on the whole table, not on a row."""

    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"unique:{'+'.join(self.columns)}"

    @property
    def sentence(self) -> str:
        return f"{', '.join(self.columns)} stands in more than one row"

    def offenders(self, dialect: Dialect, table: str) -> str:
        """A query for the number of values that stand in more than one row of ``table``."""
        columns = ", ".join(dialect.name_of(column) for column in self.columns)
        doubled = f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1"  # noqa: S608 - names of ours
        return f"SELECT count(*) FROM ({doubled}) AS offenders"  # noqa: S608 - names of ours


def first_broken(rules: Iterable[tuple[Rule, str]], dialect: Dialect) -> str:
    """The expression of the name of the first rule that a row breaks: null for a row that breaks nothing.

    Args:
        rules: each rule with its expression for "broken", in the order in which they are to be judged.
    """
    names = " ".join(f"WHEN {broken} THEN {dialect.text(rule.name)}" for rule, broken in rules)
    return f"CASE {names} END" if names else NOTHING


def sentence_of(rules: Iterable[Rule], name: str, dialect: Dialect) -> str:
    """The expression of the sentence of the rule whose name the expression ``name`` has; null where it has none.

    Where several rules have one name (two patterns of a column), it is all of their sentences.
    """
    by_name: dict[str, dict[str, None]] = {}
    for rule in rules:
        by_name.setdefault(rule.name, {})[rule.sentence] = None
    cases = (f"WHEN {dialect.text(each)} THEN {dialect.text(', or '.join(said))}" for each, said in by_name.items())
    return f"CASE {name} {' '.join(cases)} END" if by_name else NOTHING


def _false_for_null(condition: str) -> str:
    return f"coalesce({condition}, false)"
