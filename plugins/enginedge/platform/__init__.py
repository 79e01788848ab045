"""The platform's inventory, ``deploy/platform.yaml``, as typed values: every service, port, probe and thing to back up.

Whatever is said about a service twice drifts apart, so the local stack, its status page, the health checks, the
tests and the backup plan are all derived from these values.
"""

from enginedge.platform.load import load_platform, parse_platform
from enginedge.platform.model import Backup, Objectives, Page, Platform, Readiness, Service

__all__ = ["Backup", "Objectives", "Page", "Platform", "Readiness", "Service", "load_platform", "parse_platform"]
