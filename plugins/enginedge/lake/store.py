"""Whether the lake's bucket takes a write: an application that has to find that out for itself takes half a minute."""

from __future__ import annotations

from enginedge.lake.failures import named
from enginedge.settings import settings
from enginedge.storage import s3

BUCKET, PROBE = "lake", "health/write-probe"


def check_writable() -> None:
    """Put a small object into the bucket as the user ``lake``, and take it away again.

    Raises:
        Misconfigured: the store refuses that user.
        Unavailable: the store is full, or silent.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    store = s3("lake")
    try:
        store.put_object(Bucket=BUCKET, Key=PROBE, Body=b"written to be removed")
        store.delete_object(Bucket=BUCKET, Key=PROBE)
    except (BotoCoreError, ClientError) as error:
        raise named(error, f"minio at {settings().endpoint('minio')}") from error
    finally:
        store.close()
