"""What is told, and how a channel tells it. A message never holds a secret, whatever it was made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

HIDDEN = "•••"
SHORTEST_SECRET = 8  # what is shorter than this stands in many a text by chance


class Kind(StrEnum):
    """Why something is told; whoever receives it may sort by this."""

    FAILED = "failed"  # a task failed for good
    LATE = "late"  # a run has not ended by its deadline
    OVERDUE = "overdue"  # an objective of the backups is missed
    RECOVERED = "recovered"  # it is kept again
    PROVED = "proved"  # what was proved restorable


@dataclass(frozen=True)
class Message:
    """One message: a line, what there is to say, and facts by name, such as links."""

    kind: Kind
    subject: str
    text: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join([self.text, "", *(f"{name}: {value}" for name, value in self.facts.items())]).strip()

    def without(self, secrets: Collection[str]) -> Message:
        """The same message with each of ``secrets`` hidden wherever it stands."""

        def hide(text: str) -> str:
            for secret in sorted(secrets, key=len, reverse=True):
                if len(secret) >= SHORTEST_SECRET:
                    text = text.replace(secret, HIDDEN)
            return text

        facts = {hide(name): hide(value) for name, value in self.facts.items()}
        return replace(self, subject=hide(self.subject), text=hide(self.text), facts=facts)


class Channel(Protocol):
    """One way to people."""

    @property
    def name(self) -> str:
        """What its failures call it; no secret."""
        ...

    def send(self, message: Message) -> None:
        """Hand the message over.

        Raises:
            Unavailable: nobody answered, or not now.
            Misconfigured: it was refused for good.
        """
        ...
