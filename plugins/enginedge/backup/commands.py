"""``enginedge backup``: every verb that the DAGs have and those for the hour when Airflow is what is down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from enginedge.backup import copying, keeping, night, operations, proving, recovery, replication, tables
from enginedge.backup import status as standing
from enginedge.backup.catalogue import catalogue, refuse_damaged
from enginedge.backup.locations import Location
from enginedge.backup.repository import repository
from enginedge.backup.stores import declared_stores, refuse_unknown, store_names
from enginedge.backup.watch import watch_here
from enginedge.errors import EnginEdgeError, Violated
from enginedge.platform import load_platform
from enginedge.printing import print_json, print_rows, say
from enginedge.settings import settings

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Only this store; may be given several times.")]
From = Annotated[Location, typer.Option("--from", help="Which of the two places the backups are read at.")]
PRIMARY = Location.PRIMARY
Backup = Annotated[str, typer.Option("--backup", help="The id of a backup; left out: the newest.")]
PROOF_COLUMNS = ("store", "backup", "bytes_in", "bytes_stored", "backup_s", "restore_s", "parts", "proved")
COLUMNS = ("store", "id", "age_h", "bytes_in", "bytes_stored", "duration_s", "consistency", "note", "verified_at",
           "restore_s")  # fmt: skip


@app.callback()
def backup() -> None:
    """What is backed up, from where and how."""


@app.command()
def plan(as_json: AsJson = False) -> None:
    """List what is to be backed up, and how, in the order of the inventory."""
    platform = load_platform(settings().root / "deploy" / "platform.yaml")
    things = [
        {"service": service.name, "what": thing.what, "how": thing.how.value}
        for service in platform.services
        for thing in service.backup
    ]
    print_rows(things, ("service", "what", "how"), as_json)


@app.command()
def now(store: Stores = None, as_json: AsJson = False) -> None:
    """Back up every store, or the ones named; one store's failure stops no other's."""
    night.prepare(repository(), catalogue())
    outcomes = night.back_up_all(declared_stores(store or ()), repository(), catalogue())
    rows = [operations.row(each.manifest, None) for each in outcomes if each.manifest]
    print_rows(rows, ("store", "id", "bytes_in", "bytes_stored", "duration_s", "consistency"), as_json)
    _write_metrics()
    _raise_all({each.store: each.failure for each in outcomes if each.failure})


@app.command()
def prove(
    store: Stores = None,
    since: Annotated[datetime | None, typer.Option(help="What was backed up since then (UTC) is not again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Back up every store that has no backup of late, and prove each by a drill; ends with 4 where one differs."""
    proofs = proving.prove(store or (), _in_utc(since), lambda each: say(str(each)))
    print_rows([operations.proof_row(each) for each in proofs], PROOF_COLUMNS, as_json)
    _write_metrics()
    _raise_all({each.store: each.failure for each in proofs if each.failure})


@app.command()
def copy(store: Stores = None, as_json: AsJson = False) -> None:
    """Copy what is not off-site yet; every byte is verified on its way, and what is damaged does not arrive."""
    outcomes = copying.copy(store or ())
    rows = [each.row for each in outcomes if not each.failure]
    print_rows(rows, ("store", "id", "bytes_in", "took_s"), as_json)
    _write_metrics()
    _raise_all({f"{each.manifest.store} {each.manifest.id}": each.failure for each in outcomes if each.failure})


