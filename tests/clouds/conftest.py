"""A sandbox for all tests of a worker, and for each an installation in which a person's drives are connected."""

import pytest

from tests.clouds.person import Person
from tests.connectors.conftest import office, sandbox, shared_sandbox
from tests.connectors.people import Office

__all__ = ["office", "sandbox", "shared_sandbox"]  # fixtures


@pytest.fixture
def person(office: Office) -> Person:
    """Somebody with drives."""
    return Person(office)
