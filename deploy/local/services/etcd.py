"""etcd, with authentication on; set up through its JSON gateway, so that no password stands in an argument."""

from __future__ import annotations

from typing import Any

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.errors import Unavailable
from enginedge.plain_http import NO_AUTHORITIES

#: What it answers when a step was done by an earlier, killed set-up, and when authentication is still off.
FINE = ("already exists", "authentication is not enabled")


def prepare(local: Local) -> Launch:
    """One member, which keeps an hour of history."""
    client, peer = local.url("etcd"), local.url("etcd", "peer")
    options = {
        "name": "local",
        "data-dir": str(local.data("etcd")),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"local={peer}",
        "auto-compaction-retention": "1h",
        "log-level": "warn",
        "bcrypt-cost": "8",
    }
    return Launch([str(local.tool("etcd")), *(f"--{name}={value}" for name, value in options.items())])


def set_up(local: Local) -> None:
    """The user ``root`` and authentication, where they are missing."""
    password = local.secret("etcd-root")
    if "token" in _ask(local, "auth/authenticate", name="root", password=password):
        return
    _ask(local, "auth/user/add", name="root", password=password)
    _ask(local, "auth/user/changepw", name="root", password=password)
    _ask(local, "auth/role/add", name="root")
    _ask(local, "auth/user/grant", user="root", role="root")
    _ask(local, "auth/enable")


def _ask(local: Local, path: str, **body: str) -> dict[str, Any]:
    import httpx

    answer = httpx.post(f"{local.url('etcd')}/v3/{path}", json=body, timeout=5, verify=NO_AUTHORITIES)
    said: dict[str, Any] = answer.json()
    if answer.is_error and not any(fine in str(said.get("message")) for fine in FINE):
        raise Unavailable(f"{path} answered: {said.get('message')}", where="etcd", remedy="run `make logs S=etcd`")
    return said