@app.command()
def replicate(
    over: Annotated[
        list[str] | None, typer.Option(help="A bucket whose counterpart there has objects, which may be overwritten.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """See to it that what is written into a bucket is at the second place moments later; that is no backup."""
    print_rows(replication.replicate(over or ()), ("bucket", "replicated_to", "as"), as_json)


@app.command("replication")
def replication_(as_json: AsJson = False) -> None:
    """How much of each bucket is not at the second place yet, and since when: both are listed and compared."""
    print_rows(replication.waiting(), ("bucket", "replicated", "objects", "waiting", "since"), as_json)


@app.command("list")
def list_(store: Stores = None, location: From = PRIMARY, as_json: AsJson = False) -> None:
    """List the backups, store by store and the oldest first: age in hours, size, and when a drill last proved them."""
    found = catalogue(location).read()
    refuse_unknown(store or (), found)
    rows = [operations.row(each, found.verified(each)) for each in found.manifests if not store or each.store in store]
    print_rows(rows, COLUMNS, as_json)
    refuse_damaged(found)


@app.command()
def status(store: Stores = None, as_json: AsJson = False) -> None:
    """How each store's backups stand to its objectives, and what is wrong; ends with 4 where an objective is missed."""
    found = standing.status(store or ())
    if as_json:
        print_json(standing.as_json(found))
    else:
        print_rows([standing.as_cells(each) for each in found.standings], standing.COLUMNS, as_json)
        for each in found.findings:
            typer.echo(f"{each.severity}: {each.subject}: {each.message}. What to do: {each.remedy}. ({each.code})")
    standing.refuse_missed(found)


@app.command()
def publish(as_json: AsJson = False) -> None:
    """Replace `ops.backups` and `ops.drills`, which Trino reads, by what the catalogues say."""
    rows = [{"table": name, "rows": count} for name, count in tables.publish().items()]
    print_rows(rows, ("table", "rows"), as_json)


@app.command("watch")
def watch_(as_json: AsJson = False) -> None:
    """Look once, as the service `backup-watch` does every five minutes: tell of what changed, write the numbers."""
    found = watch_here().look()
    print_rows([vars(each) for each in found.missed], ("subject", "code", "message"), as_json)
    standing.refuse_missed(found)


@app.command()
def drill(
    store: Stores = None,
    backup: Backup = "",
    older: Annotated[bool, typer.Option("--older", help="One of the older ones, at random.")] = False,
    location: From = PRIMARY,
    as_json: AsJson = False,
) -> None:
    """Restore the newest backup of each store into scratch, compare it, and say how long the restore took."""
    if older and backup:
        raise typer.BadParameter("choose one, or leave it to chance", param_hint="--older")
    reports, failures = [], {}
    names = store or store_names()
    if older and not store:  # of a new installation, or of one store that is new
        found = catalogue(location).read()
        names = [name for name in names if found.older(name)]
        if young := [name for name in store_names() if name not in names]:
            say(f"there is no older backup yet of {', '.join(young)}")
    for name in names:
        try:
            reports.append(operations.drill_store(name, backup, location, older))
        except EnginEdgeError as failure:
            failures[name] = failure
    print_rows(reports, ("store", "manifest", "parts", "restore_s", "drill_s"), as_json)
    _write_metrics()
    _raise_all(failures)


@app.command("drill-lake")
def drill_lake(
    backup: Annotated[str, typer.Option(help="The id of a backup of postgres; left out: the newest.")] = "",
    buckets: Annotated[str, typer.Option(help="The id of a later one of minio; left out: the first one.")] = "",
    location: From = PRIMARY,
    as_json: AsJson = False,
) -> None:
    """Restore the metastore's database and the buckets as one lake, and compare every table that a scratch Trino reads
    there with the dumped moment."""
    report = operations.drill_lake(backup, buckets, location)
    print_rows([report], ("manifest", "tables", "rows", "marts", "restore_s", "drill_s"), as_json)
    if not as_json:
        for table, what in report["not_compared"].items():
            typer.echo(f"not compared: {table}, {what}")


@app.command()
def check(
    part: Annotated[int, typer.Option(min=0, help="Which share of the bytes to read; 0: today's.")] = 0,
    of: Annotated[int, typer.Option(min=1, help="How many shares there are.")] = keeping.SHARES,
    location: From = PRIMARY,
    as_json: AsJson = False,
) -> None:
    """Check the repository's structure, every manifest and a share of all bytes; ends with 4 when one is wrong."""
    print_rows([keeping.check_share(part, of, location)], ("manifests", "share"), as_json)


@app.command()
def forget(
    store: Stores = None,
    dry_run: Annotated[bool, typer.Option("--dry-run/--yes", help="Only say what would go, and why.")] = True,
    location: From = PRIMARY,
    as_json: AsJson = False,
) -> None:
    """Give up the backups that no rule keeps; never the last verified one, nor what is not ours."""
    if dry_run:
        rows = keeping.foretold(store or (), location)
        return print_rows(rows, ("store", "backup", "stays", "why"), as_json)
    return print_rows(keeping.forget(store or (), location=location), ("store", "backup", "why"), as_json)


@app.command("keep-locked")
def keep_locked(location: From = PRIMARY, as_json: AsJson = False) -> None:
    """Lock what the backups still use for longer, so that nobody can delete it."""
    print_rows([keeping.keep_locked(location)], ("objects",), as_json)


@app.command("recovery-sheet")
def recovery_sheet(
    certificate: Annotated[Path | None, typer.Option(help="Encrypt it to this certificate (PEM).")] = None,
    as_json: AsJson = False,
) -> None:
    """Print what opens the backups and what is restored from them; keep it apart from both."""
    made = recovery.sheet()
    if certificate:
        message = recovery.encrypted(str(made), certificate)
        return print_json({"made_at": made.made_at, "message": message}) if as_json else typer.echo(message)
    return print_json(made.plain) if as_json else typer.echo(str(made))


@app.command()
def recover(
    sheet: Annotated[Path, typer.Argument(help="The recovery sheet: as printed, as JSON, or encrypted.")],
    key: Annotated[Path | None, typer.Option(help="The private key (PEM) that opens it, if encrypted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put the secrets of a recovery sheet into their files; what is there already is never replaced."""
    written = recovery.recover(recovery.secrets_of(sheet, key))
    print_rows([{"written": len(written), "into": str(settings().secrets)}], ("written", "into"), as_json)


def _in_utc(moment: datetime | None) -> datetime:
    """``moment``, which was given without a zone or with UTC's; none is now."""
    return moment.replace(tzinfo=UTC) if moment else datetime.now(UTC)


def _write_metrics() -> None:
    """Bring the numbers up to date; that they can't be is said, and is no failure of what was done before."""
    try:
        operations.write_metrics()
    except EnginEdgeError as failure:
        say(f"The numbers for Prometheus are as they were: {failure}")


def _raise_all(failures: dict[str, EnginEdgeError]) -> None:
    """Raise what failed: the failure itself where there is one, or all of them as the gravest kind."""
    if len(failures) == 1:
        raise next(iter(failures.values()))
    if failures:
        kinds = {type(each) for each in failures.values()}
        kind = kinds.pop() if len(kinds) == 1 else Violated
        raise kind("\n".join(map(str, failures.values())), where=f"{len(failures)} stores failed")
