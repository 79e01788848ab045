"""etcd through its JSON gateway: another way in than the one that the backups take."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from enginedge.etcd import Client


@dataclass(frozen=True)
class Gateway:
    """A session of the user ``root``."""

    client: httpx.Client

    def put(self, key: str, value: str) -> None:
        self.ask("kv/put", key=_text(key), value=_text(value))

    def delete(self, prefix: str) -> None:
        self.ask("kv/deleterange", key=_text(prefix), range_end=_text(_after(prefix)))

    def read(self, prefix: str) -> dict[str, str]:
        found = self.ask("kv/range", key=_text(prefix), range_end=_text(_after(prefix))).get("kvs", [])
        return {_plain(each["key"]): _plain(each.get("value", "")) for each in found}

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.post(path, json=body).raise_for_status().json()
        return answer


@contextmanager
def gateway(at: Client) -> Iterator[Gateway]:
    """``at`` by its other door."""
    with httpx.Client(base_url=f"{at.url}/v3", timeout=60) as client:
        login = {"name": "root", "password": at.password_file.read_text().strip()}
        client.headers["Authorization"] = Gateway(client).ask("auth/authenticate", **login)["token"]
        yield Gateway(client)


def _after(prefix: str) -> str:
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _text(plain: str) -> str:
    return base64.b64encode(plain.encode()).decode()


def _plain(text: str) -> str:
    return base64.b64decode(text).decode()
