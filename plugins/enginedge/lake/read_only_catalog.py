"""An Iceberg REST catalog that can only be read: what Spark in a notebook is given instead of the metastore.

The metastore asks no one for permission: who has its address may rename or drop any table. This catalog has no way to
change anything, and says so (its configuration names the requests it knows, all of them reads, so that a client refuses
a write before it sends one). It lists the tables that Trino lets an analyst read and that hold no personal column,
since whoever reads a table's files reads all of its columns; and of each table it shows the branch ``main`` alone,
because the others were not audited yet.

The protocol is Iceberg's (``open-api/rest-catalog-open-api.yaml`` of the Iceberg project).
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable
from enginedge.lake.analyst import USER, metadata_file, readable_tables
from enginedge.lake.contracts import contracts
from enginedge.settings import HOST
from enginedge.storage import s3

_READS = ["", "/{namespace}", "/{namespace}/tables", "/{namespace}/tables/{table}"]
CONFIGURATION = {
    "defaults": {},
    "overrides": {},
    "endpoints": [f"GET /v1/{{prefix}}/namespaces{path}" for path in _READS],
}


def start() -> ThreadingHTTPServer:
    """Serve the catalog on a free port of this machine, ``server_port``, until it is shut down or the process ends."""
    server = ThreadingHTTPServer((HOST, 0), _Request)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="read-only-catalog").start()
    return server


def open_tables() -> list[str]:
    """The tables that an analyst may read as files: those of Trino's that hold no personal column, sorted."""
    closed = {promised.table for promised in contracts() if promised.personal()}
    return [table for table in readable_tables() if table not in closed]


def answer(path: str) -> dict[str, Any]:
    """What the catalog says to ``GET path``.

    Raises:
        Misconfigured: there is nothing of that name to read.
        Unavailable: Trino or the object store did not answer.
    """
    match [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]:
        case ["v1", "config"]:
            return CONFIGURATION
        case ["v1", "namespaces"]:
            return {"namespaces": sorted([schema] for schema in {_schema(table) for table in open_tables()})}
        case ["v1", "namespaces", schema] if schema in map(_schema, open_tables()):
            return {"namespace": [schema], "properties": {}}
        case ["v1", "namespaces", schema, "tables"]:
            inside = [table for table in open_tables() if _schema(table) == schema]
            return {"identifiers": [{"namespace": [schema], "name": table.partition(".")[2]} for table in inside]}
        case ["v1", "namespaces", schema, "tables", name] if f"{schema}.{name}" in open_tables():
            file = metadata_file(f"{schema}.{name}")
            return {"metadata-location": file, "metadata": _published(_read(file)), "config": {}}
    raise Misconfigured(f"there is nothing to read at {path}", where="read-only catalog")


def _schema(table: str) -> str:
    return table.partition(".")[0]


def _published(metadata: dict[str, Any]) -> dict[str, Any]:
    """The table's metadata without the branches that readers must not see."""
    return {**metadata, "refs": {name: ref for name, ref in metadata.get("refs", {}).items() if name == "main"}}


def _read(file: str) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = file.partition("://")[2].partition("/")
    try:
        metadata: dict[str, Any] = json.loads(s3(USER).get_object(Bucket=bucket, Key=key)["Body"].read())
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(
            f"the object store did not give {file}: {error}", where="minio", remedy="run `make logs S=minio`"
        ) from error
    return metadata


class _Request(BaseHTTPRequestHandler):
    """One request; anything but GET and HEAD is refused by the server class itself (501)."""

    def do_GET(self) -> None:
        if self.headers.get("Host", "").rpartition(":")[0] not in (HOST, "localhost"):
            # A page in a browser, which has given this machine a name of its own.
            self._send(403, {"error": {"message": "ask on loopback", "type": "ForbiddenException", "code": 403}})
            return
        try:
            self._send(200, answer(self.path))
        except Misconfigured as error:
            kind = "NoSuchTableException" if "/tables/" in self.path else "NoSuchNamespaceException"
            self._send(404, {"error": {"message": str(error), "type": kind, "code": 404}})
        except EnginEdgeError as error:
            self._send(503, {"error": {"message": str(error), "type": "ServiceUnavailableException", "code": 503}})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a notebook shows what its process prints."""
