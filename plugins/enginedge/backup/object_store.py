"""The way to a bucket: one client a user, whose failures are ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from enginedge.errors import Misconfigured, Unavailable
from enginedge.settings import secret_in, settings
from enginedge.storage import s3_at

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REFUSALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "NoSuchBucket"}
CONNECTIONS = 16


@dataclass(frozen=True)
class ObjectStore:
    """An S3 endpoint and who asks there; the password is in ``password_file``."""

    url: str
    user: str
    password_file: Path

    @property
    def where(self) -> str:
        return self.url

    @property
    def password(self) -> str:
        return secret_in(self.password_file, self.password_file.name)

    @contextmanager
    def client(self) -> Iterator[S3Client]:
        """A client of this user.

        Raises:
            Misconfigured: the store refuses the user or knows no such bucket.
            Unavailable: it does not answer, or something is not there any more.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = s3_at(self.url, self.user, self.password, CONNECTIONS)
        try:
            yield client
        except ClientError as failure:
            error = Misconfigured if failure.response.get("Error", {}).get("Code") in REFUSALS else Unavailable
            raise error(str(failure), where=f"{self.url} as {self.user}", remedy="look at `make status`") from failure
        except BotoCoreError as failure:
            raise Unavailable(str(failure), where=self.url, remedy="look at `make status`") from failure
        finally:
            client.close()

    def shared_credentials(self) -> str:
        """The content of a credentials file, which S3 tools read."""
        return f"[default]\naws_access_key_id = {self.user}\naws_secret_access_key = {self.password}\n"


def object_store(user: str, service: str = "minio") -> ObjectStore:
    """The platform's object store, or another one of the inventory, as ``user``."""
    return ObjectStore(settings().endpoint(service).url, user, settings().secret_path(f"{service}-{user}"))
