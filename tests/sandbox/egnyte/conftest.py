"""Who signs in at the simulated Egnyte."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from testbed.sandbox import Sandbox
from tests.sandbox.egnyte.caller import Caller, caller
from tests.sandbox.inside import inside

Account = dict[str, Any]


@pytest.fixture
def people(sandbox: Sandbox) -> list[Account]:
    """The accounts that can sign in and have a folder of their own, an administrator first."""
    accounts = [one for one in sandbox.service("egnyte")["accounts"] if one["refresh_token"]]
    own = [one for one in accounts if one["details"]["user_type"] != "standard"]
    return sorted(own, key=lambda one: one["role"] != "admin")


@pytest.fixture
async def admin() -> AsyncIterator[Caller]:
    """The administrator of a sandbox of Egnyte alone."""
    async with inside("egnyte", users=8) as box:
        yield await caller(box)
