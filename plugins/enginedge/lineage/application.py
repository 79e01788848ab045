"""The relay's web application: Marquez's API under ``/api/v1``, the relay's own state, and the page at ``/``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enginedge.errors import Unavailable
from enginedge.lineage import page
from enginedge.lineage.api import datasets, jobs, lineage, namespaces, relay, search, write
from enginedge.lineage.api.asked import Answered
from enginedge.lineage.database import Database, is_about_a_value
from enginedge.lineage.guard import LOOPBACK, Guard
from enginedge.lineage.naming import Names


class EncodedPaths:
    """Routes by the path as it was sent, so that ``%2F`` in a name does not split it; a HEAD is a GET without the body.

    A last slash is taken off, as Marquez does, and a client that can't read JSON is told so.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        raw = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        if len(path) > 1 and path.endswith("/") and not path.endswith("//"):
            path = path[:-1]
        accepts = dict(scope["headers"]).get(b"accept", b"*/*").decode("latin-1")
        if path.startswith("/api/") and not any(
            kind in accepts for kind in ("*/*", "application/*", "application/json")
        ):
            refusal = JSONResponse({"code": 406, "message": "HTTP 406 Not Acceptable"}, 406)
            return await refusal(scope, receive, send)
        head = scope["method"] == "HEAD"

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        method = "GET" if head else scope["method"]
        return await self.app({**scope, "path": path, "method": method}, receive, without_body if head else send)


def application(
    database: Database,
    names: Names,
    *,
    wake_forwarder: Callable[[], None] = lambda: None,
    state: Callable[[], dict[str, Any]] = dict,
    running: Callable[[], Any] | None = None,
    hosts: Collection[str] = (),
) -> FastAPI:
    """The application over one database.

    Args:
        wake_forwarder: called after each event that was stored.
        state: what the spool and the forwarder say of themselves.
        running: opens a context in which they run, for as long as the application does.
        hosts: the names, besides those of loopback, by which it is asked.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if running is None:
            yield
        else:
            with running():
                yield

    app = FastAPI(title="Lineage relay", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.database, app.state.names = database, names
    app.state.wake_forwarder, app.state.own = wake_forwarder, state
    for part in (write, namespaces, jobs, datasets, lineage, search, relay, page):
        app.include_router(part.router)
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_middleware(EncodedPaths)
    app.add_middleware(Guard, hosts={*LOOPBACK, *hosts})
    _answer_failures(app)
    return app


def _answer_failures(app: FastAPI) -> None:
    @app.exception_handler(Answered)
    async def answered(_: Request, error: Answered) -> Response:
        if isinstance(error.body, str):
            return Response(error.body, error.status, media_type="application/json")
        return JSONResponse(error.body, error.status)

    @app.exception_handler(HTTPException)
    async def no_such_route(_: Request, error: HTTPException) -> Response:
        message = f"HTTP {error.status_code} {error.detail}"
        return JSONResponse({"code": error.status_code, "message": message}, error.status_code)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: RequestValidationError) -> Response:
        fault = error.errors()[0]
        return JSONResponse({"code": 400, "message": f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"}, 400)

    @app.exception_handler(psycopg.Error)
    async def unfit(_: Request, error: psycopg.Error) -> Response:
        if not is_about_a_value(error):
            raise error
        return JSONResponse({"code": 400, "message": f"A value can't be asked for: {error}"}, 400)

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable) -> Response:
        return JSONResponse({"code": 503, "message": str(error)}, 503, {"Retry-After": "5"})
