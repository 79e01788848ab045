"""Spark standalone out of PySpark's wheel: a master, a worker, and the configuration that every application starts
from."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from zipfile import ZipFile, ZipInfo

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.engines import hadoop
from enginedge.engines.jvm import FIRST_COMPILER, ROOM_FOR_CODE, SERIAL
from enginedge.engines.metastore import ABANDONED_S
from enginedge.lake.class_archive import class_path, configuration_jar
from enginedge.private_files import private_folder, write_private
from enginedge.settings import HOST

WORKER_CORES, WORKER_MEMORY = "2", "3g"
LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss} %p %c{1}: %m%n%ex
logger.deploy.name = org.apache.spark.deploy
logger.deploy.level = info
"""
# A driver plans, and never gets warm: it has the first compiler alone. An executor may work long: the second
# compiler makes it up to half quicker, but costs a short one twice the time. So it comes in late, at ten
# times Java's own thresholds; and it compiles methods of any size, since Spark writes one of all of a table's columns.
QUICK = f"{SERIAL} {FIRST_COMPILER} {ROOM_FOR_CODE}"
PATIENT = " ".join(
    (
        SERIAL,
        "-XX:Tier4InvocationThreshold=50000",
        "-XX:Tier4MinInvocationThreshold=6000",
        "-XX:Tier4CompileThreshold=150000",
        "-XX:Tier4BackEdgeThreshold=400000",
        "-XX:-DontCompileHugeMethods",
    )
)
# Of some thousand rows, Spark's own compiling of each query costs more than it saves: a tenth of an application.
UNCOMPILED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
# Some of Spark's pages show an application's settings: what looks like a secret is painted over.
REDACTED = r"(?i)secret|password|passwd|token|credential|access[.]?key|jaas|uri"

# By default a server on a port of its own runs what it is sent, and the master's page ends applications and workers.
# Neither asks who it is: any page in a browser on this machine could be it.
CLOSED = " ".join(
    (
        "-Dspark.master.rest.enabled=false",
        "-Dspark.ui.killEnabled=false",
        "-Dspark.master.ui.decommission.allow.mode=DENY",
    )
)


def prepare_master(local: Local) -> Launch:
    """The master, with its page beside it."""
    port, page = local.port("spark-master"), local.port("spark-master", "ui")
    arguments = ["--host", HOST, "--port", str(port), "--webui-port", str(page), *_properties(local)]
    return _daemon(local, "org.apache.spark.deploy.master.Master", arguments)


def prepare_worker(local: Local) -> Launch:
    """The worker; its applications' folders are cleaned a day after they ended."""
    port, page = local.port("spark-worker"), local.port("spark-worker", "ui")
    arguments = [
        *("--host", HOST, "--port", str(port), "--webui-port", str(page)),
        *("--cores", WORKER_CORES, "--memory", WORKER_MEMORY),
        *("--work-dir", str(local.data("spark-worker"))),
        *_properties(local),
        f"spark://{local.address('spark-master')}",
    ]
    return _daemon(local, "org.apache.spark.deploy.worker.Worker", arguments)


def _properties(local: Local) -> list[str]:
    return ["--properties-file", str(local.conf("spark") / "spark-defaults.conf")]


def _daemon(local: Local, main: str, arguments: list[str]) -> Launch:
    write_configuration(local)
    environment = {
        **application_environment(local),
        "SPARK_CONF_DIR": str(configuration_jar()),  # executors inherit it from the worker
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": f"{CLOSED} {SERIAL} {FIRST_COMPILER} "
        "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=86400",
        "SPARK_PUBLIC_DNS": HOST,
    }
    return Launch([str(local.tool("spark_home") / "bin" / "spark-class"), main, *arguments], environment)


def application_environment(local: Local) -> dict[str, str]:
    """What whoever starts a Spark application needs in its environment; no secret among it."""
    return {
        "JAVA_HOME": str(local.tool("java17_home")),
        "SPARK_HOME": str(local.tool("spark_home")),
        "SPARK_CONF_DIR": str(local.conf("spark")),
        "SPARK_LOCAL_IP": HOST,
        "PYSPARK_PYTHON": f"{local.tools['venv']}/bin/python",
    }


def write_configuration(local: Local) -> None:
    """``.state/conf/spark``: the defaults of every application, and the store's keys in a file of their own."""
    private_folder(local.settings.spool)
    on_class_path = {
        "core-site.xml": hadoop.configuration(hadoop.s3a(local.object_store("lake"))),
        "log4j2.properties": LOGGING,
    }
    for name, text in on_class_path.items():
        local.write("spark", name, text)
    write_private(configuration_jar(), _jar(on_class_path))
    lines = [f"{name} {value}" for name, value in _defaults(local).items()]
    local.write("spark", "spark-defaults.conf", "\n".join(lines) + "\n")


def _jar(files: Mapping[str, str]) -> bytes:
    """The same files make the same bytes: what was recorded of this class path stays good as long as they do."""
    made = BytesIO()
    with ZipFile(made, "w") as jar:
        for name, text in files.items():
            jar.writestr(ZipInfo(name), text)
    return made.getvalue()


def _defaults(local: Local) -> dict[str, str]:
    jars = class_path(local.tools)
    metastore = f"thrift://{local.address('metastore')}"
    return {
        "spark.master": f"spark://{local.address('spark-master')}",
        "spark.driver.memory": "768m",
        "spark.executor.memory": "768m",
        "spark.executor.cores": WORKER_CORES,
        "spark.cores.max": WORKER_CORES,
        "spark.sql.shuffle.partitions": "4",
        "spark.default.parallelism": "2",
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        "spark.driver.defaultJavaOptions": QUICK,
        "spark.executor.defaultJavaOptions": QUICK if local.settings.short_lived else PATIENT,
        # Nothing listens beyond loopback; several applications find their own ports, from these on upwards.
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.ui.port": "4040",
        "spark.port.maxRetries": "64",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.redaction.regex": REDACTED,
        "spark.sql.redaction.options.regex": REDACTED,
        "spark.sql.redaction.string.regex": REDACTED.replace("|uri", ""),
        "spark.sql.session.timeZone": "UTC",
        # Java's own upper and lower case: the other library's tables take half a second to set up, once an application.
        "spark.sql.icu.caseMappings.enabled": "false",
        # The lake's Iceberg tables. Another application's commit must be seen at once: nothing is cached.
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hive",
        "spark.sql.catalog.lake.uri": metastore,
        "spark.sql.catalog.lake.warehouse": "s3a://lake",
        "spark.sql.catalog.lake.cache-enabled": "false",
        "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        # By default four minutes: the metastore gives a lock up long before.
        "spark.hadoop.iceberg.hive.lock-heartbeat-interval-ms": str(ABANDONED_S * 1000 // 4),
        # Plain Hive tables over raw files, beside them.
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": metastore,
        "spark.sql.warehouse.dir": "s3a://lake/warehouse",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        # Lineage goes to a file, which loses nothing while the relay is down; each application names its own.
        "spark.extraListeners": "io.openlineage.spark.agent.OpenLineageSparkListener",
        "spark.openlineage.transport.type": "file",
        "spark.openlineage.transport.location": str(local.settings.spool / "spark.ndjson"),
        "spark.openlineage.namespace": "enginedge",
        **(UNCOMPILED if local.settings.short_lived else {}),
    }
