"""Who signs in at the simulated Egnyte."""

from typing import Any

import pytest

from testbed.sandbox import Sandbox

Account = dict[str, Any]


@pytest.fixture
def people(sandbox: Sandbox) -> list[Account]:
    """The accounts that can sign in and have a folder of their own, an administrator first."""
    accounts = [one for one in sandbox.service("egnyte")["accounts"] if one["refresh_token"]]
    own = [one for one in accounts if one["details"]["user_type"] != "standard"]
    return sorted(own, key=lambda one: one["role"] != "admin")
