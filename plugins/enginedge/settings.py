"""Where the services are and where the secrets lie: the one reader of the environment.

Local runs and the cluster differ only here. Ports come from ``deploy/platform.yaml`` and may be overridden, one
variable a port: ``ENGINEDGE_PORT_<SERVICE>`` (``ENGINEDGE_PORT_TRINO=18090``); hosts by ``ENGINEDGE_HOST_<SERVICE>``.
Secrets are files, one a secret, in the folder that ``ENGINEDGE_SECRETS`` names, readable by their owner alone.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from enginedge.errors import Misconfigured

HOST = "127.0.0.1"
MAIL_LOGIN = "notify-smtp"
SECRET_FILES = ("ENGINEDGE_NOTIFY_WEBHOOK_FILE", "ENGINEDGE_DEADMAN_PING_FILE")  # each names a file with an address
LONGEST_KEPT_DAYS = 36_500
GENERATED = "run `make up`, which generates it, or bring it back with `enginedge backup recover SHEET`"


@dataclass(frozen=True)
class Endpoint:
    """A host and a port that a service answers on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and who writes to whom; ``encryption`` is ``starttls``, ``tls`` or ``off``."""

    at: Endpoint
    encryption: str
    sender: str
    recipients: tuple[str, ...]
    user: str
    password: Callable[[], str]


@dataclass(frozen=True)
class Settings:
    """The paths of one installation; endpoints and secrets are looked up when asked for.

    Raises:
        Misconfigured: for a port that is no number, a service or port name that the inventory does not have, a secret
            that is missing, empty or readable by others, and tools that the bootstrap has not installed.
    """

    root: Path
    state: Path
    secrets: Path

    def endpoint(self, service: str, port: str = "main") -> Endpoint:
        """The endpoint of ``service``; ``port`` names one of its ports in the inventory (``main`` is its first)."""
        from enginedge.platform import load_platform

        declared = load_platform(self.root / "deploy" / "platform.yaml").service(service).port(port)
        suffix = service if port == "main" else f"{service}_{port}"
        suffix = suffix.upper().replace("-", "_")
        given = os.environ.get(f"ENGINEDGE_PORT_{suffix}", "")
        if given and not _is_port(given):
            raise Misconfigured(
                f"{given!r} is no port", where=f"ENGINEDGE_PORT_{suffix}", remedy="give a number from 1 to 65535"
            )
        return Endpoint(os.environ.get(f"ENGINEDGE_HOST_{suffix}", HOST), int(given) if given else declared)

    @property
    def scheduled_runs(self) -> bool:
        """Whether Airflow starts runs when their time comes: ``ENGINEDGE_SCHEDULED_RUNS``, ``on`` or ``off``."""
        return _is_on("ENGINEDGE_SCHEDULED_RUNS", default="on")

    @property
    def short_lived(self) -> bool:
        """Whether the stack is there for minutes, as one for tests is: ``ENGINEDGE_SHORT_LIVED``, ``on`` or ``off``."""
        return _is_on("ENGINEDGE_SHORT_LIVED", default="off")

    @property
    def lineage_kept_days(self) -> int:
        """For how many days the relay keeps events and runs: ``ENGINEDGE_LINEAGE_KEPT_DAYS``, or else 400."""
        given = os.environ.get("ENGINEDGE_LINEAGE_KEPT_DAYS") or "400"
        if not (given.isascii() and given.isdigit() and len(given) <= 5 and 1 <= int(given) <= LONGEST_KEPT_DAYS):
            raise Misconfigured(
                f"{given!r} is no number of days",
                where="ENGINEDGE_LINEAGE_KEPT_DAYS",
                remedy=f"give a number from 1 to {LONGEST_KEPT_DAYS}",
            )
        return int(given)

    @property
    def notify_mail(self) -> MailServer | None:
        """The mail server of ``ENGINEDGE_NOTIFY_SMTP`` (host:port), none by default.

        ``ENGINEDGE_NOTIFY_FROM`` writes to ``ENGINEDGE_NOTIFY_TO`` (a,b). ``ENGINEDGE_NOTIFY_SMTP_USER`` logs in with
        the secret ``notify-smtp``; ``ENGINEDGE_NOTIFY_SMTP_TLS`` is ``starttls`` (the default), ``tls`` or ``off``.
        """
        given = os.environ.get("ENGINEDGE_NOTIFY_SMTP", "")
        if not given:
            return None
        host, _, port = given.rpartition(":")
        if not (host and _is_port(port)):
            raise Misconfigured(f"{given!r} is no host:port", where="ENGINEDGE_NOTIFY_SMTP")
        sender, to, user = (os.environ.get(f"ENGINEDGE_NOTIFY_{name}", "") for name in ("FROM", "TO", "SMTP_USER"))
        if not (sender and to):
            raise Misconfigured("mail needs both", where="ENGINEDGE_NOTIFY_FROM, ENGINEDGE_NOTIFY_TO")
        encryption = os.environ.get("ENGINEDGE_NOTIFY_SMTP_TLS") or "starttls"
        if encryption not in ("starttls", "tls", "off") or (user and encryption == "off"):
            told = "starttls or tls" if user else "starttls, tls or off"
            raise Misconfigured(f"{encryption!r} is not {told}", where="ENGINEDGE_NOTIFY_SMTP_TLS")
        recipients = tuple(each.strip() for each in to.split(",") if each.strip())
        at = Endpoint(host, int(port))
        return MailServer(at, encryption, sender, recipients, user, lambda: self._written_secret(MAIL_LOGIN))

    def _written_secret(self, name: str) -> str:
        """A secret that nobody can generate."""
        return secret_in(self.secret_path(name), name, "write it there (mode 0600)")

    @property
    def notify_webhook(self) -> str:
        """The address in the file that ``ENGINEDGE_NOTIFY_WEBHOOK_FILE`` names; empty by default. It is a secret."""
        return _secret_in_file_of("ENGINEDGE_NOTIFY_WEBHOOK_FILE")

    @property
    def deadman_ping(self) -> str:
        """The address to ask while all is well, in the file that ``ENGINEDGE_DEADMAN_PING_FILE`` names; empty by
        default. It is a secret."""
        return _secret_in_file_of("ENGINEDGE_DEADMAN_PING_FILE")

    def secret_values(self) -> list[str]:
        """Every secret that can be read, for whoever must not tell one."""
        files = [path for path in self.secrets.glob("*") if path.is_file()]
        files += [Path(os.environ[name]) for name in SECRET_FILES if os.environ.get(name)]
        found = []
        for path in files:
            with suppress(OSError, UnicodeDecodeError):
                text = path.read_text().strip()
                found += [text, *(json.loads(text).values() if text.startswith("{") else ())]
        return [each for each in found if each]

    @property
    def spool(self) -> Path:
        """The folder where emitters leave their lineage events, and where the relay finds them."""
        return self.state / "lineage" / "spool"

    @property
    def metrics(self) -> Path:
        """The folder of what Prometheus' textfile collector reads: ``ENGINEDGE_METRICS``, or one of the state's."""
        return Path(os.environ.get("ENGINEDGE_METRICS") or self.state / "metrics")

    def toolchain(self) -> dict[str, str]:
        """Where the bootstrap put each tool: of this state folder, or else of the checkout, which several may share."""
        for folder in (self.state, self.root / ".state"):
            path = folder / "toolchain.json"
            if path.exists():
                return _tools(path)
        raise Misconfigured(
            "the tools are not installed", where=str(self.state / "toolchain.json"), remedy="run `make up`"
        )

    def secret_path(self, name: str) -> Path:
        """The file that holds the secret ``name``; it is not read, and need not exist."""
        return self.secrets / name

    def secret(self, name: str) -> str:
        """The secret ``name``, without a trailing newline."""
        return secret_in(self.secret_path(name), name)


def _is_on(variable: str, default: str) -> bool:
    given = os.environ.get(variable, default)
    if given not in ("on", "off"):
        raise Misconfigured(f"{given!r} is neither on nor off", where=variable)
    return given == "on"


def _is_port(given: str) -> bool:
    return given.isascii() and given.isdigit() and 1 <= int(given[:6]) <= 65535


def _secret_in_file_of(variable: str) -> str:
    """The secret in the file that the environment's ``variable`` names; empty where it names none."""
    path = os.environ.get(variable, "")
    return secret_in(Path(path), variable, "write it there, or leave the variable out") if path else ""


