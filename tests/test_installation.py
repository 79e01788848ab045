"""The tests' own installation stands where they say, or they say why it can't."""

from __future__ import annotations

import os

import pytest

from enginedge.errors import Misconfigured
from tests.installation import shifted_ports


@pytest.fixture(autouse=True)
def _no_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [each for each in os.environ if each.startswith("ENGINEDGE_PORT_")]:
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("shift", [40_000, -7_000])
def test_a_shift_that_leaves_the_range_of_ports_is_refused_with_the_largest_one(shift: int) -> None:
    with pytest.raises(Misconfigured, match=r"ENGINEDGE_TEST_PORT_SHIFT: .*usual port of .* a shift up to 38518"):
        shifted_ports(shift)
    assert shifted_ports(38_518)["ENGINEDGE_PORT_MONGODB"] == "65535"


def test_a_port_that_is_named_apart_is_not_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_MONGODB", "30000")
    ports = shifted_ports(40_000)
    assert "ENGINEDGE_PORT_MONGODB" not in ports
    assert ports["ENGINEDGE_PORT_TRINO"] == "48090"
