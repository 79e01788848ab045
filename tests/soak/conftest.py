"""The long tests see the same lake as the gate's."""

from tests.integration.conftest import lake_of_two_nights

__all__ = ["lake_of_two_nights"]
