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

from enginedge.errors import Misconfigured
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
            *("offsite-root", "offsite-health", "offsite-backup-copy", "offsite-backup-pruner", "offsite-repository"),
            "offsite-replica",
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


#: What lies under ``data`` and knows a secret since it was made. All others are told anew whenever the stack comes up;
#: MinIO takes the root login that it is started with.
MADE_WITH: dict[str, str] = {
    "postgres-admin": "postgres/cluster",
    "airflow-fernet": "postgres/cluster",  # what Airflow keeps encrypted in its database
    "mongodb-root": "mongodb/WiredTiger",
    **dict.fromkeys(("kafka-admin", "kafka-platform", "kafka-lake"), "kafka/logs"),
    "etcd-root": "etcd/member",
    "backup-repository": "minio/backup/restic",
    "backup-signing": "minio/backup/manifests",
    "offsite-repository": "offsite/backup/restic",
}


def refuse_lost(folder: Path, data: Path) -> None:
    """Make sure that no secret is missing from ``folder`` that something under ``data`` was made with.

    Raises:
        Misconfigured: one is; a new one would not open what is there.
    """
    lost = [name for name, made in MADE_WITH.items() if _is_missing(folder / name) and (data / made).exists()]
    if lost:
        known = [f"{folder / name} is gone, and {data / MADE_WITH[name]} still has it" for name in lost]
        raise Misconfigured(
            "; ".join(known),
            where="secrets",
            untouched="the data",
            remedy="put it back from the recovery sheet (mode 0600), or set that folder aside and begin without it",
        )


def generate_missing(folder: Path) -> list[str]:
    """Make every secret that ``folder`` lacks and return the names of those that were made."""
    private_folder(folder)
    made = [name for name in SECRETS if _is_missing(folder / name)]
    for name in made:
        write_private(folder / name, SECRETS[name]())
    return made


def _is_missing(path: Path) -> bool:
    return not path.exists() or not path.stat().st_size
