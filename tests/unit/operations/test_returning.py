"""Where browsers come back to."""

import pytest

from haulage.operations.returning import return_to
from haulage.services.registry import service


@pytest.mark.parametrize(
    ("service_id", "url", "registered", "usual", "possible"),
    [
        ("box", "http://localhost:28437", True, True, True),
        ("dropbox", "http://localhost:5000", True, False, True),
        ("onedrive", "http://localhost:5000", False, False, True),
        ("google-drive", "https://haulage.example.com", True, False, True),
        ("egnyte", "http://localhost:28437", True, True, False),
        ("egnyte", "https://haulage.example.com", True, False, True),
    ],
)
def test_where_a_service_sends_browsers_back_to(
    service_id: str, url: str, registered: bool, usual: bool, possible: bool
) -> None:
    """What has to be registered is told before anybody leaves for the service, whatever the server's port is."""
    found = return_to(service(service_id), url)
    assert found is not None
    assert found.address == f"{url}/oauth/callback/{service_id}"
    assert (found.registered, found.usual, found.possible) == (registered, usual, possible)


def test_nobody_comes_back_from_a_service_of_keys() -> None:
    """There is no sign-in at it."""
    assert return_to(service("s3"), "http://localhost:28437") is None
