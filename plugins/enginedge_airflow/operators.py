"""The one task that Airflow must be able to stop by hand: a Spark application that runs beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from enginedge.lake.declared import tables_of
from enginedge_airflow import assets


class RefreshSource(BaseOperator):
    """Runs the night of one source, all of its tables in one Spark application, and emits each table's asset.

    Skipped, with the reason, where the request leaves the source out. When the task is stopped, so is its application,
    whose lineage names the task as its parent.

    Args:
        source: one of :data:`enginedge.lake.declared.SOURCES`.
        request: what :func:`enginedge.lake.requests.check_request` returned.
    """

    template_fields: Sequence[str] = ("request",)
    ui_color = "#dbe9f6"

    def __init__(self, *, source: str, request: Any, **kwargs: Any) -> None:
        super().__init__(outlets=[assets.table(name) for name in tables_of(source)], **kwargs)
        self.source = source
        self.request = request

    def execute(self, context: Any) -> list[dict[str, Any]]:
        if self.source not in self.request["sources"]:
            raise AirflowSkipException(f"{self.source} is not among the sources asked for: {self.request['sources']}")
        from airflow.providers.openlineage.plugins.macros import lineage_parent_id

        from enginedge.lake import night

        os.environ["OPENLINEAGE_PARENT_ID"] = lineage_parent_id(context["ti"])
        counted = night.refresh_source(
            self.source, self.request["night"], run=context["run_id"], full_refresh=self.request["full_refresh"]
        )
        for counts in counted:
            assets.tell(context["outlet_events"], counts.table, asdict(counts))
        return [asdict(counts) for counts in counted]

    def on_kill(self) -> None:
        from enginedge.lake import spark

        spark.stop()
