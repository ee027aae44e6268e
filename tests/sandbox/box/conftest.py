"""Who signs in at the simulated Box."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.box.caller import Caller, caller
from tests.sandbox.inside import inside


@pytest.fixture
async def admin() -> AsyncIterator[Caller]:
    """The admin of a sandbox of Box alone."""
    async with inside("box", users=8) as box:
        yield await caller(box)
