"""A person who has drives at several services, and the program to move files between them."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from egnyte import EgnyteClient

from testbed.sandbox import Sandbox
from tests.connectors.people import VENDORS, Office
from tests.e2e.program import PROGRAM, Program, Ran
from tests.sandbox.with_rclone import Rclone

SERVICES = (
    *("onedrive-business", "onedrive", "office365", "dropbox", "box", "egnyte"),
    *("google-drive", "google-workspace", "box-enterprise", "dropbox-business"),
)
"""Those whose drives are tried, each with one sign-in."""

SAMPLE = ("onedrive-business", "dropbox")
"""Those that are tried in every test run; the others in the long one."""

MATRIX = ("onedrive-business", "onedrive", "dropbox", "box", "egnyte", "google-drive")
"""Those between which every ordered pair is tried."""

TINY = ("box", "egnyte", "google-drive")
"""Those of which every test run tries a few files."""

BACKENDS = {
    **{"onedrive-business": "onedrive", "onedrive": "onedrive", "office365": "onedrive"},
    **{"dropbox": "dropbox", "box": "box", "google-drive": "drive", "google-workspace": "drive"},
    **{"dropbox-business": "dropbox", "box-enterprise": "box"},
}
"""rclone's name for what is behind a service."""

SEEN_AS = {"google-workspace": "google-drive", "box-enterprise": "box", "dropbox-business": "dropbox"}
"""Under which service somebody signs in to the same drives as oneself."""

ADMINISTERED = ("office365",)
"""Those that an administrator signs in to, and then chooses somebody's drive or a site's library."""


OF_OTHERS = {"box-enterprise": "box", "dropbox-business": "dropbox"}
"""Those by which an administrator has the drives of others, and where those sign in themselves."""


def sampled() -> list[Any]:
    """All services; those that are not in the sample are marked slow."""
    return [pytest.param(one, marks=() if one in SAMPLE else pytest.mark.slow) for one in SERVICES]


class Person(Program):
    """`haulage` in an installation with connectors that are named as their services are."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.home, {"HAULAGE_BACKOFF_SECONDS": "0.1"})
        self._office = office
        self._account: dict[str, str] = {}
        self._below: dict[str, str] = {}

    def connect(self, service_id: str, *roles: str) -> None:
        """Sign in to a drive, for reading and writing, as somebody in one of these roles (without: whoever)."""
        if service_id == "google-workspace":
            self._office.connect_workspace(service_id)
            self._account[service_id] = self._office.people("google-drive", "user")[0]["user"]
            self._below[service_id] = f"{self._account[service_id]}/My Drive/"
            return
        roles = roles or (("admin",) if service_id in (*ADMINISTERED, *OF_OTHERS) else ())
        account = next(one for one in self._office.people(service_id, *roles) if one.get("refresh_token"))
        self._account[service_id] = account["user"]
        asyncio.run(self._office.connect(service_id, account, "write", service_id))
        if service_id == "egnyte":
            self._below[service_id] = f"Private/{account['user']}/"
        if service_id in OF_OTHERS:
            member = next(one for one in self._office.people(OF_OTHERS[service_id], "user") if one.get("refresh_token"))
            self._account[service_id] = member["user"]
            self._below[service_id] = f"{member['user']}/"
        if service_id in ADMINISTERED:
            self._below[service_id] = f"{self._first_library(service_id)}/"

    def _first_library(self, service_id: str) -> str:
        """The first document library of a site that may be chosen from."""
        told = self("connectors", "browse", f"{service_id}:", "--json")
        assert told.code == 0, told.err
        return next(one for one in json.loads(told.out)["roots"] if one.startswith("https:"))

    def account(self, service_id: str) -> str:
        """Who signed in there."""
        return self._account[service_id]

    def at(self, service_id: str, folder: str) -> str:
        """A folder of the drive, as the program is told of it."""
        return f"{service_id}:/{self._below.get(service_id, '')}{folder}"

    def drive(self, service_id: str) -> dict[str, str]:
        """One of Microsoft's drives, or a library, as the sandbox is told of it."""
        below = urlsplit(self._below.get(service_id, ""))
        if not below.netloc:
            return {"user": self._account[service_id]}
        first, *rest = below.path.strip("/").split("/")
        return {"site": f"{below.netloc}/{first}/{rest[0]}" if first in ("sites", "teams") else below.netloc}

    @property
    def sandbox(self) -> Sandbox:
        """Where the drives are."""
        return self._office.sandbox

    def egnyte(self) -> EgnyteClient:
        """Egnyte's own client, signed in to the same domain as the same user."""
        offer = self.sandbox.service("egnyte")
        user = self._account["egnyte"]
        told = self.sandbox.do("egnyte", "sign-in", user=user, client_id=offer["client_id"])
        with patch.dict(os.environ, self.sandbox.client_env):
            return EgnyteClient({"domain": offer["details"]["name"], "access_token": told["access_token"]})

    def rclone(self, service_id: str, folder: Path, **options: str) -> Rclone:
        """rclone with the same drive."""
        kind, user = BACKENDS[service_id], self._account[service_id]
        offered = SEEN_AS.get(service_id, service_id)
        return Rclone(self.sandbox, folder, kind, offered, VENDORS[service_id], user, **options)

    def copies(self, source: object, target: object, *words: str, seconds: float = 120) -> Ran:
        """A copy that ends well."""
        ran = self("copy", str(source), str(target), *words, "--json", timeout=seconds)
        assert ran.code == 0, ran.out[-3000:] + ran.err
        return ran


def killed_after(person: Person, seconds: float, *words: str) -> bool:
    """Run, and kill after so long. Returns whether it had not ended by itself (well, then)."""
    process = subprocess.Popen(
        [*PROGRAM, *words], env=person.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    assert process.returncode == 0, out + err
    return False
