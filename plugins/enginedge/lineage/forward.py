"""Forwards the events to Marquez, at least once each, in order, whatever is down for how long.

The table of events is the outbox: what is pending is sent and then marked, so a crash in between sends it again, which
Marquez takes. Marquez lets the event that comes last decide, so the order matters: within a run nothing that is not
final goes after what is. And an end that names no datasets would take a job's edges away: it is sent with those that
the job was last known to have.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_when_event_set,
    wait_random_exponential,
)

from enginedge.errors import Unavailable
from enginedge.lineage.database import Connection, Database, one
from enginedge.lineage.naming import without_logins

log = logging.getLogger(__name__)
BATCH = 50
TIMEOUT_S = 30.0
IDLE_S = 2.0
LONGEST_PAUSE_S = 30.0
TRIES_BEFORE_REFUSED = 5
REFUSALS = (400, 413, 422)


class Forwarder:
    """Sends what is pending to the Marquez at ``url``; without a URL everything stays pending."""

    def __init__(self, database: Database, url: str, *, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        self.database, self.url = database, url.rstrip("/")
        self.longest_pause_s = longest_pause_s
        self._stop, self._awake = threading.Event(), threading.Event()
        self._trouble = ""
        self._tries: dict[int, int] = defaultdict(int)
        self._client = httpx.Client(timeout=TIMEOUT_S)

    def wake(self) -> None:
        """There may be something to send."""
        self._awake.set()

    def state(self) -> dict[str, Any]:
        """Whether there is a Marquez, and what is in the way."""
        return {"configured": bool(self.url), "trouble": self._trouble}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep sending in a thread of its own for as long as the context is open."""
        thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        if self.url:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._awake.set()
            if self.url:
                thread.join(timeout=TIMEOUT_S + 5)
            self._client.close()

    def _run(self) -> None:
        patiently = Retrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.5, max=self.longest_pause_s),
            stop=stop_when_event_set(self._stop),
            sleep=self._rest,
            before_sleep=self._note,
        )
        while not self._stop.is_set():
            try:
                sent = patiently(self.send_pending)
            except (RetryError, Unavailable):
                continue
            except Exception as error:  # a sender that died would be missed by nobody
                log.exception("forwarding failed in a way that nobody expected")
                self._trouble = f"{type(error).__name__}: {error}"
                self._rest(self.longest_pause_s)
                continue
            self._trouble = ""
            if not sent:
                self._awake.wait(IDLE_S)
                self._awake.clear()

    def _rest(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if not self._trouble:
            log.warning("forwarding waits: %s", error)
        self._trouble = str(error)

    def send_pending(self) -> int:
        """Send the next events in order; returns how many were dealt with.

        Raises:
            Unavailable: Marquez or PostgreSQL does not answer; what was not marked is sent again.
        """
        with self.database.reading() as connection:
            pending = connection.execute(
                "select id, run_id, event_type, job_namespace, job_name, body from event where forwarding = 'pending' "
                "order by id limit %s",
                [BATCH],
            ).fetchall()
            for row in in_order(pending):
                if self._stop.is_set():
                    break
                outcome, note = self._deal_with(connection, row)
                connection.execute(
                    "update event set forwarding = %s, forwarding_note = %s where id = %s", [outcome, note, row["id"]]
                )
                self._tries.pop(row["id"], None)
        return len(pending)

    def _deal_with(self, connection: Connection, row: dict[str, Any]) -> tuple[str, str | None]:
        if row["run_id"] and not is_final(row) and _has_ended(connection, row):
            return "skipped", "its run had ended before"
        body, note = row["body"], None
        if is_final(row) and not _datasets(body):
            last = _last_full(connection, row)
            if last:
                body = copy.deepcopy(body) | {"inputs": last.get("inputs") or [], "outputs": last.get("outputs") or []}
                note = "sent with the datasets that its job was last known to have"
        refusal = self._post(row["id"], body)
        return ("refused", refusal) if refusal else ("done", note)

    def _post(self, event_id: int, body: dict[str, Any]) -> str | None:
        """Send one event; returns why Marquez will never take it, or ``None`` when it took it."""
        try:
            answer = self._client.post(f"{self.url}/api/v1/lineage", json=body)
        except httpx.HTTPError as error:
            raise _silent(self.url, type(error).__name__) from error
        if answer.is_success:
            return None
        said = f"{answer.status_code}: {answer.text[:500]}"
        if answer.status_code in REFUSALS:
            log.warning("Marquez refused event %s: %s", event_id, said)
            return said
        self._tries[event_id] += 1
        if answer.status_code == 500 and self._tries[event_id] >= TRIES_BEFORE_REFUSED and self._is_well():
            return said
        raise _silent(self.url, said)

    def _is_well(self) -> bool:
        try:
            return self._client.get(f"{self.url}/api/v1/tags").is_success
        except httpx.HTTPError:
            return False


def _silent(url: str, why: str) -> Unavailable:
    return Unavailable(
        f"Marquez did not take an event ({why})",
        where=without_logins(url),
        untouched="the event, which is kept and sent again",
        remedy="look at Marquez's log",
    )


def is_final(row: dict[str, Any]) -> bool:
    """The event ends its run."""
    return row["event_type"] in ("COMPLETE", "FAIL", "ABORT")


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` with each run's final events after its others; the places that a run's events hold stay the run's."""
    by_run: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_run[row["run_id"] or row["id"]].append(row)
    turns = {run: iter(sorted(events, key=lambda row: (is_final(row), row["id"]))) for run, events in by_run.items()}
    return [next(turns[row["run_id"] or row["id"]]) for row in rows]


def _datasets(body: dict[str, Any]) -> list[Any]:
    return [*(body.get("inputs") or []), *(body.get("outputs") or [])]


def _has_ended(connection: Connection, row: dict[str, Any]) -> bool:
    return (
        one(
            connection,
            """select 1 from event where run_id = %s and forwarding = 'done'
               and event_type in ('COMPLETE', 'FAIL', 'ABORT') limit 1""",
            [row["run_id"]],
        )
        is not None
    )


def _last_full(connection: Connection, row: dict[str, Any]) -> dict[str, Any] | None:
    found = one(
        connection,
        """select body from event
           where id < %(id)s and kind = 'run'
             and (run_id = %(run)s or (job_namespace = %(namespace)s and job_name = %(name)s))
             and (jsonb_array_length(coalesce(nullif(body->'inputs', 'null'), '[]')) > 0
                  or jsonb_array_length(coalesce(nullif(body->'outputs', 'null'), '[]')) > 0)
           order by run_id = %(run)s desc, id desc limit 1""",
        {"id": row["id"], "run": row["run_id"], "namespace": row["job_namespace"], "name": row["job_name"]},
    )
    body: dict[str, Any] | None = found and found["body"]
    return body
