"""The rules that a contract states in the standard's words, as the lake's own rules.

Taken: ``required``, ``enum``, ``logicalTypeOptions`` (minimum, maximum, minLength, maxLength, pattern), and the
standard's library metrics where they must be 0. ``not_after`` is ours: a custom rule with engine ``enginedge``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from enginedge.lake.rules import Between, Length, NotAfter, OneOf, Pattern, Required, Rule

if TYPE_CHECKING:
    from open_data_contract_standard.model import DataQuality, SchemaObject, SchemaProperty

    from enginedge.lake.document import Document, Path_

OPTIONS = {"minimum", "maximum", "minLength", "maxLength", "pattern", "format"}


def rules_of_column(document: Document, column: SchemaProperty, at: Path_) -> Iterator[Rule]:
    """The rules of one column, in the order required, enum, range, length, pattern, library.

    Raises:
        Misconfigured: a rule that the lake does not know.
    """
    name = column.name or ""
    if column.required or column.primaryKey:
        yield Required(name)
    if column.enum:
        yield OneOf(name, tuple(str(each.value) for each in column.enum))
    options = column.logicalTypeOptions or {}
    for option in options:
        if option not in OPTIONS:
            raise document.wrong(
                f"{name} has the unknown rule {option!r}",
                (*at, "logicalTypeOptions", option),
                f"use one of {', '.join(sorted(OPTIONS))}",
            )
    for option, value in options.items():
        if wanted := _not_fit(option, value, column.logicalType):
            raise document.wrong(
                f"{name} can't have the {option} {value!r}", (*at, "logicalTypeOptions", option), wanted
            )
    if "minimum" in options or "maximum" in options:
        yield Between(name, options.get("minimum"), options.get("maximum"))
    if "minLength" in options or "maxLength" in options:
        yield Length(name, options.get("minLength"), options.get("maxLength"))
    if "pattern" in options:
        yield Pattern(name, options["pattern"])
    for index, quality in enumerate(column.quality or ()):
        yield _library(document, name, quality, (*at, "quality", index))


def _not_fit(option: str, value: Any, logical_type: str | None) -> str:
    """What to write instead of ``value``, which stands as it is in the engines' SQL; empty where it fits."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if option in ("minimum", "maximum"):
        if logical_type not in ("integer", "number"):
            return "only a number has bounds"
        return "" if is_number else "write a number"
    if option in ("minLength", "maxLength"):
        return "" if is_number and isinstance(value, int) and value >= 0 else "write a whole number"
    return "" if isinstance(value, str) else "write a text"


def rules_of_table(document: Document, table: SchemaObject, names: set[str]) -> Iterator[Rule]:
    """The rules that look at more than one column.

    Raises:
        Misconfigured: a rule that the lake does not know, or one over a column that is none.
    """
    for index, quality in enumerate(table.quality or ()):
        at: Path_ = ("schema", 0, "quality", index)
        stated: Any = quality.implementation
        if quality.engine != "enginedge" or not isinstance(stated, dict) or stated.get("rule") != "not_after":
            raise _unknown(document, quality, at)
        for column in (stated.get("column"), stated.get("other")):
            if column not in names:
                raise document.wrong(
                    f"not_after names {column!r}, which is no column", at, "name a column of the table"
                )
        yield NotAfter(stated["column"], stated["other"])


def _library(document: Document, column: str, quality: DataQuality, at: Path_) -> Rule:
    arguments = quality.arguments or {}
    if quality.mustBe != 0:
        raise document.wrong(f"{column}: only mustBe: 0 is judged row by row", at, "write mustBe: 0")
    if quality.metric == "nullValues":
        return Required(column)
    if quality.metric == "invalidValues" and "validValues" in arguments:
        return OneOf(column, tuple(str(value) for value in arguments["validValues"]))
    if quality.metric == "invalidValues" and "pattern" in arguments:
        return Pattern(column, str(arguments["pattern"]))
    raise _unknown(document, quality, at)


def _unknown(document: Document, quality: DataQuality, at: Path_) -> Exception:
    name = quality.name or quality.metric or quality.rule or quality.implementation
    return document.wrong(f"the unknown rule {name!r}", at, "use nullValues, invalidValues, or enginedge's not_after")
