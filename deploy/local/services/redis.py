"""Redis, with a password and an append-only file."""

from __future__ import annotations

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.settings import HOST


def prepare(local: Local) -> Launch:
    """The password is in its configuration file."""
    configuration = f"""\
bind {HOST}
port {local.port("redis")}
protected-mode yes
requirepass {local.secret("redis")}
dir "{local.data("redis")}"
appendonly yes
appendfsync everysec
maxmemory 256mb
maxmemory-policy noeviction
daemonize no
"""
    path = local.write("redis", "redis.conf", configuration)
    return Launch([str(local.tool("redis_server")), str(path)])
