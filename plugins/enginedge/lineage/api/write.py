"""``POST /api/v1/lineage``: an event is stored before it is answered."""

from __future__ import annotations

import zlib

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from enginedge.lineage.api.asked import Answered
from enginedge.lineage.events import Refused, read_event
from enginedge.lineage.guard import LARGEST_BODY
from enginedge.lineage.store import take

router = APIRouter()


@router.post("/api/v1/lineage", status_code=201)
async def post_event(request: Request) -> Response:
    """Take one event: 201 and no body when it is stored; 422 or 500 with the reason when it is not one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Answered(415, {"code": 415, "message": "HTTP 415 Unsupported Media Type"})
    body = _unpacked(await request.body(), request.headers.get("content-encoding", ""))
    try:
        event = await run_in_threadpool(read_event, body, request.app.state.names)
        await run_in_threadpool(take, request.app.state.database, [event])
    except Refused as refusal:
        raise Answered(refusal.status, refusal.body) from refusal
    request.app.state.wake_forwarder()
    return Response(status_code=201)


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding.lower() == "gzip":
        try:
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
            body = unpacker.decompress(body, LARGEST_BODY + 1)
        except zlib.error as error:
            raise Answered(400, {"code": 400, "message": f"The body is not gzip: {error}"}) from error
    if len(body) > LARGEST_BODY:
        raise Answered(413, {"code": 413, "message": "HTTP 413 Request Entity Too Large"})
    return body
