"""Finding the Spark drivers that run, for the tests that kill them in the middle of their work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psutil

from enginedge.settings import settings

MAIN = "org.apache.spark.deploy.SparkSubmit"
LAUNCHER = "org.apache.spark.launcher.Main"  # a short-lived Java process that only prints the driver's command


def spark_drivers(submitter: int | None = None) -> Iterator[psutil.Process]:
    """The Java processes of this installation's Spark applications; of those alone that ``submitter`` started, where
    its process id is given.

    A driver's properties lie in the installation's own folder, which tells it from those of another one.
    """
    properties = f"{settings().state}/run/spark/"
    everything = psutil.Process(submitter).children(recursive=True) if submitter else psutil.process_iter()
    for process in everything:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            said = process.cmdline()
            if process.name() == "java" and MAIN in said and LAUNCHER not in said and properties in " ".join(said):
                yield process
