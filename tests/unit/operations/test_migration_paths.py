"""Where the paths of a migration's rows lead."""

import pytest

from haulage.operations.migrations import location


@pytest.mark.parametrize("path", ["ann@example.com/Files", "/ann@example.com/Files", "//ann@example.com/Files"])
def test_a_slash_before_a_path_changes_nothing(path: str) -> None:
    """It would be read as the server of a URL otherwise."""
    assert location("here", path) == "here:/ann@example.com/Files"


def test_an_address_stays_as_it_is() -> None:
    address = "https://tenant.sharepoint.com/sites/Name/Shared%20Documents"
    assert location("there", address) == f"there:/{address}"
