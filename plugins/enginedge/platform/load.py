"""Reads the inventory and judges it; every complaint names file, line and field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from enginedge.errors import Misconfigured, Where
from enginedge.platform.model import Platform

Location = tuple[int | str, ...]
LONGEST_PROBLEM = 300  # a key that is said twice is told with its whole value


@lru_cache(maxsize=8)
def load_platform(path: Path) -> Platform:
    """The inventory in ``path``, read once a process.

    Raises:
        Misconfigured: with the file, the line and the field of the first thing that is wrong.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise Misconfigured(
            "the inventory is missing", where=str(path), remedy="point ENGINEDGE_ROOT at the checkout"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"the inventory can't be read: {error}", where=str(path), remedy="make it a text file in UTF-8"
        ) from None
    return parse_platform(text, str(path))


def parse_platform(text: str, place: str = "deploy/platform.yaml") -> Platform:
    """The inventory that ``text`` holds; ``place`` is what complaints call it. Raises as :func:`load_platform` does."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        tree = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise Misconfigured(
            f"this is not YAML: {problem[:LONGEST_PROBLEM]}", where=Where(place, line), remedy="mend the line"
        ) from None
    except RecursionError:
        raise Misconfigured("it is nested too deeply", where=Where(place), remedy="mend the file") from None
    try:
        platform = Platform.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise _complaint(place, tree, first["loc"], first["msg"]) from None
    for location, problem in contradictions(platform):
        raise _complaint(place, tree, location, problem)
    return platform


def contradictions(platform: Platform) -> Iterator[tuple[Location, str]]:
    """What each service alone may say, but not all of them together: names, ports and dependencies that clash."""
    names = [service.name for service in platform.services]
    ports: dict[int, str] = {}
    for index, service in enumerate(platform.services):
        here: Location = ("services", index)
        if service.name in names[:index]:
            yield (*here, "name"), f"there are two services called {service.name!r}"
        if service.ports and next(iter(service.ports)) != "main":
            yield (*here, "ports"), "the first port must be called main"
        for port, number in service.ports.items():
            if number in ports:
                yield (*here, "ports", port), f"port {number} is {ports[number]}'s already"
            ports[number] = service.name
        for field in ("depends_on", "needs"):
            for position, other in enumerate(getattr(service, field)):
                if other not in names:
                    yield (*here, field, position), f"there is no service {other!r}"
                elif field == "depends_on" and other not in names[:index]:
                    yield (*here, field, position), f"{other!r} must stand above {service.name!r}, which waits for it"
        if service.backup and not service.objectives:
            yield (*here, "backup"), "what is backed up has objectives"
        if service.objectives and not service.backup:
            yield (*here, "objectives"), "nothing of it is backed up"
        if service.page and service.page.port not in service.ports:
            yield (*here, "page"), f"there is no port {service.page.port!r} for the page"


def _complaint(place: str, tree: Any, location: Sequence[int | str], problem: str) -> Misconfigured:
    field = ".".join(str(part) for part in location)
    line = _line(tree, location)
    return Misconfigured(f"{field}: {problem}", where=Where(place, line), remedy="mend the field in the inventory")


def _line(tree: Any, location: Sequence[int | str]) -> int | None:
    """The line (from 1) of the deepest part of ``location`` that the file has."""
    line = None
    for part in location:
        marks = getattr(tree, "lc", None)
        try:
            row = marks.item(part)[0] if isinstance(part, int) else marks.key(part)[0]  # type: ignore[union-attr]
            tree = tree[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        line = row + 1
    return line
