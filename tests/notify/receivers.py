"""Who receives what is told: a small mail server and a webhook's receiver, both real servers on loopback."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any


@dataclass
class Mailbox:
    """What a mail server was given: the mails, and what was said to it before and after encryption."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    clear: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@dataclass
class Posts:
    """What was posted, and the statuses that are answered first, one a request."""

    url: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def subjects(self) -> list[str]:
        return [each["subject"] for each in self.documents]


@contextmanager
def mail_server(certificate: Path | None = None, password: str = "") -> Iterator[Mailbox]:
    """A mail server that speaks RFC 5321 as far as one client does, with STARTTLS where it has a certificate."""
    box = Mailbox()

    class Handler(StreamRequestHandler):
        encrypted = False

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def heard(self) -> str:
            line = self.rfile.readline().decode().rstrip("\r\n")
            if not self.encrypted:
                box.clear.append(line)
            return line

        def handle(self) -> None:
            self.say("220 test")
            while line := self.heard():
                verb = line.split()[0].upper()
                if verb == "EHLO":
                    offered = ["test", *(["STARTTLS"] if certificate and not self.encrypted else [])]
                    offered += ["AUTH PLAIN"] if password else []
                    for index, each in enumerate(offered):
                        self.say(f"250{' ' if index == len(offered) - 1 else '-'}{each}")
                elif verb == "STARTTLS" and certificate:
                    self.say("220 go on")
                    self.encrypt(certificate)
                elif verb == "AUTH":
                    self.login(line)
                elif verb == "DATA":
                    self.say("354 go on")
                    self.take()
                elif verb == "QUIT":
                    return self.say("221 bye")
                else:
                    self.say("250 fine")
            return None

        def encrypt(self, certificate: Path) -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            try:
                self.connection = context.wrap_socket(self.connection, server_side=True)
            except OSError:  # the client does not trust it
                self.rfile, self.encrypted = open("/dev/null", "rb"), True  # noqa: PTH123, SIM115
                return
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.encrypted = True

        def finish(self) -> None:
            super().finish()
            self.connection.close()  # the encrypted one: the server knows of the other

        def login(self, line: str) -> None:
            _, user, given = base64.b64decode(line.split()[-1]).decode().split("\0")
            box.logins.append(user)
            self.say("235 welcome" if given == password else "535 no")

        def take(self) -> None:
            lines: list[bytes] = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            box.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))  # type: ignore[arg-type]
            self.say("250 taken")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_address[1]
        yield from _served(server, box)


@contextmanager
def webhook_receiver() -> Iterator[Posts]:
    """A receiver of JSON documents; GET and HEAD are answered and counted too."""
    posts = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = posts.statuses.pop(0) if posts.statuses else 200
            if status < 400:
                posts.documents.append(json.loads(body))
            self.answer(status)

        def do_GET(self) -> None:
            self.answer(posts.statuses.pop(0) if posts.statuses else 200)

        def answer(self, status: int) -> None:
            posts.asked.append(f"{self.command} {self.path} {status}")
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test reads what came, not this."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        posts.url = f"http://127.0.0.1:{server.server_address[1]}/hook/of-nobody-else"
        yield from _served(server, posts)


def certificate_in(folder: Path) -> Path:
    """A key and its certificate for 127.0.0.1, in one file."""
    path, key = folder / "server.pem", folder / "server.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    named = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*made, *named], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


def _served(server: Any, seen: Any) -> Iterator[Any]:
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
