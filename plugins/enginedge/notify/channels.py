"""The channels that the environment names, and sending by all of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from enginedge.errors import EnginEdgeError, Unavailable
from enginedge.notify.mail import Mail
from enginedge.notify.messages import Channel, Message
from enginedge.notify.webhook import Webhook
from enginedge.settings import settings

ATTEMPTS, PAUSE_S = 3, 2
log = logging.getLogger(__name__)


def channels() -> list[Channel]:
    """Every channel that is configured; none by default.

    Raises:
        Misconfigured: a variable is wrong, or a secret file cannot be read.
    """
    here = settings()
    found: list[Channel] = []
    if server := here.notify_mail:
        found.append(Mail(server))
    if url := here.notify_webhook:
        found.append(Webhook(url))
    return found


def send(message: Message, by: Sequence[Channel] | None = None) -> int:
    """Send ``message`` by every channel, and return how many there are; one that fails keeps no other from its turn.

    Raises:
        Unavailable: names the channels that did not take it, after all were tried.
        Misconfigured: the channels cannot be told from the environment.
    """
    found = channels() if by is None else by
    failures = [str(failure) for each in found if (failure := failure_of(each, message))]
    if failures:
        raise Unavailable(
            f"{len(failures)} of {len(found)} channels did not take the message: {'; '.join(failures)}",
            remedy="mend the channel; what was to be told stands in the log",
        )
    return len(found)


def tell(message: Message) -> None:
    """Send ``message``, from where something failed already: that it can't be sent is logged, and raises nothing."""
    log.info("%s: %s", message.kind, message.subject)
    try:
        send(message)
    except Exception as failure:  # noqa: BLE001 - whatever it is, it must not stand in the place of what is told
        log.error("Nobody was told of it: %s", failure)


def failure_of(channel: Channel, message: Message) -> EnginEdgeError | None:
    """Hand ``message`` to ``channel``, every secret in it hidden; returns what kept the channel from taking it, if
    anything did."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

    patiently = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_fixed(PAUSE_S),
        retry=retry_if_exception_type(Unavailable),
        reraise=True,
    )
    try:
        patiently(channel.send, message.without(settings().secret_values()))
    except EnginEdgeError as failure:
        return failure
    return None
