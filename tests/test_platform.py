"""The inventory: what it knows, and how it complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from enginedge.errors import Misconfigured
from enginedge.platform import Platform, load_platform, parse_platform
from enginedge.platform.schema import json_schema
from tests.contracts.mistakes import Written
from tests.installation import ROOT

GOOD = """\
services:
  - name: postgres
    title: PostgreSQL
    kind: store
    ports: {main: 5432}
    readiness: {probe: postgres}
    memory_mb: 600

  - name: trino
    title: Trino
    kind: engine
    ports: {main: 8090, ui: 8091}
    depends_on: [postgres]
    readiness: {probe: trino}
    page: {port: ui}
    memory_mb: 2000
"""
BACKED_UP = "backup: [{what: a, how: dump}]"
PROMISED = "objectives: {rpo_hours: 26, rto_minutes: 60, window_minutes: 60}"


def real_platform() -> Platform:
    return load_platform(ROOT / "deploy" / "platform.yaml")


WRITTEN = Written("deploy/platform.yaml", GOOD, parse_platform)


@pytest.mark.parametrize(
    ("was", "is_now", "field", "says"),
    [
        ("kind: store", "kind: shop", "services.0.kind", "'store'"),
        ("{main: 5432}", "{main: 70000}", "services.0.ports.main", "65535"),
        ("{main: 5432}", "{main: many}", "services.0.ports.main", "integer"),
        ("memory_mb: 600", "memory: 600\n    memory_mb: 600", "services.0.memory", "permitted"),
        ("{probe: trino}", "{probe: oracle}", "services.1.readiness.probe", "'trino'"),
        ("{probe: trino}", "{probe: trino, often: 1}", "services.1.readiness.often", "permitted"),
        ("{main: 8090, ui: 8091}", "{ui: 8091, main: 8090}", "services.1.ports", "called main"),
        ("{main: 8090, ui", "{main: 5432, ui", "services.1.ports.main", "postgres's already"),
        ("[postgres]", "[postgre]", "services.1.depends_on.0", "no service 'postgre'"),
        ("[postgres]", "[trino]", "services.1.depends_on.0", "must stand above"),
        ("{port: ui}", "{port: pages}", "services.1.page", "no port 'pages'"),
        ("page: {port: ui}", BACKED_UP, "services.1.backup", "has objectives"),
        ("page: {port: ui}", PROMISED, "services.1.objectives", "nothing of it"),
        ("page: {port: ui}", PROMISED.replace("rto_", ""), "services.1.objectives.rto_minutes", "Field required"),
        ("name: trino\n    title: T", "name: postgres\n    title: T", "services.1.name", "two services"),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_field(was: str, is_now: str, field: str, says: str) -> None:
    told = WRITTEN.refused(was, is_now, at=is_now)
    assert told.startswith(f"{field}: ")
    assert says in told


def test_a_missing_field_is_reported_at_its_service() -> None:
    told = WRITTEN.refused("    title: Trino\n", "", at="name: trino")
    assert told == "services.1.title: Field required"


def test_what_is_not_yaml_is_said_to_be_none() -> None:
    assert "not YAML" in WRITTEN.refused("kind: store", "kind: [store", at="")


def test_a_key_that_is_said_twice_is_told_in_a_sentence() -> None:
    with pytest.raises(Misconfigured, match="found duplicate key") as refusal:
        parse_platform(GOOD + "\nservices: []\n")
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("content", [b"\xff", b"", b"a: " + b"[" * 900])
def test_a_file_that_is_no_inventory_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "platform.yaml"
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"platform\.yaml"):
        load_platform(path)


def test_a_missing_inventory_says_how_to_find_one(tmp_path) -> None:
    with pytest.raises(Misconfigured, match="ENGINEDGE_ROOT"):
        load_platform(tmp_path / "platform.yaml")


def test_an_unknown_service_is_answered_with_its_near_matches() -> None:
    with pytest.raises(Misconfigured, match="did you mean airflow-scheduler"):
        real_platform().service("airflow-sheduler")


def test_an_unknown_port_is_answered_with_the_ports_there_are() -> None:
    with pytest.raises(Misconfigured, match="main, console"):
        real_platform().service("minio").port("ui")


def test_the_first_port_is_the_main_one() -> None:
    assert parse_platform(GOOD).service("trino").port() == 8090


def test_a_selection_brings_along_what_it_depends_on_and_needs() -> None:
    names = [service.name for service in real_platform().with_dependencies(["trino"])]
    assert names == ["postgres", "minio", "metastore", "trino"]


def test_the_committed_schema_is_what_the_code_exports() -> None:
    assert (ROOT / "deploy" / "platform.schema.json").read_text() == json_schema()


def test_every_service_names_a_secret_that_the_stack_generates() -> None:
    from deploy.local.credentials import SECRETS

    assert {service.secret for service in real_platform().services if service.secret} <= set(SECRETS)


def test_the_gateways_port_stays_free() -> None:
    taken = {number for service in real_platform().services for number in service.ports.values()}
    assert 8080 not in taken
