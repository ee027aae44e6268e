"""Who signs in at the simulated Dropbox."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.dropbox.caller import Caller, caller
from tests.sandbox.inside import inside


@pytest.fixture
async def me() -> AsyncIterator[Caller]:
    """The admin of a sandbox of Dropbox alone."""
    async with inside("dropbox", users=8) as box:
        yield await caller(box)
