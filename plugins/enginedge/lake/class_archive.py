"""Spark's Java machines start from an archive of the classes that an earlier application loaded.

A driver spends a third of its processor time on finding, verifying and linking its classes, anew for every application.
Java's class data sharing (JEP 350) keeps them, linked, in a file. The first application that ends well records it; the
later ones map it, drivers and executors alike, since both have one class path. Java itself refuses an archive of other
classes and goes on without; what the archive depends on is in its name, so that then a new one is recorded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enginedge.kernel_lock import taken
from enginedge.private_files import private_folder
from enginedge.settings import settings

QUIET = "-Xlog:cds*=off"  # it would tell on standard output which classes it can't keep


@contextmanager
def class_archive(attempt: str) -> Iterator[dict[str, str]]:
    """Java's options for the driver and for the executors of the application ``attempt``.

    They start from the archive, where there is one. Otherwise the driver records it, unless another one does so at the
    moment: recording takes longer than it saves. What was recorded counts if the ``with`` ends well.
    """
    archive = _archive()
    if archive.exists():
        shared = f"-XX:SharedArchiveFile={archive} {QUIET}"
        yield {"driver": shared, "executor": shared}
        return
    with _alone(archive.parent) as alone:
        if not alone:
            yield {}
            return
        part = archive.with_name(f"{attempt}.part")
        try:
            yield {"driver": f"-XX:ArchiveClassesAtExit={part} {QUIET}"}
            if part.exists():
                for stale in part.parent.glob("*.jsa"):
                    stale.unlink(missing_ok=True)
                part.replace(archive)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else is in here with ``folder``; who is killed in here is no longer."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield taken(descriptor)
    finally:
        os.close(descriptor)


def configuration_jar() -> Path:
    """Spark's configuration as a JAR: Java shares no classes where a folder that is not empty is in the class path."""
    return settings().state / "conf" / "spark" / "configuration.jar"


def _folder() -> Path:
    return private_folder(settings().state / "cache" / "spark")


def _archive() -> Path:
    """Named for everything on the class path, and for the Java that reads it."""
    tools, jar = settings().toolchain(), configuration_jar()
    release = (Path(tools["java17_home"]) / "release").read_text()
    spark = (Path(tools["spark_home"]) / "version.py").read_text()
    written = jar.stat().st_mtime_ns if jar.exists() else 0
    depends_on = [release, spark, tools["spark_home"], tools["spark_jars"], str(jar), str(written)]
    name = hashlib.sha256("\n".join(depends_on).encode()).hexdigest()[:16]
    return _folder() / f"{name}.jsa"
