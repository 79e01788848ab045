"""Where an installation may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.layout import local
from deploy.local.plain_paths import complaint
from enginedge.errors import Misconfigured
from enginedge.settings import settings


@pytest.mark.parametrize("name", ["my projects", "a;b", "$HOME", "a'b", "a:b", "a%b", "a,b", "line\nbreak", "a*"])
def test_a_path_that_a_shell_would_read_in_a_way_of_its_own_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ENGINEDGE_STATE", str(tmp_path / name))
    settings.cache_clear()
    with pytest.raises(Misconfigured, match=r"the path .* holds .*What to do: use a folder"):
        local()
    settings.cache_clear()


def test_letters_of_any_language_are_plain() -> None:
    assert complaint("/home/jürgen/my-project_2/a.b+c@d", Path("/日本")) == ""
