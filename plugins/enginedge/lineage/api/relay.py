"""What the relay says of itself: is it up to date, what waits to be forwarded, what was set aside."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from enginedge.errors import Misconfigured, Violated
from enginedge.lineage.api.asked import Store, answer, missing, refused
from enginedge.lineage.database import one
from enginedge.lineage.instants import written_instant
from enginedge.lineage.walk import walk_to_sources

router = APIRouter()
EDGES = """select (select count(*) from job_dataset where in_graph) as datasets,
                  (select count(*) from column_edge) as columns"""


@router.get("/api/v1/edges")
def count_edges(database: Store) -> JSONResponse:
    """How many edges the graph has: between jobs and datasets, and between columns."""
    with database.reading() as connection:
        edges = one(connection, EDGES) or {}
    return answer({"totalCount": edges["datasets"] + edges["columns"], **edges})


@router.get("/api/relay/state")
def get_state(database: Store, request: Request) -> JSONResponse:
    """Counts of what was taken, forwarded and set aside, and the state of the spool and the forwarder."""
    with database.reading() as connection:
        counts = one(
            connection,
            """select count(*) as events, count(*) filter (where forwarding = 'pending') as waiting,
                   count(*) filter (where forwarding = 'refused') as refused, max(received_at) as last
               from event""",
        )
        edges = one(connection, EDGES)
        rejected = connection.execute(
            "select origin, line, reason, rejected_at from rejected order by id desc limit 20"
        ).fetchall()
    counts, edges = counts or {}, edges or {}
    return answer(
        {
            "events": counts["events"],
            "lastReceivedAt": written_instant(counts["last"]),
            "edges": edges,
            "forwarding": {"waiting": counts["waiting"], "refused": counts["refused"]},
            "rejected": [{**row, "rejected_at": written_instant(row["rejected_at"])} for row in rejected],
            **request.app.state.own(),
        }
    )


@router.get("/api/relay/ways")
def get_ways(database: Store, request: Request) -> JSONResponse:
    """The ways from one column back to the stores; 404 with the reason where there is none."""
    asked = {name: request.query_params.get(name, "") for name in ("namespace", "dataset", "field")}
    for name, given in asked.items():
        if not given:
            raise missing(name)
    try:
        with database.reading() as connection:
            ways = walk_to_sources(connection, asked["namespace"], asked["dataset"], asked["field"])
    except (Misconfigured, Violated) as error:
        raise refused(error.what, 404) from error
    return answer({"ways": [[asdict(place) for place in way] for way in ways]})
