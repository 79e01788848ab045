"""The inventory's JSON Schema, by which editors complete and check ``deploy/platform.yaml`` while it is written."""

from __future__ import annotations

import json

from enginedge.platform.model import Platform


def json_schema() -> str:
    """The schema as ``deploy/platform.schema.json`` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Platform.model_json_schema()}
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
