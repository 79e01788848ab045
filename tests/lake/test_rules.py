"""What a rule says of itself. Whether both engines judge alike is for ``tests/contracts/rules_suite.py``."""

from __future__ import annotations

import re

import pytest

from enginedge.lake.rules import (
    NOTHING,
    Between,
    Dialect,
    Length,
    NotAfter,
    OneOf,
    Pattern,
    Required,
    Rule,
    Type,
    Unique,
    first_broken,
    sentence_of,
)


@pytest.mark.parametrize(
    ("rule", "name", "sentence"),
    [
        (Required("a"), "required:a", "a is missing"),
        (OneOf("a", ("x", "y")), "one_of:a", "a is none of x, y"),
        (Between("a", 0, 9), "between:a", "a is not between 0 and 9"),
        (Between("a", 0, None), "between:a", "a is less than 0"),
        (Between("a", None, 9), "between:a", "a is more than 9"),
        (Pattern("a", "^x"), "pattern:a", "a does not look like ^x"),
        (Length("a", None, 3), "length:a", "a has not 0 to 3 characters"),
        (Length("a", 2, None), "length:a", "a has not 2 to any number of characters"),
        (NotAfter("a", "b"), "not_after:a", "a is later than b"),
        (Type("a", "int"), "type:a", "a is no int"),
    ],
)
def test_a_rule_has_a_name_and_a_sentence(rule: Rule, name: str, sentence: str) -> None:
    assert (rule.name, rule.sentence) == (name, sentence)


def test_names_are_quoted_so_that_no_column_can_end_the_quote() -> None:
    assert Dialect.SPARK.name_of("a`b") == "`a``b`"
    assert Dialect.TRINO.name_of('a"b') == '"a""b"'


def test_a_text_can_not_end_its_literal() -> None:
    assert Dialect.SPARK.text("it's \\") == "'it\\'s \\\\'"
    assert Dialect.TRINO.text("it's \\") == "'it''s \\'"


def test_unique_asks_for_the_values_that_stand_in_more_than_one_row() -> None:
    rule = Unique(("a", "b"))
    assert (rule.name, rule.sentence) == ("unique:a+b", "a, b stands in more than one row")
    assert rule.offenders(Dialect.TRINO, "core.x") == (
        'SELECT count(*) FROM (SELECT "a", "b" FROM core.x GROUP BY "a", "b" HAVING count(*) > 1) AS offenders'
    )


@pytest.mark.parametrize(
    ("type_", "value", "fits"),
    [
        ("decimal(18,8)", "1e-2", True),
        ("decimal(18,8)", "1e-100000000", False),  # engines would compute a power of ten of a hundred million digits
        ("double", "1.7e99", True),
        ("double", "-1e+300", True),
        ("double", "9.99e307", True),
        ("double", "5e-324", True),
        ("double", "1e308", False),
        ("double", "99e307", False),
        ("double", "1e999", False),  # infinite
        ("double", "9" * 400, False),
        ("date", "0100-01-01", True),
        ("date", "0000-01-01", False),
        ("timestamp", "2024-02-29T23:59:59.123456789+14:00", True),
        ("timestamp", "0001-01-01T00:00:00+14:00", False),
        ("timestamp", "9999-12-31T23:59:59-01:00", False),
    ],
)
def test_a_value_that_no_reader_could_hold_has_not_the_shape_of_its_type(type_: str, value: str, fits: bool) -> None:
    (shape,) = re.findall(r"regexp_like\(a, '(.*?)'\)", Type("a", type_).cast(Dialect.TRINO, "a"))
    assert (re.search(shape, value) is not None) == fits


def test_without_rules_nothing_is_broken() -> None:
    assert first_broken([], Dialect.SPARK) == NOTHING
    assert sentence_of([], "name", Dialect.SPARK) == NOTHING


def test_rules_of_one_name_say_what_each_of_them_asks() -> None:
    rules = [NotAfter("a", "b"), Required("a"), NotAfter("a", "c"), Required("a")]
    assert sentence_of(rules, "name", Dialect.TRINO) == (
        "CASE name WHEN 'not_after:a' THEN 'a is later than b, or a is later than c' "
        "WHEN 'required:a' THEN 'a is missing' END"
    )
