"""A sandbox of the toy alone, in the test's own loop."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from haulage.sandbox import up
from haulage.sandbox.services import SIMULATORS
from tests.sandbox.frame.toy import Client, Toy


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy is one of the simulators."""
    monkeypatch.setitem(SIMULATORS, "toy", Toy)


@pytest.fixture
async def toy() -> AsyncIterator[Client]:
    """The toy's client."""
    async with up.sandbox(up.Settings(only=("toy",))) as box, aiohttp.ClientSession() as session:
        yield Client(box, session)
