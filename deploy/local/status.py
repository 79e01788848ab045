"""What runs, where, how much memory it holds and how a person gets in: one row a service of the inventory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deploy.local import kernel, remains
from deploy.local.layout import Local
from deploy.local.proof import prove
from deploy.local.supervisor import Supervised, Supervisor
from enginedge.errors import EnginEdgeError
from enginedge.platform import Service


@dataclass(frozen=True)
class Row:
    """One service: ``state`` is Ready, Not ready, Starting, Stopped or Failed; memory is PSS in MiB, children
    included."""

    service: str
    state: str
    reason: str
    pid: int | None
    port: int | None
    memory_mib: float
    restarts: int
    url: str
    user: str
    secret_file: str


def look(here: Local, supervisor: Supervisor) -> list[Row]:
    """The state of every service now; each running one is asked for its work, all at the same time."""
    known = supervisor.processes() if supervisor.is_alive() else {}
    everything = kernel.processes()
    with ThreadPoolExecutor(len(here.platform.services)) as pool:
        return list(pool.map(lambda each: _row(here, each, known.get(each.name), everything), here.platform.services))


def memory_bytes(here: Local) -> int:
    """The proportional set size of the whole stack, jobs and supervisor included."""
    return sum(kernel.pss_bytes(each.pid) for each in remains.belonging(here))


def _row(here: Local, service: Service, known: Supervised | None, everything: list[kernel.Process]) -> Row:
    state, reason = _state(here, service, known)
    pid = known.pid if known and known.is_up else None
    led = [each for each in everything if pid and pid in (each.pid, each.group)]
    tree = kernel.with_descendants(led, everything)
    page = service.page
    return Row(
        service=service.name,
        state=state,
        reason=reason,
        pid=pid,
        port=here.port(service.name) if service.ports else None,
        memory_mib=round(sum(kernel.pss_bytes(each.pid) for each in tree) / 2**20, 1),
        restarts=known.restarts if known else 0,
        url=f"{here.url(service.name, page.port)}{page.path}" if page else "",
        user=page.user if page else "",
        secret_file=str(here.settings.secret_path(service.secret)) if service.secret else "",
    )


def _state(here: Local, service: Service, known: Supervised | None) -> tuple[str, str]:
    if known is None or known.status in ("Disabled", "Pending"):
        return "Stopped", ""
    if not known.is_up:
        return ("Stopped", "") if known.status == "Completed" else (known.status, f"exit status {known.exit_code}")
    try:
        prove(here, service)
    except EnginEdgeError as error:
        return "Not ready", error.what
    return "Ready", ""
