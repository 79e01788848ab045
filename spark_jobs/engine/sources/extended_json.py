r"""From MongoDB's canonical extended JSON, which the connector writes, to the relaxed one, which people read.

Canonical says ``{"$numberInt": "16"}`` and ``{"$date": {"$numberLong": "1795368169017"}}``, relaxed says ``16`` and
``{"$date": "2026-11-22T17:22:49.017Z"}``. Decimals, infinities and dates outside 1970 to 9999 are alike in both. Inside
a text every quote is escaped, so the patterns, which begin with ``{"$``, never match there. Specification: MongoDB
Extended JSON v2.
"""

from __future__ import annotations

from enginedge.lake.rules import Dialect

TEXT = Dialect.SPARK.text
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
DATE = '{"$date": {"$numberLong": "'
INTEGER = r'(?<!"\$date": )\{"\$number(?:Int|Long)": "(-?[0-9]+)"\}'
DOUBLE = r'\{"\$numberDouble": "(-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?)"\}'


def relaxed(document: str) -> str:
    """The expression that makes relaxed extended JSON of the canonical one in the expression ``document``."""
    pieces = f"split({document}, {TEXT(_literally(DATE))})"
    digits = "substring_index(piece, '\"', 1)"
    in_range = f"try_cast({digits} AS bigint) BETWEEN 0 AND {LAST_MS}"
    moment = f"timestamp_millis(CAST({digits} AS bigint))"
    iso = f"""CASE WHEN endswith({digits}, '000') THEN date_format({moment}, "yyyy-MM-dd'T'HH:mm:ss'Z'")
        ELSE date_format({moment}, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'") END"""
    after = f"substring(piece, length({digits}) + 3)"  # behind the closing quote and the inner brace
    dated = f"concat('{{\"$date\": \"', {iso}, '\"', {after})"
    piece = f"CASE WHEN i = 0 THEN piece WHEN {in_range} THEN {dated} ELSE concat({TEXT(DATE)}, piece) END"
    dates = f"array_join(transform({pieces}, (piece, i) -> {piece}), '')"
    integers = f"regexp_replace({dates}, {TEXT(INTEGER)}, '$1')"
    return f"regexp_replace({integers}, {TEXT(DOUBLE)}, '$1')"


def _literally(text: str) -> str:
    """``text`` as a regular expression that matches just itself."""
    return "".join(f"\\{letter}" if letter in "{}$[]().*+?|^\\" else letter for letter in text)
