"""By mail: one plain text to a mail server, encrypted on its way unless the server stands on this machine's network and
asks for no password.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from enginedge.errors import Misconfigured, Unavailable
from enginedge.notify.messages import Message
from enginedge.settings import MailServer

PATIENCE_S = 20


@dataclass(frozen=True)
class Mail:
    """A mail server, and who writes to whom."""

    server: MailServer

    @property
    def name(self) -> str:
        return f"mail by {self.server.at}"

    def send(self, message: Message) -> None:
        try:
            with self._connected() as connection:
                if self.server.user:
                    connection.login(self.server.user, self.server.password())
                connection.send_message(self._as_mail(message))
        except smtplib.SMTPAuthenticationError as error:
            raise Misconfigured(
                f"it refuses the login ({error.smtp_code})", where=self.name, remedy="mend user and password"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            told = " ".join(str(error).split())[:200]
            raise Unavailable(
                f"it took no message ({type(error).__name__}: {told})", where=self.name, remedy="look at that server"
            ) from None

    def _connected(self) -> smtplib.SMTP:
        at, how = self.server.at, self.server.encryption
        if how == "tls":
            return smtplib.SMTP_SSL(at.host, at.port, timeout=PATIENCE_S, context=ssl.create_default_context())
        connection = smtplib.SMTP(at.host, at.port, timeout=PATIENCE_S)
        if how == "starttls":
            try:
                connection.starttls(context=ssl.create_default_context())
            except BaseException:
                connection.close()
                raise
        return connection

    def _as_mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = " ".join(f"[EnginEdge] {message.subject}".split())
        mail["From"], mail["To"] = self.server.sender, ", ".join(self.server.recipients)
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="enginedge")
        mail["X-EnginEdge-Kind"] = message.kind.value
        mail.set_content(str(message))
        return mail
