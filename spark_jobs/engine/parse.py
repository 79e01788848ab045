"""From a raw record to the contract's columns: each value as text first, then cast, so that what can't be cast shows.

One pass: the record's fields are taken as text by one ``from_json``, whatever their number. A record that is no JSON
object breaks ``readable``; a value that is none of its column's type breaks ``type``; what is left goes to the table's
transform, and the contract's rules judge what comes out of it.

A value is cast once: the rule that it breaks is read off what came out, and only quarantine asks for its sentence.

Bookkeeping columns (``__record``, ``__position`` …) travel with the row to the end, since quarantine gives them back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from enginedge.errors import Violated
from enginedge.lake.contracts import Column, Contract
from enginedge.lake.rules import Dialect, Rule, Type, first_broken, sentence_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

RAW = ("record", "record_bytes", "record_key", "position", "_night", "_ingested_at")
RULE = "__rule"
SPARK = Dialect.SPARK


@dataclass(frozen=True)
class Readable:
    """The record is text, and a JSON object or could be made one."""

    name: str = "readable:record"
    sentence: str = "the record is no JSON object in UTF-8"

    def broken(self, dialect: Dialect) -> str:  # noqa: ARG002 - judged while parsing, by Spark alone
        return (
            "(__record_bytes IS NOT NULL OR __json IS NULL OR __fields IS NULL OR __fields.`__broken` IS NOT NULL "
            "OR NOT startswith(ltrim(__json), '{'))"
        )


def conformed(
    raw: DataFrame, contract: Contract, record_as_json: str, transform: Callable[[DataFrame], DataFrame]
) -> DataFrame:
    """Every raw row with the contract's columns, and in ``__rule`` the name of the first rule it breaks, if any.

    Raises:
        Violated: the transform lost a bookkeeping column or one of the contract's.
    """
    parsed = transform(parse(raw, contract, record_as_json))
    wanted = [*(column.name for column in contract.columns), *(kept(name) for name in RAW), RULE]
    lost = [name for name in wanted if name not in parsed.columns]
    if lost:
        raise Violated(
            f"its transform does not give {', '.join(lost)}", where=contract.table, remedy="mend the transform"
        )
    columns = [f"CAST(`{column.name}` AS {column.type}) AS `{column.name}`" for column in contract.columns]
    rule = first_broken(((rule, rule.broken(SPARK)) for rule in contract.rules), SPARK)
    return parsed.selectExpr(*columns, *(kept(name) for name in RAW), f"coalesce({RULE}, {rule}) AS {RULE}")


def reason(contract: Contract) -> str:
    """The expression of what is wrong with a row of :func:`conformed`: the sentence of the rule that it breaks."""
    return sentence_of([*(rule for rule, _ in _of_parsing(contract)), *contract.rules], RULE, SPARK)


def parse(raw: DataFrame, contract: Contract, record_as_json: str) -> DataFrame:
    """Every raw row with what the contract takes from the record or from raw, and the first rule that it breaks."""
    taken = _taken(contract)
    fields = sorted({field for column in taken if (field := _field(column)) is not None})
    schema = ", ".join(f"`{field}` string" for field in [*fields, "__broken"])
    options = (
        "map('mode', 'PERMISSIVE', 'columnNameOfCorruptRecord', '__broken', "
        "'allowSingleQuotes', 'false', 'allowNonNumericNumbers', 'false')"
    )
    keep = ["changed_at AS __changed_at", *(f"`{name}` AS `{kept(name)}`" for name in RAW)]
    text = raw.selectExpr(*keep, f"{record_as_json} AS __json").selectExpr(
        "*", f"from_json(__json, {SPARK.text(schema)}, {options}) AS __fields"
    )
    values = text.selectExpr("*", *(f"{_value(column)} AS `{column.name}`" for column in taken))
    return values.selectExpr(
        *(f"`{column.name}`" for column in taken),
        "__night AS _night",
        "__changed_at",
        *(kept(name) for name in RAW),
        f"{first_broken(_of_parsing(contract), SPARK)} AS {RULE}",
    )


def _taken(contract: Contract) -> list[Column]:
    return [column for column in contract.columns if len(column.sources) == 1 and not column.computed]


def _of_parsing(contract: Contract) -> list[tuple[Rule, str]]:
    """The rules that are judged while parsing, each with its expression for "broken" beside the values."""
    judged: list[tuple[Rule, str]] = [(Readable(), Readable().broken(SPARK))]
    judged += [
        (Type(column.name, column.type), _no_value(column))
        for column in _taken(contract)
        if _field(column) is not None and (column.type != "string" or _deeper(column))
    ]
    return judged


def kept(name: str) -> str:
    """Under which name a column of raw travels with the row."""
    return f"__{name.lstrip('_')}"


def _field(column: Column) -> str | None:
    """The record's field that the column comes from; nothing for one that comes from raw's own columns."""
    source, _, path = column.sources[0].partition(".")
    return path.partition(".")[0] if source == "record" else None


def _deeper(column: Column) -> str:
    """The path below the record's field, such as ``$date`` in MongoDB's extended JSON."""
    return column.sources[0].partition(".")[2].partition(".")[2]


def _top(column: Column) -> str:
    field = _field(column)
    return f"__fields.`{field}`" if field is not None else f"`{kept(column.sources[0])}`"


def _text(column: Column) -> str:
    top, deeper = _top(column), _deeper(column)
    return f"get_json_object({top}, {SPARK.text('$.' + deeper)})" if deeper else top


def _value(column: Column) -> str:
    """The column's value: cast from the record's text; what raw itself holds has its type already."""
    if _field(column) is None:
        return f"CAST({_top(column)} AS {column.type})"
    return Type(column.name, column.type).cast(SPARK, _text(column))


def _no_value(column: Column) -> str:
    """Beside the values: true where the record has something in the field, but the column has got no value of it."""
    return f"({_top(column)} IS NOT NULL AND `{column.name}` IS NULL)"
