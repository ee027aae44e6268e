"""The table of services: true to what each declares, and nothing is loaded before it is needed."""

import subprocess
import sys

import pytest

from haulage.model.errors import Refused
from haulage.services.registry import PLACES, by_scheme, service, services


@pytest.mark.parametrize("service_id", PLACES)
def test_a_line_says_what_the_service_says(service_id: str) -> None:
    found = service(service_id)
    assert (found.id, found.scheme) == (service_id, PLACES[service_id][0])
    assert by_scheme(found.scheme) is found
    assert services()[service_id] is found


def test_what_is_not_there_is_said() -> None:
    assert by_scheme("gopher") is None
    with pytest.raises(Refused, match="gopher") as refused:
        service("gopher")
    assert all(service_id in refused.value.fix for service_id in PLACES)


def test_only_the_service_that_is_asked_for_is_loaded() -> None:
    program = "import sys; from haulage.services.registry import by_scheme; by_scheme('s3'); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "haulage.services.s3" in told
    assert "haulage.services.azure_blob" not in told
