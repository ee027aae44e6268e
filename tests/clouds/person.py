"""A person who has drives at several services, and the program to move files between them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from testbed.sandbox import Sandbox
from tests.connectors.people import VENDORS, Office
from tests.e2e.program import Program, Ran
from tests.sandbox.with_rclone import Rclone

SERVICES = ("onedrive-business", "onedrive", "dropbox")
"""Those whose drives are tried, each with one sign-in."""

SAMPLE = ("onedrive-business", "dropbox")
"""Those that are tried in every test run; the others in the long one."""

BACKENDS = {"onedrive-business": "onedrive", "onedrive": "onedrive", "dropbox": "dropbox"}
"""rclone's name for what is behind a service."""


def sampled() -> list[Any]:
    """All services; those that are not in the sample are marked slow."""
    return [pytest.param(one, marks=() if one in SAMPLE else pytest.mark.slow) for one in SERVICES]


class Person(Program):
    """`haulage` in an installation with connectors that are named as their services are."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.home, {"HAULAGE_BACKOFF_SECONDS": "0.1"})
        self._office = office
        self._account: dict[str, str] = {}

    def connect(self, service_id: str) -> None:
        """Sign in to a drive, for reading and writing."""
        account = next(one for one in self._office.people(service_id) if one.get("refresh_token"))
        self._account[service_id] = account["user"]
        asyncio.run(self._office.connect(service_id, account, "write", service_id))

    @property
    def sandbox(self) -> Sandbox:
        """Where the drives are."""
        return self._office.sandbox

    def rclone(self, service_id: str, folder: Path, **options: str) -> Rclone:
        """rclone with the same drive."""
        kind, user = BACKENDS[service_id], self._account[service_id]
        return Rclone(self.sandbox, folder, kind, service_id, VENDORS[service_id], user, **options)

    def copies(self, source: object, target: object, *words: str, seconds: float = 120) -> Ran:
        """A copy that ends well."""
        ran = self("copy", str(source), str(target), *words, "--json", timeout=seconds)
        assert ran.code == 0, ran.out[-3000:] + ran.err
        return ran
