"""A Redis for one drill, on a folder that was restored: the files of a program that was writing them prove something
when the program itself has taken them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from enginedge.backup.scratch.place import free_port, running, scratch_folder
from enginedge.backup.tools import tool
from enginedge.errors import Unavailable
from enginedge.private_files import write_private
from enginedge.settings import HOST

if TYPE_CHECKING:
    from redis import Redis

LOADED_WITHIN_S = 900.0


@contextmanager
def scratch_redis(folder: Path) -> Iterator[Redis]:
    """A running server on ``folder``, which has loaded what is there, and a client of it.

    Raises:
        Unavailable: it does not start, or breaks off.
    """
    from redis import Redis, RedisError

    with scratch_folder("redis") as beside:
        port, password = free_port(), secrets.token_hex(16)
        said = f'bind {HOST}\nport {port}\nrequirepass {password}\ndir "{folder}"\nappendonly yes\nsave ""\n'
        write_private(beside / "redis.conf", said)
        argv = [tool("redis_server"), str(beside / "redis.conf")]
        client: Redis
        try:
            with Redis(host=HOST, port=port, password=password, socket_timeout=10) as client, \
                    running(argv, client.ping, log=beside / "log", within_s=LOADED_WITHIN_S):  # fmt: skip
                yield client
        except RedisError as failure:
            raise Unavailable(str(failure), where=str(folder), remedy="drill it again") from failure
