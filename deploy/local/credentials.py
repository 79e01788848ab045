"""The secrets of the local stack: made once, by chance, one file a secret, readable by their owner alone.

None of them has a default. They consist of letters and digits, so that no configuration format needs to quote them.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from enginedge.private_files import private_folder, write_private

AIRFLOW_USERS = {"admin": "admin", "operator": "op", "analyst": "viewer"}


def _password() -> str:
    return secrets.token_hex(20)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _airflow_passwords() -> str:
    return json.dumps({user: _password() for user in AIRFLOW_USERS})


SECRETS: dict[str, Callable[[], str]] = {
    **dict.fromkeys(
        (
            *("postgres-admin", "postgres-airflow", "postgres-metastore", "postgres-lineage", "postgres-platform"),
            *("postgres-lake", "postgres-airflow-reader"),
            *(
                "minio-root",
                "minio-platform",
                "minio-lake",
                "minio-backup",
                "minio-backup-pruner",
                "minio-analyst",
                "minio-health",
            ),
            *("backup-repository", "backup-signing"),
            *(
                "mongodb-root",
                "mongodb-platform",
                "mongodb-lake",
                "mongodb-backup",
                "mongodb-restore",
                "mongodb-keyfile",
            ),
            *("kafka-admin", "kafka-platform", "kafka-lake"),
            *("redis", "etcd-root", "airflow-jwt", "airflow-api", "jupyter-token"),
        ),
        _password,
    ),
    "airflow-fernet": _fernet_key,
    "airflow-passwords.json": _airflow_passwords,
}


def generate_missing(folder: Path) -> list[str]:
    """Make every secret that ``folder`` lacks and return the names of those that were made."""
    private_folder(folder)
    made = [name for name in SECRETS if not (folder / name).exists() or not (folder / name).stat().st_size]
    for name in made:
        write_private(folder / name, SECRETS[name]())
    return made
