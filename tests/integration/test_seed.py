"""Seeding puts a night into the real stores once, however often it is started and wherever it was killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from enginedge.settings import settings
from tests.installation import ROOT, enginedge
from tests.integration.conftest import DAYS, SCALE, SEED
from tests.integration.expected import broken_rules, expected

pytestmark = pytest.mark.stores
SEEDING = ("lake", "seed", "--nights", "2", "--scale", str(SCALE), "--seed", str(SEED), "--until", DAYS[-1], "--json")

SEED_KAFKA = """
import sys
from datetime import date
from enginedge.sample import events
from enginedge.sample.night import Night
from enginedge.sample.writers import kafka
events.PREFIX = sys.argv[1]
night = Night(99, date(2025, 3, 3), float(sys.argv[2]))
with kafka.connected() as broker:
    there = kafka.already_there(broker, [night])
    print("sending", flush=True)
    print(sum(each.written for each in kafka.write(night, broker, there)), flush=True)
"""


def test_seeding_a_night_again_adds_nothing(running_stores: None) -> None:
    enginedge(*SEEDING)
    before = {night: expected(night) for night in DAYS}
    again = json.loads(enginedge(*SEEDING).stdout)
    assert again["written"] == 0
    assert again["present"] > 1_500
    assert {night: expected(night) for night in DAYS} == before


def test_a_small_night_holds_good_bad_repeated_and_outdated_records(running_stores: None) -> None:
    enginedge(*SEEDING)
    for table, counts in expected(DAYS[-1], DAYS[0]).items():
        raw, accepted, quarantined, duplicate, superseded = astuple(counts)
        assert raw == accepted + quarantined + duplicate + superseded
        assert accepted > quarantined > 0, table
        if table.startswith(("kafka", "bucket")):
            assert duplicate > 0, table
        if table.startswith("bucket"):
            assert superseded > 0, table
    assert all(len(rules) > 1 for rules in broken_rules(DAYS[-1]).values())


@pytest.fixture
def prefix(running_stores: None) -> Iterator[str]:
    """Topics of the test's own; they are deleted afterwards."""
    name = f"seedtest{uuid.uuid4().hex[:8]}."
    yield name
    admin = AdminClient(_login())
    made = [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(name)]
    for future in admin.delete_topics(made).values():
        future.result(10)


def _login() -> dict[str, str]:
    return {
        "bootstrap.servers": str(settings().endpoint("kafka")),
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "platform",
        "sasl.password": settings().secret("kafka-platform"),
    }


def _messages(prefix: str) -> Counter[tuple[str, int, int, bytes]]:
    """Every message of the topics: partition, time and content."""
    consumer = Consumer({**_login(), "group.id": prefix, "enable.auto.commit": "false", "enable.partition.eof": "true"})
    try:
        known = consumer.list_topics(timeout=10).topics
        parts = [
            TopicPartition(topic, number, 0)
            for topic in known
            if topic.startswith(prefix)
            for number in known[topic].partitions
        ]
        consumer.assign(parts)
        found: Counter[tuple[str, int, int, bytes]] = Counter()
        ended = 0
        while ended < len(parts):
            for message in consumer.consume(1_000, timeout=1):
                if message.error():
                    ended += 1
                else:
                    found[str(message.topic()), message.partition(), message.timestamp()[1], message.value()] += 1
        return found
    finally:
        consumer.close()


def _seed_kafka(prefix: str, scale: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SEED_KAFKA, prefix, str(scale)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_events_of_a_seed_that_was_killed_are_completed_without_one_twice(prefix: str) -> None:
    killed = _seed_kafka(prefix, 1.0)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "sending\n"
    while not _messages(prefix):
        assert killed.poll() is None, "it was to be killed while it sends"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    half = _messages(prefix).total()
    assert 0 < half < 20_000, "the kill was to come in the middle"

    rest, _ = _seed_kafka(prefix, 1.0).communicate(timeout=120)
    assert int(rest.split()[-1]) == 20_000 - half
    found = _messages(prefix)
    assert found.total() == 20_000
    assert max(found.values()) == 1, "even a duplicate arrives at a time of its own"

    nothing, _ = _seed_kafka(prefix, 1.0).communicate(timeout=120)
    assert int(nothing.split()[-1]) == 0


@pytest.mark.parametrize("service", ["mongodb", "postgres", "kafka", "minio"])
def test_a_store_that_does_not_answer_is_named_with_the_remedy(running_stores: None, service: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        silent = str(free.getsockname()[1])
        failed = enginedge(*SEEDING, check=False, **{f"ENGINEDGE_PORT_{service.upper()}": silent})
    assert failed.returncode == 3, failed.stderr
    assert silent in failed.stderr
    assert "make up" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("secret", ["mongodb-platform", "postgres-platform", "kafka-platform", "minio-platform"])
def test_a_wrong_password_is_misconfigured_and_the_secret_is_named(
    running_stores: None, secret: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secrets = tmp_path_factory.mktemp("secrets")
    for path in settings().secrets.iterdir():
        copy = secrets / path.name
        copy.write_text("not-the-password" if path.name == secret else path.read_text())
        copy.chmod(0o600)
    failed = enginedge(*SEEDING, check=False, ENGINEDGE_SECRETS=str(secrets))
    assert failed.returncode == 2, failed.stderr
    assert secret in failed.stderr
    assert "not-the-password" not in failed.stderr
