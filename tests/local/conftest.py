"""What the tests of the local stack share."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import credentials
from deploy.local.layout import Local
from enginedge.platform import load_platform
from enginedge.settings import Settings, settings
from tests.installation import ROOT


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    """An installation with its secrets and with tools that are empty files; nothing runs in it."""
    state = tmp_path / "state"
    monkeypatch.setenv("ENGINEDGE_STATE", str(state))
    monkeypatch.setenv("ENGINEDGE_SECRETS", str(state / "secrets"))
    settings.cache_clear()
    credentials.generate_missing(state / "secrets")
    names = (
        "java17_home java25_home venv spark_home spark_jars spark_classes hms_home hms_extra kafka_libs trino_home "
        "mongod minio etcd etcdctl etcdutl restic mongodump mongorestore process_compose postgres_bin "
        "redis_server redis_cli"
    )
    tools = {name: str(tmp_path / "tools" / name) for name in names.split()}
    for path in tools.values():
        Path(path).mkdir(parents=True)
    yield Local(Settings(ROOT, state, state / "secrets"), load_platform(ROOT / "deploy" / "platform.yaml"), tools)
    settings.cache_clear()
