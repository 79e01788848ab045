"""A restore that is asked for by a form: planned first, shown to whoever approves it, and then carried out as planned.

With nothing but plain values going in and out. The backup is chosen by the plan, so that what is approved is what is
restored, also when a newer one was taken meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from enginedge.backup import restoring
from enginedge.backup.foretelling import Request, plan
from enginedge.backup.locations import Location
from enginedge.backup.shapes import refuse_present
from enginedge.backup.stores import declared_stores
from enginedge.errors import Misconfigured

FIELDS = ("store", "backup", "only", "name", "replace", "location")
#: Where the database is of whoever carries the restore out, which would not live to see its end.
OWN_STORE, OWN_DATABASE = "postgres", "airflow"


def planned(form: Mapping[str, Any]) -> dict[str, str]:
    """The plan that ``form`` comes to: its ``text``, and the id of the ``backup`` that was chosen.

    Raises:
        Misconfigured: the form has an unknown field, names no such store, backup or part, asks for Airflow's own
            database, or something is in the way and was not said to be replaced.
    """
    request = _request(form)
    _refuse_own(request)
    _refuse_stopped(request)
    told = plan(request)
    if not request.replace:
        refuse_present(told.present, told.target, f"say under *Replace* that it may go: {request.store}")
    return {"text": str(told).replace("\n", "\n\n"), "backup": told.backup}


def restored(form: Mapping[str, Any], backup: str) -> dict[str, Any]:
    """Restore ``backup`` as ``form`` asks; returns what was done as a row, with the way back.

    Raises:
        Misconfigured, Unavailable, Violated: as :func:`enginedge.backup.restoring.restore` does.
    """
    return restoring.restore(replace(_request(form), backup=backup))


def _request(form: Mapping[str, Any]) -> Request:
    for field in form:
        if field not in FIELDS:
            near = get_close_matches(field, FIELDS, 1)
            raise Misconfigured(
                f"the form has no field {field!r}",
                where="the run's configuration",
                remedy=f"did you mean {near[0]!r}" if near else f"its fields are {', '.join(FIELDS)}",
            )
    text = {field: str(form.get(field) or "") for field in FIELDS}
    if text["location"] not in ("", *Location):
        raise Misconfigured(
            f"there is no place {text['location']!r}",
            where="the run's configuration",
            remedy=f"one of {', '.join(Location)}",
        )
    return Request(
        text["store"],
        text["backup"],
        Location(text["location"] or Location.PRIMARY),
        replace=text["replace"],
        only=text["only"],
        name=text["name"],
    )


def _refuse_stopped(request: Request) -> None:
    (store,) = declared_stores([request.store])
    if store.home and not request.only:
        raise Misconfigured(
            "it is restored while its service is stopped, and no DAG stops it",
            where=store.name,
            untouched="everything",
            remedy=f"stop it, and restore it from the command line: `enginedge restore {store.name}`",
        )


def _refuse_own(request: Request) -> None:
    goal = request.name or request.only
    if request.store == OWN_STORE and goal.partition("/")[0] in ("", OWN_DATABASE):
        raise Misconfigured(
            "Airflow's own database would be replaced, and this run with it",
            where=request.store,
            untouched="everything",
            remedy="restore it from the command line, `enginedge restore postgres`, or a part of it under another name",
        )
