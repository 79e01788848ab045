"""Search, the log of events, and counts over time: what Marquez's page asks besides the graph."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from enginedge.lineage.api.asked import Answered, Paging, Store, answer, choice, missing, refused
from enginedge.lineage.events import TYPED
from enginedge.lineage.instants import parsed_instant, written_instant

router = APIRouter(prefix="/api/v1")
RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
COUNTED = {"jobs": "job", "datasets": "dataset", "sources": "source"}


@router.get("/search")
def search(database: Store, request: Request, page: Paging) -> JSONResponse:
    asked = request.query_params
    if not asked.get("q", "").strip():
        raise missing("q", "must not be blank")
    kind = choice(asked["filter"], "filter", ["DATASET", "JOB"]) if asked.get("filter") else None
    order = choice(asked.get("sort") or "NAME", "sort", ["NAME", "UPDATE_AT"])
    for bound in ("before", "after"):
        if asked.get(bound) and not DAY.match(asked[bound]):
            raise missing(bound, f'must match "{DAY.pattern}"')
    ordered = "updated_at desc, name" if order == "UPDATE_AT" else "type, name"
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", asked["q"]) + "%"
    with database.reading() as connection:
        rows = connection.execute(
            f"""select * from (
                    select 'DATASET' as type, namespace, name, updated_at from dataset where not hidden
                    union all select 'JOB', namespace, name, updated_at from job where not hidden) q
                where name ilike %(pattern)s and (%(kind)s::text is null or type = %(kind)s)
                  and (%(namespace)s::text is null or namespace = %(namespace)s)
                  and (%(before)s::date is null or updated_at < %(before)s::date)
                  and (%(after)s::date is null or updated_at >= %(after)s::date)
                order by {ordered}, namespace limit %(limit)s""".encode(),  # noqa: S608
            {
                "pattern": pattern,
                "kind": kind,
                "namespace": asked.get("namespace") or None,
                "before": asked.get("before") or None,
                "after": asked.get("after") or None,
                "limit": page.limit,
            },
        ).fetchall()
    results = [
        {
            "type": row["type"],
            "name": row["name"],
            "updatedAt": written_instant(row["updated_at"]),
            "namespace": row["namespace"],
            "nodeId": f"{row['type'].lower()}:{row['namespace']}:{row['name']}",
        }
        for row in rows
    ]
    return answer({"results": results, "totalCount": len(results)})


@router.get("/events/lineage")
def list_events(database: Store, request: Request, page: Paging) -> JSONResponse:
    asked = request.query_params
    order = choice(asked["sortDirection"], "sortDirection", ["DESC", "ASC"]) if "sortDirection" in asked else "DESC"
    before = _bound(asked.get("before") or "2030-01-01T00:00:00Z")
    after = _bound(asked.get("after") or "1970-01-01T00:00:00Z")
    with database.reading() as connection:
        rows = connection.execute(
            f"""select body from event where kind = 'run' and event_time < %s and event_time >= %s
                order by event_time {order}, id {order} limit %s offset %s""".encode(),  # noqa: S608
            [before, after, page.limit, page.offset],
        ).fetchall()
        counted = connection.execute(
            "select count(*) as n from event where event_time < %s and event_time >= %s", [before, after]
        ).fetchone()
    return answer({"totalCount": counted["n"] if counted else 0, "events": [_event(row["body"]) for row in rows]})


def _bound(given: str) -> datetime:
    try:
        return parsed_instant(given)
    except ValueError as error:
        raise refused(f"Parameter is invalid: {error}") from error


def _event(body: dict[str, Any]) -> dict[str, Any]:
    """An event as the API shows it: the facets that Marquez knows are there, null where the event has none."""
    run, job = body["run"], body["job"]
    return {
        "eventType": None if body.get("eventType") is None else str(body["eventType"]),
        "eventTime": written_instant(parsed_instant(body["eventTime"])),
        "run": {"runId": run["runId"], "facets": _typed(run.get("facets"), "run")},
        "job": {"namespace": job["namespace"], "name": job["name"], "facets": _typed(job.get("facets"), "job")},
        "inputs": _io(body.get("inputs")),
        "outputs": _io(body.get("outputs")),
        "producer": body["producer"],
        "schemaURL": body.get("schemaURL") or RUN_EVENT,
    }


def _typed(facets: dict[str, Any] | None, kind: str) -> dict[str, Any] | None:
    if facets is None:
        return None
    known: dict[str, Any] = dict.fromkeys(TYPED[kind])
    return known | ({"description": None} if kind == "dataset" else {}) | facets


def _io(listed: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if listed is None:
        return None
    return [
        {
            "namespace": item["namespace"],
            "name": item["name"],
            "facets": _typed(item.get("facets"), "dataset"),
            "inputFacets": item.get("inputFacets"),
            "outputFacets": item.get("outputFacets"),
        }
        for item in listed
    ]


def intervals(period: str, zone: str | None, now: datetime) -> list[tuple[datetime, datetime]]:
    """The 24 hours, or the 7 days of ``zone``, that end with the one ``now`` is in."""
    if period == "DAY":
        end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return [(end - timedelta(hours=back + 1), end - timedelta(hours=back)) for back in reversed(range(24))]
    local = ZoneInfo(zone or "UTC")
    today = now.astimezone(local).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in reversed(range(-1, 7))]
    return [(start.astimezone(UTC), end.astimezone(UTC)) for start, end in pairwise(days)]


def _period(request: Request) -> tuple[str, str | None]:
    zone = request.query_params.get("timezone") or None
    if not request.query_params.get("period"):
        raise Answered(400, "Invalid period")
    period = choice(request.query_params["period"], "period", ["DAY", "WEEK"])
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise refused(f'time zone "{zone}" not recognized') from error
    return period, zone


def _interval(start: datetime, end: datetime, zone: str | None, period: str) -> dict[str, Any]:
    if period == "WEEK":
        days = [bound.astimezone(ZoneInfo(zone or "UTC")).strftime("%Y-%m-%dT00:00:00Z") for bound in (start, end)]
        return {"startInterval": days[0], "endInterval": days[1]}
    return {"startInterval": written_instant(start), "endInterval": written_instant(end)}


@router.get("/stats/lineage-events")
def count_events(database: Store, request: Request) -> Response:
    period, zone = _period(request)
    if period == "WEEK" and zone is None:
        return PlainTextResponse("Timezone must be specified for period 'WEEK'", 400, media_type="application/json")
    spans = intervals(period, zone, datetime.now(UTC))
    with database.reading() as connection:
        rows = connection.execute(
            """select q.n, event_type, count(*) as count
               from unnest(%s::timestamptz[], %s::timestamptz[]) with ordinality as q(low, high, n)
               join event on event_time >= q.low and event_time < q.high where kind = 'run' group by 1, 2""",
            [[span[0] for span in spans], [span[1] for span in spans]],
        ).fetchall()
    counts = {(row["n"], row["event_type"]): row["count"] for row in rows}
    kinds = ("FAIL", "START", "COMPLETE", "ABORT")
    return answer(
        [
            _interval(*span, zone, period) | {kind.lower(): counts.get((n, kind), 0) for kind in kinds}
            for n, span in enumerate(spans, 1)
        ]
    )


@router.get("/stats/{what}")
def count_things(database: Store, request: Request, what: str) -> JSONResponse:
    """How many jobs, datasets or sources were known at the end of each interval."""
    if what not in COUNTED:
        raise refused("HTTP 404 Not Found", 404)
    period, zone = _period(request)
    if period == "WEEK" and zone is None:
        return answer([])
    spans = intervals(period, zone, datetime.now(UTC))
    with database.reading() as connection:
        rows = connection.execute(
            f"""select (select count(*) from {COUNTED[what]} where created_at < q.high) as count
                from unnest(%s::timestamptz[]) with ordinality as q(high, n) order by n""".encode(),  # noqa: S608
            [[span[1] for span in spans]],
        ).fetchall()
    return answer(
        [_interval(*span, zone, period) | {"count": row["count"]} for span, row in zip(spans, rows, strict=True)]
    )
