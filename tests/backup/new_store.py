"""An inventory with a store that nobody has backed up yet, whatever other tests did to the others."""

from __future__ import annotations

from pathlib import Path

from tests.installation import ROOT

NEW_STORE = "never-backed-up"


def with_a_new_store(folder: Path) -> Path:
    """A root for ``ENGINEDGE_ROOT`` whose inventory has :data:`NEW_STORE` in the place of Redis."""
    inventory = (ROOT / "deploy" / "platform.yaml").read_text()
    assert "- name: redis\n" in inventory
    (folder / "deploy").mkdir()
    (folder / "deploy" / "platform.yaml").write_text(inventory.replace("- name: redis\n", f"- name: {NEW_STORE}\n"))
    return folder
