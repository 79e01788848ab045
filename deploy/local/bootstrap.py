"""Make this machine able to run the whole stack: `python3 deploy/local/bootstrap.py`, or `make bootstrap`.

Standard library only, because it runs before anything is there. It says what the machine lacks (as root on Debian it
gets that itself), installs everything pinned under deploy/local/pins into a cache outside the checkout
($ENGINEDGE_CACHE, else the user's cache folder), makes .venv from requirements/local.lock, and writes
.state/toolchain.json, where the stack reads where everything is. It may be stopped at any moment and run again; a
second run has nothing to do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if sys.version_info[:2] != (3, 11):
    sys.exit(
        f"Python 3.11 is missing: this is {sys.version.split()[0]}; apt-get install python3.11, and run it by that"
    )
sys.path[0] = str(ROOT)  # not this folder: its modules must not stand before the standard library's

from deploy.local import plain_paths  # noqa: E402
from deploy.local.toolchain import machine, recipes  # noqa: E402
from deploy.local.toolchain.commands import Failed  # noqa: E402
from deploy.local.toolchain.environment import Environment  # noqa: E402
from deploy.local.toolchain.items import Cache, Item, forget_unused, install  # noqa: E402
from deploy.local.toolchain.locks import compile_locks  # noqa: E402
from deploy.local.toolchain.progress import Progress, Step  # noqa: E402

PINS = Path(__file__).resolve().parent / "pins"


def default_cache() -> Path:
    """The folder that holds what is installed: $ENGINEDGE_CACHE, else ``enginedge`` in the user's cache folder."""
    given = os.environ.get("ENGINEDGE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given).resolve() if given else Path(base, "enginedge")


def jdk() -> str:
    """The JDK that Maven runs on, looked for when it is needed: it may be installed only now."""
    return machine.java_home(17) or ""


def item_step(item: Item, cache: Cache) -> Step:
    """Installing one pin."""
    return item.name, lambda: item.is_installed(cache), lambda say: install(item, cache, say)


def packages_step(cache: Cache) -> Step:
    """Installing Debian's packages that the services need."""

    def make(say: Callable[[str], None]) -> None:
        if still := machine.supply(machine.RUNNING, cache, say):
            raise Failed("; ".join(need.missing() for need in still))

    return "Debian packages", lambda: not machine.lacking(machine.RUNNING), make


def check_machine(everything_is_there: bool, cache: Cache) -> list[str]:
    """What keeps this machine from going on, one line each; as root on Debian, what building needs is installed."""
    if wrong := plain_paths.complaint(ROOT, cache.root):
        return [wrong]
    lacking = machine.supply(machine.BUILDING, cache)
    if not machine.can_install():
        lacking += machine.lacking(machine.RUNNING)
    return [need.missing() for need in lacking] + machine.too_small(cache.root, ROOT, everything_is_there)


def write_toolchain(items: dict[str, Item], cache: Cache, environment: Environment) -> Path:
    """Write where everything is, for the stack; the file appears whole."""
    found = {
        "java17_home": machine.java_home(17),
        "java25_home": machine.java_home(25),
        "venv": str(environment.folder),
        "postgres_bin": machine.postgres_bin(),
        "redis_server": machine.server("redis-server")(),
        "redis_cli": machine.server("redis-cli")(),
        "chromium": machine.server("chromium")(),
    }
    for item in items.values():
        if item.is_installed(cache):
            found |= item.paths(cache)
    path = ROOT / ".state" / "toolchain.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    written = path.with_name(f".toolchain.{os.getpid()}")
    written.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    written.replace(path)
    return path


def bootstrap(names: list[str]) -> list[str]:
    """Install what is missing (or only ``names``) and write the toolchain file; returns the failures."""
    cache = Cache(default_cache())
    cache.tools.mkdir(parents=True, exist_ok=True)
    everything = recipes.pinned_items(PINS, cache, jdk)
    if unknown := set(names) - set(everything):
        return [f"{', '.join(sorted(unknown))} is no pin; there are {', '.join(everything)}"]
    extra = recipes.on_request(PINS)
    items = [item for item in everything.values() if item.name in names or (not names and item.name not in extra)]
    if problems := check_machine(all(item.is_installed(cache) for item in items), cache):
        return problems

    environment = Environment(ROOT, cache, lambda: everything["uv"].paths(cache)["uv"])
    everything["spark"] = recipes.spark(environment.packages, environment.lock)
    lanes: dict[str, list[Step]] = {}
    for item in items:
        lanes.setdefault(item.lane, []).append(item_step(item, cache))
    if not names:
        packages = ("Python packages", environment.is_current, environment.make)
        lanes["wheels"][1:1] = [packages, item_step(everything["spark"], cache)]
        lanes["debian"] = [packages_step(cache)]
    progress, ended = Progress(), threading.Event()
    threading.Thread(target=progress.reassure, args=(ended,), daemon=True).start()
    threads = [threading.Thread(target=progress.lane, args=(steps,), daemon=True) for steps in lanes.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    if not progress.failures:
        path = write_toolchain(everything, cache, environment)
        if all(item.is_installed(cache) for item in everything.values() if item.name not in extra):
            recipes.drop_build_caches(cache)
        forget_unused(cache, {item.folder(cache) for item in everything.values()})
        progress.say("bootstrap", f"everything is in place; paths are in {path.relative_to(ROOT)}")
    return progress.failures


def record(name: str) -> list[str]:
    """Write the checksums of what a changed pom resolves to now; reading the difference is left to a person."""
    if not (PINS / "maven" / name / "pom.xml").is_file():
        return [f"{name} has no pom.xml in {PINS / 'maven'}"]
    recipes.record_checksums(PINS / "maven" / name, Cache(default_cache()), jdk())
    return []


def lock() -> list[str]:
    """Compile every lock anew, with the uv that is pinned."""
    cache = Cache(default_cache())
    uv = recipes.pinned_items(PINS, cache, jdk)["uv"]
    install(uv, cache)
    compile_locks(ROOT, cache, uv.paths(cache)["uv"])
    return []


def main() -> int:
    """Run the command line; what failed goes to standard error, with what to do about it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="PIN", help="only these pins (default: all but those on request)")
    parser.add_argument(
        "--record-checksums", metavar="NAME", help="write maven/NAME/jars.sha256 anew after a wanted change"
    )
    parser.add_argument("--lock", action="store_true", help="compile requirements/*.lock anew")
    arguments = parser.parse_args()
    try:
        if arguments.lock:
            failures = lock()
        elif arguments.record_checksums:
            failures = record(arguments.record_checksums)
        else:
            failures = bootstrap(arguments.names)
    except KeyboardInterrupt:
        failures = ["stopped; what was finished is kept: run it again to go on"]
    except Failed as failed:
        failures = [str(failed)]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
