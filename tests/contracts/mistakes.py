"""What every file that a person writes promises: a mistake in it is refused by file, line and field, with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from enginedge.errors import Misconfigured, Where


@dataclass(frozen=True)
class Written:
    """A file without mistakes: its name, its text, and who reads such a text."""

    file: str
    text: str
    read: Callable[[str], object]

    def refused(self, was: str, is_now: str, at: str) -> str:
        """What is said of the file once ``was`` ``is_now``; it points at the line of ``at``, if that is given."""
        assert was in self.text
        changed = self.text.replace(was, is_now, 1)
        with pytest.raises(Misconfigured) as refusal:
            self.read(changed)
        where = refusal.value.where
        assert isinstance(where, Where)
        assert where.place.endswith(self.file)
        assert not at or where.line == changed[: changed.index(at)].count("\n") + 1
        assert refusal.value.remedy
        return refusal.value.what
