"""What a request may ask, and the answers for what it may not: the rules that all of Marquez's resources share."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from enginedge.lineage.database import Database

NAMESPACE = re.compile(r"^[A-Za-z0-9:;/@.\-=+_]{1,1024}$")
UUID = re.compile(r"^[0-9a-fA-F]{1,8}(-[0-9a-fA-F]{1,4}){3}-[0-9a-fA-F]{1,12}$")
DEFAULT_LIMIT = 100


class Answered(Exception):
    """Ends a request with this status and this body."""

    def __init__(self, status: int, body: Any) -> None:
        self.status, self.body = status, body
        super().__init__(f"{status}: {body}")


def no_route() -> Answered:
    """The answer for a path, or a part of one, that means nothing."""
    return Answered(404, {"code": 404, "message": "HTTP 404 Not Found"})


def not_found(kind: str, name: str) -> Answered:
    """The answer for a thing that is not there."""
    return Answered(404, {"code": 404, "message": f"{kind} '{name}' not found."})


def refused(message: str, status: int = 400) -> Answered:
    """The answer for a request that can't be met as it stands."""
    return Answered(status, {"code": status, "message": message})


def missing(parameter: str, rule: str = "must not be null") -> Answered:
    """The answer for a query parameter that breaks its rule."""
    return Answered(400, {"errors": [f"query param {parameter} {rule}"]})


class Page(NamedTuple):
    """Which part of a list is asked for."""

    limit: int
    offset: int


def whole_number(request: Request, name: str, default: int) -> int:
    """The query parameter ``name``: no number is no such path, a negative one is refused, an empty one the default."""
    given = request.query_params.get(name, "")
    if given == "":
        return default
    if not re.fullmatch(r"-?\d{1,9}", given):
        raise no_route()
    if int(given) < 0:
        raise missing(name, "must be greater than or equal to 0")
    return int(given)


def _page(request: Request) -> Page:
    return Page(whole_number(request, "limit", DEFAULT_LIMIT), whole_number(request, "offset", 0))


def _segment(name: str) -> Any:
    def decoded(request: Request) -> str:
        return unquote(request.path_params[name])

    return Depends(decoded)


def _namespace(request: Request) -> str:
    name = unquote(request.path_params["namespace"])
    if not NAMESPACE.match(name):
        raise no_route()
    return name


def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


def identifier(text: str) -> uuid.UUID:
    """The UUID in a path; what is none is no such path."""
    if not UUID.match(text):
        raise no_route()
    groups = zip(text.split("-"), (8, 4, 4, 4, 12), strict=True)
    return uuid.UUID("-".join(group.zfill(width) for group, width in groups))


def choice(given: str, parameter: str, allowed: list[str]) -> str:
    """``given`` in capitals, if it is one of ``allowed``."""
    if given.upper() not in allowed:
        raise refused(f"query param {parameter} must be one of [{', '.join(allowed)}]")
    return given.upper()


Store = Annotated[Database, Depends(_database)]
Paging = Annotated[Page, Depends(_page)]
Namespace = Annotated[str, Depends(_namespace)]
JobName = Annotated[str, _segment("job")]
DatasetName = Annotated[str, _segment("dataset")]
FieldName = Annotated[str, _segment("field")]
TagName = Annotated[str, _segment("tag")]


def answer(body: Any, status: int = 200) -> JSONResponse:
    """``body`` as JSON, as it is."""
    return JSONResponse(body, status)
