"""By webhook: a JSON document, posted. What chat programs show of it is ``text``; its address is a secret."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from enginedge.errors import Misconfigured, Unavailable
from enginedge.notify.messages import Message

if TYPE_CHECKING:
    import httpx

PATIENCE_S = 10


@dataclass(frozen=True)
class Webhook:
    """An address that takes messages; whoever knows it may post there, so it is never told."""

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        return "webhook"

    def send(self, message: Message) -> None:
        import httpx

        document = {
            "kind": message.kind.value,
            "subject": message.subject,
            "text": f"{message.subject}\n{message.text}",
            "facts": dict(message.facts),
            "sent_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            answer = asked_unlogged("POST", self.url, json=document)
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # its words may hold the address
            raise Unavailable(f"it did not answer ({type(error).__name__})", where=self.name) from None
        if answer.is_success:
            return
        may_pass = answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
        kind = Unavailable if may_pass else Misconfigured
        raise kind(f"it answered with {answer.status_code}", where=self.name, remedy="look at who receives it")


def asked_unlogged(method: str, url: str, **options: Any) -> httpx.Response:
    """The answer of an address that is a secret: httpx would write it into the log of whoever logs what it does."""
    import httpx

    told = logging.getLogger("httpx")
    before = told.level
    told.setLevel(logging.WARNING)
    try:
        return httpx.request(method, url, timeout=PATIENCE_S, **options)
    finally:
        told.setLevel(before)
