"""The inventory: what it knows, and how it complains."""

from __future__ import annotations

import pytest

from enginedge.errors import Misconfigured
from enginedge.platform import Platform, load_platform, parse_platform
from enginedge.platform.schema import json_schema
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


def real_platform() -> Platform:
    return load_platform(ROOT / "deploy" / "platform.yaml")


def complaint(text: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        parse_platform(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("was", "is_now", "place", "says"),
    [
        ("kind: store", "kind: shop", "yaml:4: services.0.kind", "'store'"),
        ("{main: 5432}", "{main: 70000}", "yaml:5: services.0.ports.main", "65535"),
        ("{main: 5432}", "{main: many}", "yaml:5: services.0.ports.main", "integer"),
        ("memory_mb: 600", "memory: 600", "services.0.memory", ""),
        ("{probe: trino}", "{probe: oracle}", "yaml:14: services.1.readiness.probe", "'trino'"),
        (
            "{probe: trino}",
            "{probe: trino, often: 1}",
            "yaml:14: services.1.readiness.often",
            "permitted",
        ),
        (
            "{main: 8090, ui: 8091}",
            "{ui: 8091, main: 8090}",
            "yaml:12: services.1.ports",
            "called main",
        ),
        ("{main: 8090, ui", "{main: 5432, ui", "yaml:12: services.1.ports.main", "postgres's already"),
        ("[postgres]", "[postgre]", "yaml:13: services.1.depends_on.0", "no service 'postgre'"),
        ("[postgres]", "[trino]", "yaml:13: services.1.depends_on.0", "must stand above"),
        ("{port: ui}", "{port: pages}", "yaml:15: services.1.page", "no port 'pages'"),
        ("name: trino", "name: postgres", "yaml:9: services.1.name", "two services"),
        ("kind: store", "kind: [store", "yaml:", "not YAML"),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_field(was: str, is_now: str, place: str, says: str) -> None:
    told = complaint(GOOD.replace(was, is_now, 1))
    assert place in told
    assert says in told


def test_a_missing_field_is_reported_at_its_service() -> None:
    told = complaint(GOOD.replace("    title: Trino\n", ""))
    assert "deploy/platform.yaml:9: services.1.title: Field required" in told


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
