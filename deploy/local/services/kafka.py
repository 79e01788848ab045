"""Kafka: one KRaft node that is broker and controller, with SCRAM for its clients."""

from __future__ import annotations

import shutil
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from deploy.local.layout import Local
from deploy.local.services.process import Launch
from enginedge.engines.jvm import FIRST_COMPILER, SERIAL
from enginedge.private_files import write_private
from enginedge.shell import run

USERS = ("admin", "platform", "lake")
LOGGING = """\
Configuration:
  Appenders:
    Console: {name: OUT, PatternLayout: {pattern: "%d{ISO8601} %p %c{1} %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: OUT}}
    Logger: [{name: kafka.server.KafkaRaftServer, level: INFO}]
"""


def prepare(local: Local) -> Launch:
    """Format the log folder where there is none yet, with its users in it, and start the broker."""
    data = local.data("kafka") / "logs"
    logging = local.write("kafka", "log4j2.yaml", LOGGING)
    java = [
        str(local.tool("java17_home") / "bin" / "java"),
        *("-Xms256m", "-Xmx256m", SERIAL, "-XX:+ExitOnOutOfMemoryError"),
        *([FIRST_COMPILER] if local.settings.short_lived else []),
        f"-Dlog4j2.configurationFile={logging}",
        *("-cp", f"{local.tool('kafka_libs')}/*"),
    ]
    if not data.exists():
        _format(local, java, data)
    properties = local.write("kafka", "server.properties", _properties(local, data))
    return Launch([*java, "kafka.Kafka", str(properties)])


def _format(local: Local, java: list[str], data: Path) -> None:
    part = data.with_name("logs.part")
    shutil.rmtree(part, ignore_errors=True)
    properties = local.write("kafka", "format.properties", _properties(local, part))
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    arguments = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", str(properties)]
    for user in USERS:
        arguments += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={local.secret(f'kafka-{user}')}]"]
    # Java reads arguments from a file, so that no password stands in the list of processes.
    at_file = local.conf("kafka") / "format.arguments"
    write_private(at_file, "\n".join(arguments))
    try:
        run([*java, f"@{at_file}"])
    finally:
        at_file.unlink()
    part.rename(data)


def _properties(local: Local, data: Path) -> str:
    client, controller = local.address("kafka"), local.address("kafka", "controller")
    admin = local.secret("kafka-admin")
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={controller}
listeners=CLIENT://{client},CONTROLLER://{controller}
advertised.listeners=CLIENT://{client},CONTROLLER://{controller}
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config={scram} required username="admin" password="{admin}";
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain} required username="admin" password="{admin}" \
user_admin="{admin}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=true
log.dirs={data}
num.partitions=2
auto.create.topics.enable=false
log.retention.hours=-1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
"""
