"""A second night stores what is new: of a store that has grown by a hundredth, about that much."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.benchmarks.filled import KINDS, Kind
from tests.benchmarks.growth import second_nights

SIZE = 200_000_000


@pytest.fixture
def kind(running_stores: None, request: pytest.FixtureRequest) -> Iterator[Kind]:
    made = KINDS[request.param]()
    yield made
    made.empty()


@pytest.mark.stores
@pytest.mark.parametrize("kind", list(KINDS), indirect=True)
def test_a_second_night_stores_what_was_appended_and_little_more(
    kind: Kind, record_property: Callable[[str, object], None]
) -> None:
    size = int(SIZE * kind.share)
    kind.append(size)
    growth = second_nights(kind, size // 100)
    record_property(kind.name, str(growth))
    assert growth.over_appended <= 1.1
    assert growth.chunks_stored <= 1.05 * growth.chunks, "what is stored is no more than the chunks that changed"
