"""The forms that people fill in."""

from __future__ import annotations

from enginedge.platform import load_platform
from enginedge_airflow import forms
from tests.installation import ROOT


def test_the_form_of_a_restore_offers_every_store_that_is_backed_up_and_none_else() -> None:
    services = load_platform(ROOT / "deploy" / "platform.yaml").services
    assert set(forms.STORES) == {service.name for service in services if service.backup}
    assert forms.RESTORE["store"].schema["enum"] == list(forms.STORES)
