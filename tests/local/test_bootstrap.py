"""The bootstrap's promises: whole or not at all, refused when it is not what was pinned, plain about what lacks."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.toolchain import machine, recipes
from deploy.local.toolchain.commands import Failed, run
from deploy.local.toolchain.items import Cache, Item, forget_unused, install, key_of
from deploy.local.toolchain.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "deploy" / "local" / "pins"
BOOTSTRAP = [sys.executable, str(ROOT / "deploy" / "local" / "bootstrap.py")]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))

HALF_AN_ITEM = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from deploy.local.toolchain.items import Cache, Item, install

def make(into):
    (into / "first").write_text("half")
    print("half", flush=True)
    time.sleep(60)

install(Item("fake", "k1", "fakes", make), Cache(Path({cache!r})))
"""


def whole(into: Path) -> None:
    assert list(into.iterdir()) == [], "the rest of an interrupted run must be swept away first"
    (into / "first").write_text("whole")
    (into / "second").write_text("whole")


def pinned_versions(lock: Path) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", lock.read_text(), re.MULTILINE):
        versions.setdefault(name.lower(), set()).add(version)
    return versions


def test_an_item_killed_in_the_middle_is_not_installed_and_the_next_run_finishes_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    script = HALF_AN_ITEM.format(root=str(ROOT), cache=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "half\n"
        killed.send_signal(signal.SIGKILL)
    item = Item("fake", "k1", "fakes", whole)
    assert not item.is_installed(cache)

    install(item, cache)

    assert item.is_installed(cache)
    assert {path.name for path in item.folder(cache).iterdir()} == {"first", "second"}
    assert (item.folder(cache) / "first").read_text() == "whole"
    assert [path.name for path in cache.tools.iterdir()] == ["fake-k1"]


def test_an_item_that_fails_leaves_nothing_that_looks_installed(tmp_path: Path) -> None:
    def fails(into: Path) -> None:
        (into / "first").write_text("half")
        raise Failed("no")

    item = Item("fake", "k1", "fakes", fails)
    with pytest.raises(Failed):
        install(item, Cache(tmp_path))
    assert not item.is_installed(Cache(tmp_path))


def test_two_bootstraps_at_once_make_an_item_once(tmp_path: Path) -> None:
    made, waited, both = [], [], threading.Barrier(2)

    def make(into: Path) -> None:
        made.append(into)
        (into / "file").write_text("whole")

    item, cache = Item("fake", "k1", "fakes", make), Cache(tmp_path)

    def one() -> None:
        both.wait()
        install(item, cache, waited.append)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_what_takes_long_is_said_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    progress, ended = Progress(), threading.Event()
    telling = threading.Thread(target=progress.reassure, args=(ended, 0.05))
    telling.start()
    progress.do(("slow", lambda: False, lambda _: time.sleep(0.3)))
    ended.set()
    telling.join()
    *still, last = capsys.readouterr().out.splitlines()
    assert len(still) >= 2
    assert all("slow             still installing, for 0 s" in line for line in still)
    assert "ready after" in last


def test_a_changed_pin_makes_a_new_folder_and_leaves_the_old_one_alone(tmp_path: Path) -> None:
    pin = tmp_path / "pom.xml"
    pin.write_text("1")
    before = key_of(pin)
    pin.write_text("2")
    cache = Cache(tmp_path / "cache")
    for key in (before, key_of(pin)):
        install(Item("fake", key, "fakes", whole), cache)
    assert len(list(cache.tools.iterdir())) == 2


def test_versions_that_no_checkout_has_used_for_weeks_are_deleted(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    old, used = Item("fake", "old", "fakes", whole), Item("fake", "used", "fakes", whole)
    for item in (old, used):
        install(item, cache)
        os.utime(item.folder(cache), (0, 0))
    forget_unused(cache, {used.folder(cache)})
    assert [path.name for path in cache.tools.iterdir()] == ["fake-used"]


def test_spark_lies_at_one_place_for_all_checkouts_and_without_the_modules_that_the_environment_has(
    tmp_path: Path,
) -> None:
    places = []
    for checkout in ("one", "another"):
        packages = tmp_path / checkout
        for name in ("bin/spark-submit", "jars/spark-core.jar", "python/lib/pyspark.zip"):
            (packages / "pyspark" / name).parent.mkdir(parents=True, exist_ok=True)
            (packages / "pyspark" / name).write_text(name)
        item = recipes.spark(packages, ROOT / "requirements" / "local.lock")
        install(item, Cache(tmp_path / "cache"))
        places.append(item.paths(Cache(tmp_path / "cache")))
    home, classes = Path(places[0]["spark_home"]), Path(places[0]["spark_classes"])
    assert places[0] == places[1]
    assert (home / "jars" / "spark-core.jar").read_text() == "jars/spark-core.jar"
    assert sorted(path.name for path in home.iterdir()) == ["bin", "classes", "jars"]
    assert list(classes.iterdir()) == []


def test_a_lock_without_spark_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "local.lock"
    lock.write_text("requests==2.0\n")
    with pytest.raises(Failed, match=r"no PySpark is pinned in .*local\.lock"):
        recipes.spark(tmp_path, lock)


def test_what_only_building_needed_is_gone_soon_read_only_as_go_leaves_it(tmp_path: Path) -> None:
    module = tmp_path / "go" / "mod" / "a@v1"
    module.mkdir(parents=True)
    (module / "file").touch(0o400)
    module.chmod(0o500)
    recipes.drop_build_caches(Cache(tmp_path))
    assert not (tmp_path / "go").exists()
    until = time.monotonic() + 30
    while list(tmp_path.glob("*.unused")) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(tmp_path.glob("*.unused")) == []


@pytest.mark.parametrize("lane", recipes.GO_LANES)
def test_what_another_bootstrap_builds_with_stays(tmp_path: Path, lane: str) -> None:
    cache = Cache(tmp_path)
    (tmp_path / "go").mkdir()
    with cache.lock(f"lane-{lane}"):
        recipes.drop_build_caches(cache)
    assert (tmp_path / "go").exists()


def test_a_file_with_the_wrong_checksum_is_refused_and_named(tmp_path: Path) -> None:
    jars = tmp_path / "lib"
    jars.mkdir()
    (jars / "good.jar").write_text("good")
    (jars / "bad.jar").write_text("something else")
    checksums = tmp_path / "jars.sha256"
    good = recipes.sha256_of(jars / "good.jar")
    checksums.write_text(f"{good}  good.jar\n{good}  bad.jar\n")
    with pytest.raises(Failed, match=r"bad\.jar has the wrong checksum"):
        recipes.verify(jars, checksums)


@pytest.mark.parametrize(("pinned", "there"), [({"a.jar", "b.jar"}, {"a.jar"}), ({"a.jar"}, {"a.jar", "b.jar"})])
def test_a_missing_or_an_unexpected_file_is_named(tmp_path: Path, pinned: set[str], there: set[str]) -> None:
    jars = tmp_path / "lib"
    jars.mkdir()
    for name in there:
        (jars / name).touch()
    empty = recipes.sha256_of(jars / "a.jar")
    checksums = tmp_path / "jars.sha256"
    checksums.write_text("".join(f"{empty}  {name}\n" for name in pinned))
    with pytest.raises(Failed, match=r"b\.jar is (missing|not pinned)"):
        recipes.verify(jars, checksums)


def test_a_failed_command_is_told_with_its_last_lines_and_what_to_do() -> None:
    with pytest.raises(Failed) as failed:
        run(["sh", "-c", "echo no route; exit 7"], cwd=ROOT, env=os.environ, remedy="look at the network")
    told = str(failed.value)
    assert "ended with 7" in told
    assert "| no route" in told
    assert "what to do: look at the network" in told


def test_a_missing_prerequisite_is_one_line_that_says_how_to_get_it(tmp_path: Path) -> None:
    """The real script, with a PATH that has neither Maven, Go and curl nor apt-get."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "make", "tar", "setpriv", "unshare"):
        (tools / name).symlink_to(shutil.which(name) or "")
    env = {"PATH": str(tools), "HOME": str(tmp_path / "home"), "ENGINEDGE_CACHE": str(tmp_path / "cache")}
    finished = subprocess.run(BOOTSTRAP, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 1
    lines = finished.stderr.splitlines()
    assert "Maven is missing: apt-get install maven (as root; on Debian 12)" in lines
    assert "Go 1.26 or newer is missing: install Go 1.26 and put its bin folder on the PATH" in lines
    assert "curl is missing: apt-get install curl (as root; on Debian 12)" in lines
    assert not (tmp_path / "home").exists()


def test_a_pin_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    env = {**os.environ, "ENGINEDGE_CACHE": str(tmp_path)}
    finished = subprocess.run([*BOOTSTRAP, "minoi"], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 1
    assert "minoi is no pin; there are minio, etcd" in finished.stderr


def test_a_jdk_is_taken_only_when_it_is_of_the_wanted_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(sys.executable)
    (tmp_path / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="99.0.1"\n')
    monkeypatch.setenv("JAVA17_HOME", str(tmp_path))
    monkeypatch.setenv("JAVA99_HOME", str(tmp_path))
    assert machine.java_home(99) == str(tmp_path)
    assert machine.java_home(17) != str(tmp_path)


def test_a_runtime_without_a_compiler_is_no_jdk_17(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(sys.executable)
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.9"\n')
    monkeypatch.setenv("JAVA17_HOME", str(tmp_path))
    assert machine.java_home(17) != str(tmp_path)
    (tmp_path / "bin" / "javac").symlink_to(sys.executable)
    assert machine.java_home(17) == str(tmp_path)


def test_every_prerequisite_says_in_one_line_how_to_get_it() -> None:
    for need in [*machine.BUILDING, *machine.RUNNING]:
        assert re.fullmatch(r".+ is missing: \S.*", need.missing()), need.name


def test_a_library_that_a_server_is_linked_with_is_looked_for() -> None:
    assert machine.library("libc.so.6")()
    assert machine.library("libnowhere.so.1")() is None


@dataclass
class Debian:
    """A Debian whose apt-get is a script: it writes down what it is asked, and the policy that it finds."""

    tools: Path
    policy: Path
    cache: Cache

    def apt_get(self, does: str) -> None:
        script = self.tools / "apt-get"
        script.write_text(f'#!/bin/sh\necho "$@" >> {self.tools}/asked\n{does}\n')
        script.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        return (self.tools / "asked").read_text().splitlines()

    def need(self, program: str, package: str) -> machine.Need:
        return machine.Need(program, lambda: shutil.which(program, path=str(self.tools)), package)


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Debian(tools, tmp_path / "policy-rc.d", Cache(tmp_path / "cache"))


def test_what_is_lacking_is_installed_at_once_and_nothing_of_it_is_started(debian: Debian) -> None:
    made = " ".join(f"{debian.tools}/{name}" for name in ("redis-server", "chromium"))
    debian.apt_get(f'{debian.policy}; echo "policy says $?" >> {debian.tools}/asked; touch {made}; chmod +x {made}')
    needs = [debian.need("redis-server", "redis-server"), debian.need("chromium", "chromium")]
    said: list[str] = []
    assert machine.supply(needs, debian.cache, said.append) == []
    update, _, install, policy = debian.asked
    assert update.endswith("update")
    assert install.endswith("--yes --no-install-recommends install chromium redis-server")
    assert policy == "policy says 101", "a package asks it before it starts its service; 101 is no"
    assert not debian.policy.exists()
    assert said == ["installing chromium, redis-server"]


def test_what_is_there_is_not_installed_again(debian: Debian) -> None:
    debian.apt_get("exit 1")
    assert machine.supply([debian.need("apt-get", "apt")], debian.cache) == []
    assert not (debian.tools / "asked").exists()


def test_what_no_package_brings_stays_named(debian: Debian) -> None:
    debian.apt_get("exit 0")
    nowhere = machine.Need("Go", lambda: None, "", "install Go")
    still = debian.need("redis-cli", "redis-tools")
    assert machine.supply([nowhere, still], debian.cache) == [nowhere, still]
    assert not any("Go" in line for line in debian.asked)


def test_a_failing_apt_get_is_told_with_its_last_words_and_leaves_no_policy(debian: Debian) -> None:
    debian.apt_get("echo 'E: Unable to locate package'; exit 100")
    with pytest.raises(Failed, match="Unable to locate package"):
        machine.supply([debian.need("redis-cli", "redis-tools")], debian.cache)
    assert not debian.policy.exists()


def test_the_machines_own_policy_is_kept_and_one_that_a_kill_left_is_removed(debian: Debian) -> None:
    debian.apt_get("exit 0")
    debian.policy.write_text("#!/bin/sh\nexit 0\n")
    machine.supply([debian.need("redis-cli", "redis-tools")], debian.cache)
    assert debian.policy.read_text() == "#!/bin/sh\nexit 0\n"
    debian.policy.write_text(machine.POLICY_TEXT)
    machine.supply([], debian.cache)
    assert not debian.policy.exists()


def test_nobody_but_root_installs_anything(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    debian.apt_get("exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    still = debian.need("redis-cli", "redis-tools")
    assert machine.supply([still], debian.cache) == [still]
    assert not (debian.tools / "asked").exists()


def test_too_little_disk_is_one_line_that_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DISK_GIB", 10**6)
    (line,) = machine.too_small(tmp_path / "not" / "yet", tmp_path, everything_is_there=False)
    assert f"1000000 GiB of free disk are needed below {tmp_path}" in line


def test_every_pin_is_complete() -> None:
    """Each pin has its files, each module of a go.mod its checksum, each tarball that is unpacked its own."""
    pins = recipes.read_pins(PINS)
    assert {path.name for path in (PINS / "go").iterdir()} == {pin["pin"] for pin in pins["go"].values()}
    assert {path.name for path in (PINS / "maven").iterdir()} == set(pins["maven"])
    for folder in (PINS / "go").iterdir():
        sums = {line.rsplit(maxsplit=1)[0] for line in (folder / "go.sum").read_text().splitlines()}
        required = re.findall(r"^(?:\t|require )(\S+) (v\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
        assert required
        assert {f"{module} {version}/go.mod" for module, version in required} <= sums
    for name, pin in pins["maven"].items():
        listed = [line.split() for line in (PINS / "maven" / name / "jars.sha256").read_text().splitlines()]
        assert all(len(digest) == 64 for digest, _ in listed)
        assert not pin.get("unpack") or pin["unpack"] in [file for _, file in listed]
        for version in xml.parse(PINS / "maven" / name / "pom.xml").iter("{http://maven.apache.org/POM/4.0.0}version"):  # noqa: S314 (ours)
            assert re.fullmatch(r"[0-9][\w.-]*|\$\{\w+\}", version.text or "")
    for pin in pins["wheel"].values():
        assert re.fullmatch(r"[0-9a-f]{64}", pin["sha256"])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_locked_package_has_one_version_and_a_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())
    for entry in entries:
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock.stem != "local"], ids=lambda lock: lock.stem)
def test_a_roles_lock_is_a_subset_of_the_local_one(lock: Path) -> None:
    local = pinned_versions(ROOT / "requirements" / "local.lock")
    for name, versions in pinned_versions(lock).items():
        assert versions <= local.get(name, set()), f"{name} is {versions} in {lock.name} and {local.get(name)} locally"


def test_every_role_has_its_lock() -> None:
    roles = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {lock.stem for lock in LOCKS} == {*roles, "local"}
