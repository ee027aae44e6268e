"""One sandbox of Microsoft for all tests of a module, which keep out of each other's way by folders of their own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.microsoft.graph import Office, office


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_box() -> AsyncIterator[Office]:
    """A sandbox of 30 people, without quotas."""
    async with office() as made:
        yield made


@pytest.fixture
def box(shared_box: Office) -> Office:
    """The shared sandbox, without the faults, switches and flags of other tests."""
    shared_box.box.world.faults.rules = []
    shared_box.vendor.do_switch(
        {"rewrite_office": True, "strict_fragments": False, "refuse_bearer": False, "links_blocked": False}
    )
    return shared_box
