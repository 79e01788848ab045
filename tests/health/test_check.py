"""The health check asks everyone at the same time and says who did not answer."""

from __future__ import annotations

import json
import time

import pytest
from typer.testing import CliRunner

from enginedge.errors import Misconfigured, Violated
from enginedge.health import commands, probes
from enginedge.health.check import check
from enginedge.platform import Service, load_platform
from enginedge.platform.model import Probe
from tests.installation import ROOT

SERVICES = load_platform(ROOT / "deploy" / "platform.yaml").services


def test_every_kind_of_probe_has_its_question() -> None:
    assert set(probes.PROBES) == set(Probe)


def test_services_are_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PROBES", dict.fromkeys(Probe, lambda _: time.sleep(0.2)))
    began = time.monotonic()
    answers = check(SERVICES)
    assert time.monotonic() - began < 1.5
    assert [answer.service for answer in answers] == [service.name for service in SERVICES]
    assert all(answer.is_ready for answer in answers)


def test_a_service_that_does_not_answer_is_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(probes.PROBES, Probe.REDIS, _refuse)
    answer = check([service for service in SERVICES if service.name == "redis"])[0]
    assert not answer.is_ready
    assert answer.reason == "nobody there"
    assert "make logs S=redis" in answer.remedy


def test_a_mistake_of_ours_keeps_its_own_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def misconfigured(_: Service) -> None:
        raise Misconfigured("no secret", remedy="make up")

    monkeypatch.setitem(probes.PROBES, Probe.REDIS, misconfigured)
    answer = check([service for service in SERVICES if service.name == "redis"])[0]
    assert (answer.reason, answer.remedy) == ("no secret", "make up")


def test_the_verb_prints_every_answer_and_then_says_that_a_promise_was_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PROBES", dict.fromkeys(Probe, lambda _: None))
    monkeypatch.setitem(probes.PROBES, Probe.REDIS, _refuse)
    result = CliRunner().invoke(commands.app, ["check", "--json"])
    assert isinstance(result.exception, Violated)
    assert f"1 of {len(SERVICES)} services did not do their work: redis" in str(result.exception)
    assert [each["service"] for each in json.loads(result.stdout) if not each["is_ready"]] == ["redis"]


def _refuse(_: Service) -> None:
    raise ConnectionRefusedError("nobody there")
