"""MinIO: a bucket a purpose, a user a purpose, and a policy each that says no more than that purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.local.layout import Local
from deploy.local.services import minio_buckets
from deploy.local.services.process import Launch
from enginedge.lake.contracts import contracts

if TYPE_CHECKING:
    from minio import Minio, MinioAdmin

#: user → (buckets to write, buckets to read)
USERS = {
    "platform": (["platform"], []),
    "lake": (["lake"], ["platform"]),
    "health": (["health"], []),
}
READ = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"]
WRITE = [*READ, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
         "s3:ListBucketMultipartUploads"]  # fmt: skip


def prepare(local: Local) -> Launch:
    """A server with a console."""
    server = serve(local, "minio", "400MiB")
    return Launch([*server.argv, f"--console-address={local.address('minio', 'console')}"], server.environment)


def serve(local: Local, service: str, memory: str) -> Launch:
    """One MinIO server. The root login goes by a file that MinIO reads itself."""
    login = f"MINIO_ROOT_USER=root\nMINIO_ROOT_PASSWORD={local.secret(f'{service}-root')}\n"
    environment = {
        "MINIO_CONFIG_ENV_FILE": str(local.write(service, "environment", login)),
        "MINIO_PROMETHEUS_AUTH_TYPE": "public",
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
        "GOMEMLIMIT": memory,
    }
    argv = [
        str(local.tool("minio")),
        "server",
        str(local.data(service)),
        f"--address={local.address(service)}",
        f"--certs-dir={local.conf(service) / 'certs'}",
    ]
    return Launch(argv, environment)


def set_up(local: Local) -> None:
    """Buckets, users and policies: made where they are missing, passwords and policies set anew."""
    client, admin = as_root(local, "minio")
    minio_buckets.make("health", client)
    for bucket in replicated(local):
        minio_buckets.make(bucket, client)
        minio_buckets.keep_versions(bucket, client)
    minio_buckets.make_locked("backup", client)
    policies = {user: policy_of(writable, readable) for user, (writable, readable) in USERS.items()}
    policies |= {
        "analyst": _policy_of_analysts(),
        "backup": policy_of_backups((*replicated(local), "backup")),
        "backup-pruner": policy_of_pruning(),
    }
    for user, policy in policies.items():
        make_user(admin, user, local.secret(f"minio-{user}"), policy)
    # Who copies the backups is known at both ends by one login, and only reads at this one.
    make_user(admin, "backup-copy", local.secret("offsite-backup-copy"), _policy_of_copying())


def replicated(local: Local) -> tuple[str, ...]:
    """The buckets that are backed up; the second place may have each of their objects, too."""
    (service,) = (each for each in local.platform.services if each.name == "minio")
    return tuple(thing.what for thing in service.backup)


def as_root(local: Local, service: str) -> tuple[Minio, MinioAdmin]:
    """A client and an administrator of the MinIO that ``service`` is."""
    from minio import Minio, MinioAdmin
    from minio.credentials.providers import StaticProvider

    address, password = local.address(service), local.secret(f"{service}-root")
    client = Minio(endpoint=address, access_key="root", secret_key=password, secure=False)
    return client, MinioAdmin(endpoint=address, credentials=StaticProvider("root", password), secure=False)


def make_user(admin: MinioAdmin, user: str, password: str, policy: dict[str, Any]) -> None:
    """Make the user where it is missing; password and policy are set anew."""
    from minio.error import MinioAdminException

    admin.user_add(user, password)
    admin.policy_add(f"{user}-only", policy=policy)
    try:
        admin.policy_set(f"{user}-only", user=user)
    except MinioAdminException as error:
        if "already in effect" not in str(error):
            raise


def policy_of_backups(readable: tuple[str, ...]) -> dict[str, Any]:
    """Reads what is backed up; adds to the backups, and deletes none of them: only the marks by which restic's
    processes know of each other. A lock can be made to last longer, never shorter."""
    add = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:GetObjectRetention",
           "s3:PutObjectRetention"]  # fmt: skip
    return _statements(
        ("Allow", READ, [f"arn:aws:s3:::{bucket}{part}" for bucket in readable for part in ("", "/*")]),
        ("Allow", ["s3:ListBucketMultipartUploads"], ["arn:aws:s3:::backup"]),
        ("Allow", add, ["arn:aws:s3:::backup/*"]),
        ("Allow", ["s3:DeleteObject"], ["arn:aws:s3:::backup/restic/locks/*"]),
        ("Deny", ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"], ["arn:aws:s3:::*"]),
    )


def _policy_of_copying() -> dict[str, Any]:
    """Reads the backups, and marks for restic's other processes that it does."""
    return _statements(
        ("Allow", READ, ["arn:aws:s3:::backup", "arn:aws:s3:::backup/*"]),
        ("Allow", ["s3:PutObject", "s3:DeleteObject"], ["arn:aws:s3:::backup/restic/locks/*"]),
        ("Deny", ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"], ["arn:aws:s3:::*"]),
    )


def policy_of_pruning() -> dict[str, Any]:
    """Takes old backups out of sight; their versions stay until their locks have ended."""
    return _statements(
        ("Allow", [*WRITE, "s3:GetObjectRetention"], ["arn:aws:s3:::backup", "arn:aws:s3:::backup/*"]),
        ("Deny", ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"], ["arn:aws:s3:::*"]),
    )


def policy_of_replication(names: tuple[str, ...]) -> dict[str, Any]:
    """What MinIO needs at the other end: it writes versions as they are, and passes on marks of deletion only."""
    passed_on = ["s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete", "s3:PutObject", "s3:DeleteObject",
                 "s3:PutObjectTagging", "s3:GetObjectTagging", "s3:AbortMultipartUpload",
                 "s3:ListMultipartUploadParts"]  # fmt: skip
    asked = ["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration", "s3:GetReplicationConfiguration",
             "s3:ListBucketMultipartUploads"]  # fmt: skip
    buckets = [f"arn:aws:s3:::{name}" for name in names]
    return _statements(
        ("Allow", [*READ, *asked], buckets),
        ("Allow", [*READ, *passed_on], [f"{bucket}/*" for bucket in buckets]),
    )


def _statements(*statements: tuple[str, list[str], list[str]]) -> dict[str, Any]:
    """A policy of effects, actions and resources."""
    named = [{"Effect": effect, "Action": actions, "Resource": resources} for effect, actions, resources in statements]
    return {"Version": "2012-10-17", "Statement": named}


def policy_of(writable: list[str], readable: list[str]) -> dict[str, Any]:
    """An S3 policy that allows to write into some buckets and to read others."""
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
        for actions, buckets in ((WRITE, writable), (READ, readable))
        for bucket in buckets
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _policy_of_analysts() -> dict[str, Any]:
    """The files of the marts and of the core tables without personal columns: a file cannot be read in part."""
    open_tables = [f"core.db/{each.name}" for each in contracts("core") if not each.personal()]
    readable = [f"arn:aws:s3:::lake/{place}/*" for place in ("mart", *open_tables)]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetBucketLocation"], "Resource": ["arn:aws:s3:::lake"]},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": readable},
        ],
    }
