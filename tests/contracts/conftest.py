"""The contract suites of lineage run on the same scratch PostgreSQL as its tests."""

from tests.lineage.conftest import new_conninfo, server

__all__ = ["new_conninfo", "server"]
