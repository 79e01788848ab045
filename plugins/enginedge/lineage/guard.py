"""What is refused before it is looked at: a body too large for memory, and what a foreign page in a browser asks.

The relay asks nobody who they are, because only this machine reaches it. A browser on this machine is led to it by any
page that it opens: with a form that is sent here, or under a name of the page's own that leads to loopback. Such a
request says so, by its Origin or its Host.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enginedge.lineage.api.asked import Answered

LARGEST_BODY = 64 * 1024 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Guard:
    """Lets a request through that names one of ``hosts``, comes from no foreign page and is not too large."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOOPBACK) -> None:
        self.app, self.hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            return await refusal(scope, receive, send)
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body") or b"")
            if read > LARGEST_BODY:
                raise Answered(413, {"code": 413, "message": "HTTP 413 Request Entity Too Large"})
            return message

        return await self.app(scope, bounded, send)

    def _refusal(self, method: str, headers: dict[bytes, str]) -> JSONResponse | None:
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if _without_port(host) not in self.hosts:
            return _no(403, f"This is not {host}")
        if method not in ("GET", "HEAD") and origin is not None and origin.partition("://")[2] != host:
            return _no(403, f"A page of {origin} may not write here")
        length = headers.get(b"content-length", "")
        if length.isdecimal() and int(length) > LARGEST_BODY:
            return _no(413, "HTTP 413 Request Entity Too Large")
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _no(status: int, message: str) -> JSONResponse:
    return JSONResponse({"code": status, "message": message}, status)
