"""``enginedge restore``: with arguments it asks nothing; without, it asks, and foretells time and way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from enginedge.backup import operations, restoring
from enginedge.backup.catalogue import catalogue
from enginedge.backup.commands import COLUMNS, AsJson, From
from enginedge.backup.foretelling import Request, plan
from enginedge.backup.locations import Location
from enginedge.backup.stores import declared_stores, store_names
from enginedge.printing import print_rows, say

PARTS = (
    "DATABASE or DATABASE/SCHEMA.TABLE of PostgreSQL, DATABASE or DATABASE.COLLECTION of MongoDB, a prefix of etcd's "
    "keys, BUCKET or BUCKET/PREFIX, a path below a volume"
)
WORD = "the store's name, as a word of yours"


def restore(
    store: Annotated[str, typer.Argument(help="The store to restore; left out: everything is asked for.")] = "",
    backup: Annotated[str, typer.Option(help="The id of a backup; left out: the newest.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Where to, for etcd and for volumes; left out: the folder of the service.")
    ] = None,
    only: Annotated[str, typer.Option(help=f"Only a part: {PARTS}.")] = "",
    name: Annotated[str, typer.Option("--as", help="What the part is to be called; left out: what it was.")] = "",
    words: Annotated[str, typer.Option("--replace", help=f"Replace what is there: {WORD}.")] = "",
    waiver: Annotated[str, typer.Option("--without-safety-backup", help=f"Give what is there up: {WORD}.")] = "",
    location: From = Location.PRIMARY,
    as_json: AsJson = False,
) -> None:
    """Restore a store, or a part of it, from a backup, and compare what came out with what was dumped.

    A target that is not empty is refused, unless --replace says the store's name; what is there is then backed up
    first, or its folder is set aside, and the line that brings it back is printed.
    """
    request = Request(store, backup, location, folder, words, waiver, only, name) if store else _asked(location)
    told = restoring.restore(request, say=say)
    print_rows([told], ("store", "part", "backup", "target", "restore_s", "parts", "undo"), as_json)


def _asked(location: Location) -> Request:
    """What whoever sits at the terminal wants."""
    found = catalogue(location).read()
    (store,) = declared_stores([typer.prompt(f"Which store ({', '.join(store_names())})?")])
    newest = operations.chosen(found, store.name)
    print_rows([operations.row(each, found.verified(each)) for each in found.of(store.name)], COLUMNS, as_json=False)
    request = Request(store.name, typer.prompt("Which backup?", default=newest.id), location)
    if only := typer.prompt("Only a part of it (empty: all)?", default="", show_default=False):
        request = replace(request, only=only, name=typer.prompt("Under which name?", default=only))
    if store.home and (not only or (store.parts and store.parts.sets_aside)):
        request = replace(request, folder=Path(typer.prompt("Into which folder?", default=str(store.home))))
    told = plan(request)
    typer.echo(str(told))
    if told.present:
        word = typer.prompt(f"What is there will be replaced. Say {store.name}, if you mean it")
        return replace(request, replace=word)
    typer.confirm("Restore it now?", abort=True)
    return request
