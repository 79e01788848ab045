"""What a person may ask of a night, and what is refused before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enginedge.errors import Misconfigured
from enginedge.lake.declared import SOURCES
from enginedge.lake.requests import check_request, read_request

TWO_IN_THE_MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("conf", [None, {}, {"night": None}, {"night": ""}])
def test_an_empty_form_asks_for_yesterday_and_everything(conf: dict[str, object] | None) -> None:
    request = read_request(conf, TWO_IN_THE_MORNING)
    assert (request.night, request.sources, request.full_refresh) == ("2026-11-23", SOURCES, False)


def test_what_is_given_is_kept_and_sources_come_in_their_own_order() -> None:
    conf = {"night": "2026-11-01", "sources": ["kafka", "mongodb", "kafka"], "full_refresh": True}
    assert check_request(conf, TWO_IN_THE_MORNING) == {
        "night": "2026-11-01",
        "sources": ["mongodb", "kafka"],
        "full_refresh": True,
    }


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"full_refesh": True}, "there is no 'full_refesh'; did you mean 'full_refresh'"),
        ({"table": "x"}, "there is no 'table'"),
        ({"night": "24.11.2026"}, "'24.11.2026' is no day"),
        ({"night": 20261123.5}, "is no day"),
        ({"night": "2026-11-24"}, "2026-11-24 has not ended"),
        ({"sources": []}, "names no source"),
        ({"sources": "kafka"}, "names no source"),
        ({"sources": ["kafak"]}, "there is no source 'kafak'; did you mean 'kafka'"),
        ({"full_refresh": "yes"}, "neither true nor false"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(conf: dict[str, object], said: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        read_request(conf, TWO_IN_THE_MORNING)
    assert said in str(raised.value)
    assert "What to do" in str(raised.value)
