"""A tiny Marquez: a real HTTP server that takes events, writes down what it was sent, and fails when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Marquez:
    """What it was sent, in order, and how it answers: ``answers`` gives a status for an event."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.answers: Callable[[dict[str, Any]], int] = lambda _: 201
        self.url = ""

    def told(self) -> list[tuple[str, str]]:
        return [(event["job"]["name"], event["eventType"]) for event in self.events]


@contextmanager
def marquez(port: int = 0) -> Iterator[Marquez]:
    """A running one, on loopback."""
    found = Marquez()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200)

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = found.answers(event)
            if status == 201:
                found.events.append(event)
            self._answer(status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
