"""Marquez gets every event at least once, in an order that leaves its graph whole, whatever is down for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enginedge.errors import Unavailable
from enginedge.lineage.database import Database
from enginedge.lineage.forward import TRIES_BEFORE_REFUSED, Forwarder, in_order, is_final
from enginedge.lineage.store import take
from tests.lineage.events import dataset, event
from tests.lineage.marquez_stand_in import Marquez, marquez
from tests.lineage.postgres import free_port


@pytest.fixture
def there() -> Iterator[Marquez]:
    with marquez() as found:
        yield found


def outcomes(database: Database) -> list[str]:
    with database.reading() as connection:
        return [row["forwarding"] for row in connection.execute("select forwarding from event order by id")]


def test_a_start_that_was_received_after_its_end_goes_before_it(database: Database, there: Marquez) -> None:
    take(database, [event("COMPLETE"), event("START", "other"), event("START")])
    Forwarder(database, there.url).send_pending()
    assert [kind for _, kind in there.told()] == ["START", "START", "COMPLETE"]


def test_a_start_whose_run_has_ended_there_is_not_sent(database: Database, there: Marquez) -> None:
    forwarder = Forwarder(database, there.url)
    take(database, [event("COMPLETE")])
    forwarder.send_pending()
    take(database, [event("START")])
    forwarder.send_pending()
    assert there.told() == [("job", "COMPLETE")]
    assert outcomes(database) == ["done", "skipped"]


def test_an_end_without_datasets_is_sent_with_those_that_its_job_has(database: Database, there: Marquez) -> None:
    full = event("COMPLETE", "r1", inputs=[dataset("raw.x", "a")], outputs=[dataset("core.x", "a")])
    take(database, [full, event("COMPLETE", "r2"), event("COMPLETE", "r3", "another")])
    Forwarder(database, there.url).send_pending()
    first, second, third = there.events
    assert (second["inputs"], second["outputs"]) == (first["inputs"], first["outputs"])
    assert third["outputs"] == []


def test_an_outage_loses_nothing_and_keeps_the_order(database: Database) -> None:
    port = free_port()
    take(database, [event("START"), event("COMPLETE")])
    forwarder = Forwarder(database, f"http://127.0.0.1:{port}", longest_pause_s=0.1)
    with forwarder.running():
        time.sleep(0.5)
        assert outcomes(database) == ["pending", "pending"]
        assert "did not take an event" in forwarder.state()["trouble"]
        with marquez(port) as back:
            _until(lambda: outcomes(database) == ["done", "done"])
            assert [kind for _, kind in back.told()] == ["START", "COMPLETE"]


def test_a_relay_that_starts_again_sends_what_was_not_marked(database: Database, there: Marquez) -> None:
    take(database, [event("START"), event("COMPLETE")])
    there.answers = lambda told: 201 if told["eventType"] == "START" else 503
    with pytest.raises(Unavailable):
        Forwarder(database, there.url).send_pending()
    there.answers = lambda _: 201
    Forwarder(database, there.url).send_pending()
    assert [kind for _, kind in there.told()] == ["START", "COMPLETE"]


def test_what_marquez_will_never_take_is_put_aside_and_holds_nothing_up(database: Database, there: Marquez) -> None:
    there.answers = lambda told: 422 if told["job"]["name"] == "bad" else 201
    take(database, [event("COMPLETE", "r1", "bad"), event("COMPLETE", "r2", "good")])
    Forwarder(database, there.url).send_pending()
    assert outcomes(database) == ["refused", "done"]


def test_an_event_that_only_breaks_a_marquez_that_is_well_is_given_up_in_the_end(
    database: Database, there: Marquez
) -> None:
    there.answers = lambda told: 500 if told["job"]["name"] == "poison" else 201
    take(database, [event("COMPLETE", "r1", "poison"), event("COMPLETE", "r2", "good")])
    forwarder = Forwarder(database, there.url)
    for _ in range(TRIES_BEFORE_REFUSED - 1):
        with pytest.raises(Unavailable):
            forwarder.send_pending()
    forwarder.send_pending()
    assert outcomes(database) == ["refused", "done"]


def test_a_login_in_the_address_of_marquez_is_not_told(database: Database) -> None:
    take(database, [event()])
    with pytest.raises(Unavailable) as failure:
        Forwarder(database, f"http://bob:s3cret@127.0.0.1:{free_port()}").send_pending()
    assert "s3cret" not in str(failure.value)


def test_an_address_that_is_none_is_told_of_and_ends_no_thread(database: Database) -> None:
    take(database, [event()])
    forwarder = Forwarder(database, "http://marquez:port", longest_pause_s=0.1)
    with forwarder.running():
        _until(lambda: "InvalidURL" in forwarder.state()["trouble"])
        assert "forwarder" in [thread.name for thread in threading.enumerate()]
    assert outcomes(database) == ["pending"]


def test_without_a_marquez_everything_waits(database: Database) -> None:
    forwarder = Forwarder(database, "")
    with forwarder.running():
        take(database, [event()])
        forwarder.wake()
    assert outcomes(database) == ["pending"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL"]))))
def test_no_event_of_a_run_follows_the_end_of_it(sent: list[tuple[str, str]]) -> None:
    rows = [{"id": n, "run_id": run, "event_type": kind} for n, (run, kind) in enumerate(sent)]
    ordered = in_order(rows)
    assert sorted(row["id"] for row in ordered) == list(range(len(rows)))
    for run in "abc":
        ends = [is_final(row) for row in ordered if row["run_id"] == run]
        assert ends == sorted(ends)


def _until(holds: object, within_s: float = 10.0) -> None:
    stop = time.monotonic() + within_s
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < stop, "it did not happen"
        time.sleep(0.05)
