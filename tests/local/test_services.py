"""What each service's own module generates, as far as it can be told without starting it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from deploy.local.layout import Local
from deploy.local.services import SERVICES, Launch, clean_environment
from deploy.local.services import airflow as airflow_service
from deploy.local.services import metastore as metastore_service
from deploy.local.services import postgres as postgres_service
from deploy.local.services.minio import USERS, policy_of
from deploy.local.services.trino import _access
from enginedge.engines.jvm import FIRST_COMPILER, ROOM_FOR_CODE
from enginedge.engines.metastore import Metastore
from enginedge.lake.contracts import contracts
from tests.installation import secret_values


@pytest.fixture
def launches(installation: Local, monkeypatch: pytest.MonkeyPatch) -> dict[str, Launch]:
    """Every service prepared, with what would ask a database or run a program left out."""
    monkeypatch.setattr(airflow_service, "_migrate", lambda *_: None)
    monkeypatch.setattr(metastore_service, "_has_schema", lambda _: True)
    monkeypatch.setattr(Metastore, "compile_wrapper", lambda _: None)
    monkeypatch.setattr(postgres_service, "_make_cluster", lambda *_: None)
    (installation.data("kafka") / "logs").mkdir()
    return {name: service.prepare(installation) for name, service in SERVICES.items()}


def test_the_relay_and_no_other_service_is_told_where_marquez_is(
    installation: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEZ_URL", "http://marquez:5000")
    assert SERVICES["lineage"].prepare(installation).environment == {"MARQUEZ_URL": "http://marquez:5000"}
    assert "MARQUEZ_URL" not in clean_environment(installation)


def test_no_secret_is_in_a_command_or_an_environment(installation: Local, launches: dict[str, Launch]) -> None:
    secrets = secret_values(installation.settings.secrets)
    assert secrets
    for name, launch in launches.items():
        shown = " ".join([*launch.argv, *launch.environment.values()])
        assert [secret for secret, value in secrets.items() if value in shown] == [], name


def test_sparks_master_takes_no_orders_over_http(launches: dict[str, Launch]) -> None:
    told = launches["spark-master"].environment["SPARK_DAEMON_JAVA_OPTS"].split()
    assert {
        "-Dspark.master.rest.enabled=false",
        "-Dspark.ui.killEnabled=false",
        "-Dspark.master.ui.decommission.allow.mode=DENY",
    } <= set(told)


@pytest.mark.parametrize(("given", "quick"), [("on", True), ("off", False), (None, False)])
def test_only_a_stack_for_minutes_compiles_little(
    installation: Local, monkeypatch: pytest.MonkeyPatch, given: str | None, quick: bool
) -> None:
    monkeypatch.delenv("ENGINEDGE_SHORT_LIVED", raising=False)
    if given:
        monkeypatch.setenv("ENGINEDGE_SHORT_LIVED", given)
    (installation.data("kafka") / "logs").mkdir()  # so that nothing is formatted
    for server in ("trino", "kafka"):
        assert (FIRST_COMPILER in SERVICES[server].prepare(installation).argv) is quick, server
    SERVICES["spark-master"].prepare(installation)
    defaults = (installation.state / "conf" / "spark" / "spark-defaults.conf").read_text()
    assert ("NO_CODEGEN" in defaults) is quick
    limited = [line for line in defaults.splitlines() if FIRST_COMPILER in line]
    assert len(limited) == 1 + quick, "the driver always, the executor of such a stack"
    assert all(ROOM_FOR_CODE in line for line in limited)


def test_every_generated_file_is_private(installation: Local, launches: dict[str, Launch]) -> None:
    files = [path for path in (installation.state / "conf").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_every_address_in_a_command_is_loopback(launches: dict[str, Launch]) -> None:
    shown = " ".join(part for launch in launches.values() for part in [*launch.argv, *launch.environment.values()])
    assert "0.0.0.0" not in shown  # noqa: S104
    assert not re.search(r"(?<![\w.:])\*:\d", shown)


def test_the_callers_environment_is_not_passed_on(installation: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", "18090")
    told = clean_environment(installation)
    assert "AWS_SECRET_ACCESS_KEY" not in told
    assert told["ENGINEDGE_PORT_TRINO"] == "18090"


def test_a_moved_port_reaches_everyone_who_uses_it(
    installation: Local, launches: dict[str, Launch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_METASTORE", "19083")
    for name in ("trino", "spark-master"):
        SERVICES[name].prepare(installation)
    for file in ("trino/catalog/lake.properties", "trino/catalog/files.properties", "spark/spark-defaults.conf"):
        assert "thrift://127.0.0.1:19083" in (installation.state / "conf" / file).read_text(), file


def test_airflow_reads_its_secrets_from_files(launches: dict[str, Launch]) -> None:
    for name, launch in launches.items():
        if name.startswith("airflow"):
            commands = {key: value for key, value in launch.environment.items() if key.endswith("_CMD")}
            assert len(commands) == 4
            assert all(Path(command.removeprefix("cat ")).is_file() for command in commands.values())


def analyst_rules() -> list[dict[str, Any]]:
    return [rule for rule in _access()["tables"] if re.fullmatch(rule["user"], "analyst")]


def test_an_analyst_may_read_marts_core_and_ops_and_write_nothing() -> None:
    assert all(rule["privileges"] == ["SELECT"] for rule in analyst_rules())
    schemas = [rule["schema"] for rule in analyst_rules()]
    assert not any(re.fullmatch(each, layer) for each in schemas for layer in ("raw", "quarantine", "mart_next"))
    catalogs = [rule["catalog"] for rule in _access()["catalogs"] if rule["user"] == "analyst"]
    assert not any(re.fullmatch(each, "files") for each in catalogs)


def test_what_a_contract_calls_personal_is_empty_to_an_analyst() -> None:
    for contract in contracts("core"):
        rule = next(
            each
            for each in analyst_rules()
            if re.fullmatch(each["schema"], "core") and re.fullmatch(each["table"], contract.name)
        )
        masked = {column["name"] for column in rule.get("columns", ()) if column["mask"] == "NULL"}
        assert masked == {column.name for column in contract.personal()}, contract.table


def test_icebergs_metadata_tables_which_show_values_are_closed_to_an_analyst() -> None:
    tables = [rule["table"] for rule in analyst_rules() if "table" in rule]
    assert not any(re.fullmatch(each, "mongodb__users$files") for each in tables)


@pytest.mark.parametrize("user", USERS)
def test_a_users_policy_names_only_its_buckets(user: str) -> None:
    writable, readable = USERS[user]
    for statement in policy_of(writable, readable)["Statement"]:
        bucket = statement["Resource"][0].removeprefix("arn:aws:s3:::")
        assert bucket in (writable if "s3:PutObject" in statement["Action"] else readable)