def secret_in(path: Path, name: str, remedy: str = "") -> str:
    """The secret in the file ``path``, without a trailing newline; ``name`` is what a failure calls it.

    Raises:
        Misconfigured: it is not there, cannot be read, or others can read it.
    """
    try:
        mode = path.stat().st_mode
        value = path.read_text().rstrip("\n")
    except FileNotFoundError:
        raise Misconfigured(f"the secret {name!r} is missing", where=str(path), remedy=remedy or GENERATED) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"the secret {name!r} can't be read ({type(error).__name__})",
            where=str(path),
            remedy="give the file its owner, or its content, back",
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise Misconfigured(f"the secret {name!r} can be read by others", where=str(path), remedy=f"chmod 600 {path}")
    if not value:
        remedy = remedy or "delete it and run `make up`"
        raise Misconfigured(f"the secret {name!r} is empty", where=str(path), remedy=remedy)
    return value


def _tools(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise Misconfigured(
            "the list of tools is damaged", where=str(path), remedy="delete it and run `make up`"
        ) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """This process's settings: ``ENGINEDGE_ROOT``, ``ENGINEDGE_STATE``, ``ENGINEDGE_SECRETS``, or the checkout's."""
    root = Path(os.environ.get("ENGINEDGE_ROOT") or Path(__file__).resolve().parents[2])
    state = Path(os.environ.get("ENGINEDGE_STATE") or root / ".state")
    return Settings(root=root, state=state, secrets=Path(os.environ.get("ENGINEDGE_SECRETS") or state / "secrets"))
