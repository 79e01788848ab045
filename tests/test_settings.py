"""What the environment and the state folder may say, and what is said of it when it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from enginedge.errors import Misconfigured
from enginedge.settings import Settings
from tests.installation import ROOT


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(root=ROOT, state=tmp_path, secrets=tmp_path)


@pytest.mark.parametrize("given", ["0", "65536", "\u00b2", "-1", "0x50", "trino", "9" * 5000])
def test_what_is_no_port_is_refused_with_the_variable_that_says_it(
    here: Settings, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", given)
    with pytest.raises(Misconfigured, match="ENGINEDGE_PORT_TRINO"):
        here.endpoint("trino")


@pytest.mark.parametrize("given", ["1", "65535"])
def test_the_first_and_the_last_port_are_ports(here: Settings, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", given)
    assert here.endpoint("trino").port == int(given)


@pytest.mark.parametrize("content", ["", "{", "[1]", "5"])
def test_a_damaged_list_of_tools_is_named_with_its_remedy(here: Settings, content: str) -> None:
    (here.state / "toolchain.json").write_text(content)
    with pytest.raises(Misconfigured, match=r"toolchain\.json: the list of tools is damaged.*make up"):
        here.toolchain()


def test_a_secret_that_is_no_text_is_named_and_not_shown(here: Settings) -> None:
    path = here.secret_path("redis")
    path.write_bytes(b"hunter2\xff")
    path.chmod(0o600)
    with pytest.raises(Misconfigured, match="the secret 'redis' can't be read") as refusal:
        here.secret("redis")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "for ever", "40000", "9" * 5000])
def test_what_is_no_number_of_days_is_refused_with_the_variable_that_says_it(
    here: Settings, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("ENGINEDGE_LINEAGE_KEPT_DAYS", given)
    with pytest.raises(Misconfigured, match="ENGINEDGE_LINEAGE_KEPT_DAYS"):
        _ = here.lineage_kept_days


@pytest.mark.parametrize(("given", "days"), [("", 400), ("1", 1), ("36500", 36_500)])
def test_lineage_is_kept_for_as_long_as_the_variable_says(
    here: Settings, monkeypatch: pytest.MonkeyPatch, given: str, days: int
) -> None:
    monkeypatch.setenv("ENGINEDGE_LINEAGE_KEPT_DAYS", given)
    assert here.lineage_kept_days == days


@pytest.mark.parametrize("variable", ["ENGINEDGE_SHORT_LIVED", "ENGINEDGE_SCHEDULED_RUNS"])
def test_what_is_neither_on_nor_off_is_refused_with_the_variable_that_says_it(
    here: Settings, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "yes")
    with pytest.raises(Misconfigured, match=f"{variable}: 'yes' is neither on nor off"):
        getattr(here, variable.removeprefix("ENGINEDGE_").lower())
