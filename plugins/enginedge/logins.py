"""How one of our users logs in to PostgreSQL and to Kafka: what their clients are told, in their own words."""

from __future__ import annotations

from typing import Any

from enginedge.settings import settings

ANSWER_S = 5


def postgres_login(database: str, user: str) -> dict[str, Any]:
    """Where ``database`` is and who we are, for ``psycopg.connect`` and ``make_conninfo``.

    Raises:
        Misconfigured: the user's secret, ``postgres-<user>``, is missing, empty or readable by others.
    """
    at = settings().endpoint("postgres")
    return {
        "host": at.host,
        "port": at.port,
        "dbname": database,
        "user": user,
        "password": settings().secret(f"postgres-{user}"),
        "connect_timeout": ANSWER_S,
    }


def kafka_login(user: str) -> dict[str, str | int | float | bool]:
    """Where Kafka is and who we are, for confluent-kafka's clients, which keep their complaints to themselves.

    Raises:
        Misconfigured: the user's secret, ``kafka-<user>``, is missing, empty or readable by others.
    """
    return {
        "bootstrap.servers": str(settings().endpoint("kafka")),
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": settings().secret(f"kafka-{user}"),
        "log_level": 0,
    }
