"""The one door to Trino: what it sends, and what its failures tell the person who reads them.

The service is faked where it must misbehave; the client, its requests and its retries are the real ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from enginedge import trino
from enginedge.errors import Misconfigured, Unavailable

_FINISHED = {"id": "20261124_000000_00001_fake", "infoUri": "http://127.0.0.1/", "stats": {"state": "FINISHED"}}


class FakeTrino(ThreadingHTTPServer):
    """Answers every statement with ``answer``, and remembers the statements and headers it was sent."""

    answer: dict[str, Any]
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Statement)
        self.answer = {}
        self.statements: list[tuple[str, dict[str, str]]] = []


class _Statement(BaseHTTPRequestHandler):
    server: FakeTrino

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.statements.append((body, {name.lower(): value for name, value in self.headers.items()}))
        answer = json.dumps(_FINISHED | self.server.answer)
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTrino]:
    server = FakeTrino()
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", str(server.server_port))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def error(name: str, type_: str) -> dict[str, Any]:
    return {"error": {"message": "the message", "errorCode": 1, "errorName": name, "errorType": type_}}


def test_a_query_carries_its_user_source_and_tags(fake: FakeTrino) -> None:
    integer = {"rawType": "integer", "arguments": []}
    fake.answer = {"columns": [{"name": "a", "type": "integer", "typeSignature": integer}], "data": [[1], [2]]}
    result = trino.query("select a from t", user="dbt", source="mart.x", client_tags=("mart.x", "night"))
    assert (result.rows, result.columns, result.types) == ([(1,), (2,)], ("a",), ("integer",))
    assert result.query_id == "20261124_000000_00001_fake"
    statement, headers = fake.statements[0]
    assert statement == "select a from t"
    assert (headers["x-trino-user"], headers["x-trino-source"]) == ("dbt", "mart.x")
    assert (headers["x-trino-client-tags"], headers["x-trino-catalog"]) == ("mart.x,night", "lake")
    assert headers["x-trino-time-zone"] == "UTC"


def test_parameters_are_sent_as_values_and_never_as_text_of_the_statement(fake: FakeTrino) -> None:
    trino.query("select ?, ?", parameters=["it's; drop table t", 3])
    assert fake.statements[0][0] == "EXECUTE IMMEDIATE 'select ?, ?' USING 'it''s; drop table t',3"


def test_a_statement_that_trino_refuses_is_misconfigured_and_names_the_query(fake: FakeTrino) -> None:
    fake.answer = error("SYNTAX_ERROR", "USER_ERROR")
    with pytest.raises(Misconfigured, match=r"trino query 20261124_000000_00001_fake: SYNTAX_ERROR: the message"):
        trino.query("selec 1")


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("NO_NODES_AVAILABLE", "INSUFFICIENT_RESOURCES"),
        ("HIVE_METASTORE_ERROR", "EXTERNAL"),
        ("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR"),
        ("USER_CANCELED", "USER_ERROR"),
        ("ADMINISTRATIVELY_KILLED", "USER_ERROR"),
    ],
)
def test_a_failure_that_may_pass_is_unavailable(fake: FakeTrino, name: str, type_: str) -> None:
    fake.answer = error(name, type_)
    with pytest.raises(Unavailable, match=name):
        trino.query("select 1")


def test_a_server_that_does_not_speak_trino_is_unavailable(fake: FakeTrino) -> None:
    fake.status = 500
    with pytest.raises(Unavailable, match=r"trino at 127\.0\.0\.1"):
        trino.query("select 1")


def test_a_stopped_trino_is_named_with_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEDGE_PORT_TRINO", "1")
    with pytest.raises(Unavailable, match=r"trino at 127\.0\.0\.1:1: .* What to do: look at `make status`"):
        trino.query("select 1")


def test_names_are_quoted_whatever_they_hold() -> None:
    assert trino.quoted("mart", "x$history", 'a"b') == '"mart"."x$history"."a""b"'


def test_importing_the_lake_loads_neither_pandas_nor_a_client() -> None:
    heavy = "{'pandas', 'trino', 'requests', 'pyspark', 'airflow'} & set(sys.modules)"
    script = f"import sys, enginedge.lake, enginedge.trino, enginedge.lake.analyst; print(sorted({heavy}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
