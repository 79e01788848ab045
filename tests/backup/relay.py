"""A way to a server that can be cut and mended: nobody answers there meanwhile, and what was open breaks off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from enginedge.settings import HOST

BLOCK = 64 * 1024


class Relay:
    """Forwards a port of loopback to the port ``to`` for as long as it is not cut."""

    def __init__(self, to: int) -> None:
        self.to, self.port = to, 0
        self.opened: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self.mend()

    def mend(self) -> None:
        """Listen, again at the same port."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((HOST, self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        self._start(self._accept, self.listener)

    def cut(self) -> None:
        """Stop listening, and break off what is open; returns when nothing moves any more."""
        for each in (self.listener, *self.opened):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for each in (self.listener, *self.opened):
            each.close()
        self.opened.clear()
        self.threads.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection((HOST, self.to))
                self.opened += [here, there]
                self._start(_pump, here, there)
                self._start(_pump, there, here)

    def _start(self, act: object, *of: object) -> None:
        thread = threading.Thread(target=act, args=of, daemon=True)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()


def _pump(source: socket.socket, into: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(BLOCK):
            into.sendall(block)
    for each in (source, into):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(to: int) -> Iterator[Relay]:
    """A way to the port ``to``, which ends with the ``with``."""
    made = Relay(to)
    try:
        yield made
    finally:
        made.cut()
