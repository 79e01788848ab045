"""The second MinIO, which holds the backups a second time: on one machine it only stands for another one.

With ``ENGINEDGE_HOST_OFFSITE`` it is another machine's, and nothing of it is started or set up here.
"""

from __future__ import annotations

from deploy.local.layout import Local
from deploy.local.services import minio, minio_buckets
from deploy.local.services.process import Launch
from enginedge.settings import HOST


def is_here(local: Local) -> bool:
    """Whether it is this machine that it runs on."""
    return local.settings.endpoint("offsite").host == HOST


def prepare(local: Local) -> Launch:
    """A server whose folder, logins and port are its own; without a console, which would listen on every address."""
    server = minio.serve(local, "offsite", "200MiB")
    return Launch(server.argv, {**server.environment, "MINIO_BROWSER": "off"})


def set_up(local: Local) -> None:
    """The locked bucket, who adds to it, and who takes old copies out of sight; neither deletes a version. And the
    buckets that the first place's are replicated to."""
    client, admin = minio.as_root(local, "offsite")
    minio_buckets.make("health", client)
    minio_buckets.make_locked("backup", client)
    replicated = minio.replicated(local)
    for bucket in replicated:
        minio_buckets.make(bucket, client)
        minio_buckets.keep_versions(bucket, client)
    policies = {
        "health": minio.policy_of(["health"], []),
        "backup-copy": minio.policy_of_backups(("backup",)),
        "backup-pruner": minio.policy_of_pruning(),
        "replica": minio.policy_of_replication(replicated),
    }
    for user, policy in policies.items():
        minio.make_user(admin, user, local.secret(f"offsite-{user}"), policy)
