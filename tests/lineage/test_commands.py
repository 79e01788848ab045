"""What the verbs of lineage refuse before they ask anybody."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from enginedge.errors import Misconfigured
from enginedge.lineage.commands import app


@pytest.mark.parametrize("hours", ["nan", "inf", "1e300", "0", "-3"])
@pytest.mark.parametrize("verb", ["completeness", "reconcile"])
def test_a_time_that_can_not_be_looked_back_is_misconfigured(verb: str, hours: str) -> None:
    said = CliRunner().invoke(app, [verb, "--hours", hours])
    assert isinstance(said.exception, Misconfigured)
    assert "--hours" in str(said.exception)
