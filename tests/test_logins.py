"""What a client is told to log in: our own place, and the secret of the user that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from enginedge.errors import Misconfigured
from enginedge.logins import kafka_login, postgres_login
from enginedge.settings import settings


@pytest.fixture(autouse=True)
def _secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("postgres-lake", "kafka-lake"):
        (tmp_path / name).write_text(f"password of {name}\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("ENGINEDGE_SECRETS", str(tmp_path))
    monkeypatch.setenv("ENGINEDGE_PORT_POSTGRES", "15432")
    monkeypatch.setenv("ENGINEDGE_PORT_KAFKA", "19092")
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_postgres_is_told_the_users_own_secret() -> None:
    told = conninfo_to_dict(make_conninfo(**postgres_login("platform", "lake")))
    assert (told["dbname"], told["user"], told["password"]) == ("platform", "lake", "password of postgres-lake")
    assert (told["host"], int(str(told["port"]))) == ("127.0.0.1", 15432)


def test_kafka_is_told_the_users_own_secret() -> None:
    told = kafka_login("lake")
    assert (told["sasl.username"], told["sasl.password"]) == ("lake", "password of kafka-lake")
    assert told["bootstrap.servers"] == "127.0.0.1:19092"


def test_a_user_without_a_secret_is_named() -> None:
    with pytest.raises(Misconfigured, match="postgres-nobody"):
        postgres_login("platform", "nobody")
    with pytest.raises(Misconfigured, match="kafka-nobody"):
        kafka_login("nobody")
