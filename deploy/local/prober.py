"""The supervisor's own process beside the services: ``python -m deploy.local.prober SOCKET``.

It answers the supervisor's questions after the services, and looks after their logs meanwhile, because another Python
for that alone would hold as much memory as a service.
"""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Thread

from deploy.local import logs
from enginedge.health import prober
from enginedge.settings import settings


def main(socket: Path) -> None:
    """Do both until stopped."""
    Thread(target=logs.tend, args=[settings().state], name="logs", daemon=True).start()
    prober.main(socket)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
