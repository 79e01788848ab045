"""What is told arrives, by every channel, and holds no secret; a channel that fails is named and hides nothing."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from enginedge.errors import Misconfigured, Unavailable
from enginedge.notify.channels import channels, send, tell
from enginedge.notify.messages import HIDDEN, Kind, Message
from enginedge.private_files import write_private
from tests.notify.conftest import by_mail
from tests.notify.receivers import Mailbox, Posts, certificate_in, mail_server

MESSAGE = Message(
    Kind.FAILED, "back_up_stores.account failed", "Ünavailable: it did not\n.answer", {"run": "manual__1"}
)


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_nobody_is_told_by_default() -> None:
    assert channels() == []
    assert send(MESSAGE) == 0


def test_a_mail_arrives_with_all_that_was_to_be_told(mailbox: Mailbox) -> None:
    assert send(MESSAGE) == 1
    (mail,) = mailbox.mails
    assert mail["Subject"] == "[EnginEdge] back_up_stores.account failed"
    assert (mail["From"], mail["To"]) == ("enginedge@example.org", "one@example.org, two@example.org")
    assert mail["X-EnginEdge-Kind"] == "failed"
    assert mail.get_content().splitlines() == ["Ünavailable: it did not", ".answer", "", "run: manual__1"]


def test_a_line_break_in_a_subject_makes_no_header(mailbox: Mailbox) -> None:
    send(Message(Kind.FAILED, "one\nBcc: three@example.org", "text"))
    assert mailbox.mails[0]["Subject"] == "[EnginEdge] one Bcc: three@example.org"
    assert mailbox.mails[0]["Bcc"] is None


def test_a_webhook_is_given_a_document(posts: Posts) -> None:
    assert send(MESSAGE) == 1
    (document,) = posts.documents
    assert document.pop("sent_at")
    assert document == {
        "kind": "failed",
        "subject": "back_up_stores.account failed",
        "text": "back_up_stores.account failed\nÜnavailable: it did not\n.answer",
        "facts": {"run": "manual__1"},
    }


def test_a_password_goes_out_only_encrypted(tmp_path: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    write_private(secrets / "notify-smtp", "the-mail-password")
    with mail_server(certificate, "the-mail-password") as box:
        by_mail(monkeypatch, box.port, "starttls", user="enginedge")
        send(MESSAGE)
    assert box.logins == ["enginedge"]
    assert len(box.mails) == 1
    assert [line.split()[0].upper() for line in box.clear] == ["EHLO", "STARTTLS"]


def test_a_wrong_mail_password_is_named_and_not_tried_again(
    tmp_path: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    write_private(secrets / "notify-smtp", "not-the-password")
    with mail_server(certificate, "the-mail-password") as box:
        by_mail(monkeypatch, box.port, "starttls", user="enginedge")
        with pytest.raises(Unavailable, match=r"1 of 1 channels .* refuses the login \(535\)") as caught:
            send(MESSAGE)
    assert box.logins == ["enginedge"]
    assert "not-the-password" not in str(caught.value)


@pytest.mark.parametrize("has_certificate", [True, False])
def test_a_server_that_is_not_trusted_or_cannot_encrypt_is_given_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_certificate: bool
) -> None:
    with mail_server(certificate_in(tmp_path) if has_certificate else None) as box:
        by_mail(monkeypatch, box.port, "starttls")
        with pytest.raises(Unavailable, match="took no message"):
            send(MESSAGE)
    assert box.mails == []
    assert not any("example.org" in line for line in box.clear)


def test_all_channels_are_used_and_a_dead_one_keeps_no_other_from_its_turn(
    posts: Posts, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = nobody()
    by_mail(monkeypatch, port, "off")
    with pytest.raises(Unavailable, match=rf"1 of 2 channels .*mail by 127\.0\.0\.1:{port}"):
        send(MESSAGE)
    assert posts.subjects() == [MESSAGE.subject]


def test_a_channel_that_fails_never_stands_in_the_place_of_what_it_was_to_tell(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    by_mail(monkeypatch, nobody(), "off")
    with caplog.at_level(logging.INFO):
        tell(MESSAGE)
    assert "failed: back_up_stores.account failed" in caplog.text
    assert "Nobody was told of it" in caplog.text


def test_a_mistake_in_the_environment_hides_nothing_either(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ENGINEDGE_NOTIFY_SMTP", "nonsense")
    tell(MESSAGE)
    assert "'nonsense' is no host:port" in caplog.text


def test_the_address_is_in_no_log_of_who_logs_everything(posts: Posts, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        tell(MESSAGE)
    assert len(posts.documents) == 1
    assert caplog.text
    assert "of-nobody-else" not in caplog.text


def test_a_receiver_that_is_busy_is_asked_again(posts: Posts) -> None:
    posts.statuses = [503, 429]
    send(MESSAGE)
    assert [each.split()[-1] for each in posts.asked] == ["503", "429", "200"]
    assert len(posts.documents) == 1


def test_a_receiver_that_refuses_is_not_asked_again_and_its_address_is_not_told(posts: Posts) -> None:
    posts.statuses = [404]
    with pytest.raises(Unavailable, match="it answered with 404") as caught:
        send(MESSAGE)
    assert len(posts.asked) == 1
    assert "of-nobody-else" not in str(caught.value)


def test_the_address_of_a_receiver_that_does_not_answer_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(tmp_path / "webhook", f"http://127.0.0.1:{nobody()}/hook/of-nobody-else")
    monkeypatch.setenv("ENGINEDGE_NOTIFY_WEBHOOK_FILE", str(tmp_path / "webhook"))
    with pytest.raises(Unavailable, match="webhook: it did not answer") as caught:
        send(MESSAGE)
    assert "of-nobody-else" not in str(caught.value)
    assert "of-nobody-else" not in repr(channels())


def test_no_secret_is_told_wherever_it_stood(posts: Posts, mailbox: Mailbox) -> None:
    told = Message(
        Kind.FAILED,
        "login a-password-of-postgres",
        f"password=a-password-of-airflow at {posts.url}",
        {"a-password-of-postgres": "a-password-of-postgres"},
    )
    send(told)
    assert posts.documents[0]["subject"] == f"login {HIDDEN}"
    seen = str(posts.documents) + str(mailbox.mails[0]["Subject"]) + mailbox.mails[0].get_content()
    assert not any(each in seen for each in ("a-password-of", "of-nobody-else"))


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SMTP": "mail.example.org"}, "no host:port"),
        ({"SMTP": "mail.example.org:many"}, "no host:port"),
        ({"SMTP": "mail.example.org:70000"}, "no host:port"),
        ({"SMTP": "mail.example.org:25"}, "mail needs both"),
        ({"SMTP": "mail.example.org:25", "FROM": "a@b", "TO": "c@d", "SMTP_TLS": "maybe"}, "starttls, tls or off"),
        ({"SMTP": "m.org:25", "FROM": "a@b", "TO": "c@d", "SMTP_TLS": "off", "SMTP_USER": "me"}, "not starttls or tls"),
        ({"WEBHOOK_FILE": "/nowhere"}, "'ENGINEDGE_NOTIFY_WEBHOOK_FILE' is missing"),
    ],
)
def test_a_mistake_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], says: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"ENGINEDGE_NOTIFY_{name}", value)
    with pytest.raises(Misconfigured, match=says) as caught:
        channels()
    assert "ENGINEDGE_NOTIFY" in str(caught.value)


def test_an_address_that_others_can_read_is_refused(posts: Posts, tmp_path: Path) -> None:
    (tmp_path / "webhook").chmod(0o644)
    with pytest.raises(Misconfigured, match="can be read by others"):
        channels()
