"""Microsoft's own SDK for Graph, unmodified: a tour of every endpoint that it covers, its answers read strictly."""

import json
import subprocess
from pathlib import Path

import pytest

from testbed.process import ROOT
from testbed.sandbox import Sandbox, clean_env

SDK = pytest.mark.parametrize("witness", ["msgraph-sdk 1.65"], indirect=True)
PYTHON = ROOT / ".testbed" / "graph-sdk" / "bin" / "python"
TOUR = Path(__file__).with_name("graph_tour.py")
pytestmark = pytest.mark.skipif(
    not (PYTHON.parents[1] / "installed.txt").exists(), reason="the Graph SDK is not installed: run `make setup`"
)


def tour(sandbox: Sandbox, part: str, service: str) -> None:
    """Run a part of the tour, of the third account of a service. Raises AssertionError with what the tour found."""
    offer = sandbox.service(service)
    people = [
        one["user"] for one in sandbox.service("onedrive" if part == "personal" else "onedrive-business")["accounts"]
    ]
    token = sandbox.do("microsoft", "sign-in", user=people[2], client_id=offer["client_id"])["access_token"]
    given = {"offer": offer, "user": people[2], "other": people[4], "token": token}
    env = clean_env(sandbox.client_env)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling what the SDK imports takes 8 s of processor time: once will do
    done = subprocess.run(
        [PYTHON, TOUR, part], input=json.dumps(given), env=env, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr[-3000:]


@SDK
def test_the_directory_and_the_sites(witness: str, sandbox: Sandbox) -> None:
    tour(sandbox, "tenant", "office365")


@SDK
def test_a_business_drive(witness: str, sandbox: Sandbox) -> None:
    tour(sandbox, "business", "onedrive-business")


@SDK
def test_a_consumer_drive(witness: str, sandbox: Sandbox) -> None:
    tour(sandbox, "personal", "onedrive")
