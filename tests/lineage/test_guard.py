"""What the relay refuses before it looks at it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from enginedge.lineage.api.asked import Answered
from enginedge.lineage.guard import LARGEST_BODY, Guard

MEGABYTE = b" " * 2**20


async def whole_body(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads all that it is sent."""
    body = await Request(scope, receive).body()
    await Response(str(len(body)))(scope, receive, send)


def ask(megabytes: int, **headers: str) -> tuple[int, int]:
    """Send a body of so many megabytes: the status of the answer, and how many of them were taken."""
    taken, status = 0, 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": MEGABYTE, "more_body": taken < megabytes}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"host", b"localhost"), *given],
    }
    try:
        asyncio.run(Guard(whole_body)(scope, receive, send))
    except Answered as answered:
        status = answered.status
    return status, taken


def test_a_body_that_has_no_end_is_refused_when_it_is_too_large() -> None:
    assert ask(10**9) == (413, LARGEST_BODY // len(MEGABYTE) + 1)


def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    assert ask(1, content_length=str(LARGEST_BODY + 1)) == (413, 0)


def test_a_body_as_large_as_may_be_is_taken() -> None:
    assert ask(LARGEST_BODY // len(MEGABYTE)) == (200, 64)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:5000", "", "localhost@evil.example"])
def test_another_name_for_this_machine_is_no_name(host: str) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", host.encode())]}
    statuses = []

    async def send(message: Message) -> None:
        statuses.append(message.get("status"))

    asyncio.run(Guard(whole_body)(scope, lambda: None, send))  # type: ignore[arg-type,return-value]
    assert statuses[0] == 403
