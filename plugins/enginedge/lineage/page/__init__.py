"""The page at ``/``: the graph around a dataset or a job, drawn in the browser from the relay's own API; nothing
external.
"""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter()
KINDS = {"lineage.js": "text/javascript", "lineage.css": "text/css", "index.html": "text/html"}
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"


def _file(name: str) -> Response:
    text = (resources.files(__name__) / name).read_text()
    return Response(
        text, media_type=KINDS[name], headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    )


@router.get("/")
def index() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/page/lineage.js")
def script() -> Response:
    """What draws it."""
    return _file("lineage.js")


@router.get("/page/lineage.css")
def style() -> Response:
    """How it looks."""
    return _file("lineage.css")
