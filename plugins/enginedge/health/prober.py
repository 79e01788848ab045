"""Answers ``GET /<service>`` on a Unix socket: 200 when the service did its work, 503 with the reason when not.

The supervisor asks every few seconds. One process that keeps the clients loaded answers it, because a Python
started for each question would cost more than the services' own idle work. Questions about the same service are
asked one at a time.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Lock

from enginedge.errors import EnginEdgeError
from enginedge.health.probes import ask
from enginedge.platform import load_platform
from enginedge.settings import settings

_asking: dict[str, Lock] = defaultdict(Lock)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/")
        try:
            service = load_platform(settings().root / "deploy" / "platform.yaml").service(name)
            with _asking[name]:
                ask(service)
        except EnginEdgeError as error:
            self._answer(503, error.what)
        else:
            self._answer(200, "ready")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # the asker lost patience
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Every question is no news."""

    def address_string(self) -> str:
        return "supervisor"


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


def main(socket: Path) -> None:
    """Serve on ``socket`` until stopped."""
    socket.unlink(missing_ok=True)
    with _Server(str(socket), _Handler) as server:
        server.serve_forever()
