"""An environment that names no channel, in an installation with secrets of its own, and real receivers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from enginedge.notify import channels
from enginedge.private_files import write_private
from enginedge.settings import settings
from tests.notify.receivers import Mailbox, Posts, mail_server, webhook_receiver


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the secrets, which has two."""
    for name in [name for name in os.environ if name.startswith(("ENGINEDGE_NOTIFY", "ENGINEDGE_DEADMAN"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENGINEDGE_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setattr(channels, "PAUSE_S", 0.01)
    write_private(tmp_path / "secrets" / "postgres-admin", "a-password-of-postgres")
    write_private(tmp_path / "secrets" / "airflow-passwords.json", '{"admin": "a-password-of-airflow"}')
    settings.cache_clear()
    yield tmp_path / "secrets"
    settings.cache_clear()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server without encryption, which the environment names."""
    with mail_server() as box:
        by_mail(monkeypatch, box.port, "off")
        yield box


@pytest.fixture
def posts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Posts]:
    """A webhook's receiver, whose address stands in the file that the environment names."""
    with webhook_receiver() as seen:
        write_private(tmp_path / "webhook", seen.url + "\n")
        monkeypatch.setenv("ENGINEDGE_NOTIFY_WEBHOOK_FILE", str(tmp_path / "webhook"))
        yield seen


def by_mail(monkeypatch: pytest.MonkeyPatch, port: int, encryption: str, user: str = "") -> None:
    """Have the environment name a mail server."""
    monkeypatch.setenv("ENGINEDGE_NOTIFY_SMTP", f"127.0.0.1:{port}")
    monkeypatch.setenv("ENGINEDGE_NOTIFY_SMTP_TLS", encryption)
    monkeypatch.setenv("ENGINEDGE_NOTIFY_SMTP_USER", user)
    monkeypatch.setenv("ENGINEDGE_NOTIFY_FROM", "enginedge@example.org")
    monkeypatch.setenv("ENGINEDGE_NOTIFY_TO", "one@example.org, two@example.org")
