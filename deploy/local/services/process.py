"""What the launcher needs to know about a service's own process."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.layout import Local

PASSED_ON = ("ENGINEDGE_", "XDG_RUNTIME_DIR", "LANG", "LC_", "TMPDIR")


@dataclass(frozen=True)
class Launch:
    """The command that becomes the service, once everything it reads is on disk.

    Attributes:
        environment: what is added to :func:`clean_environment`; never a secret.
        folder: where it runs; the state folder where none is given.
        on_death: the signal that ends it in good order, sent by the kernel when the supervisor dies.
    """

    argv: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    on_death: signal.Signals = signal.SIGTERM


def clean_environment(local: Local) -> dict[str, str]:
    """The environment every service starts from: our own settings, and nothing of the shell that ran ``make up``."""
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return {
        **passed,
        "PATH": f"{local.tools['venv']}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(local.state / "home"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "ENGINEDGE_ROOT": str(local.root),
        "ENGINEDGE_STATE": str(local.state),
        "ENGINEDGE_SECRETS": str(local.settings.secrets),
    }
