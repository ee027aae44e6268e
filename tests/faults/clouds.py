"""Simulated clouds as ends of a world: the program reaches them through a door that leads to the fault proxy."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from haulage.ledger.store import Ledger
from haulage.operations import realms
from tests import canary
from tests.connectors.people import ADA, REALM, VENDORS, Office
from tests.contract.clouds import WITNESSES, CloudPlace, Clouds, cloud_place
from tests.torture.oracle import sha256

CLOUDS = (
    *("onedrive-business", "dropbox", "box", "egnyte", "google-drive", "onedrive", "office365", "google-workspace"),
    *("box-enterprise", "dropbox-business"),
)
"""Services in a cloud, by their ids."""

BEDS = {
    **{"onedrive": "onedrive-personal", "office365": "office365-site"},
    **{"box-enterprise": "box-user", "dropbox-business": "dropbox-team-folder"},
}
"""The names of their contract's beds, where those are others."""

AT_LENGTH = ("onedrive", "office365", "google-workspace", "box-enterprise", "dropbox-business")
"""Those that only the long run tries: their protocol is another one's, over the same client."""

SPARSE = ("box", "egnyte", "google-drive")
"""Those of which every test run tries fewer cells: their protocol has sisters that are tried in more."""

ADMINISTERED = ("office365", "box-enterprise", "dropbox-business")
"""Those that an administrator connects."""

OF_OLD = {"box": ("parts", {}), "box-enterprise": ("parts", {}), "egnyte": ("chunks", {})}
"""What the contract's beds make small is of the vendor's own size again."""


@dataclass
class CloudSide:
    """A folder of a person's drive, reached by the witness at the sandbox's own port."""

    place: CloudPlace
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.service = self.place.service.id
        self.location = f"{self.service}:/{self.place.root}"
        self._witness = WITNESSES[self.service](self.place)
        asyncio.run(_make(self.place))

    def shown(self) -> dict[str, str]:
        paths = self._witness.leftovers(set())
        return {path: sha256(self._witness.fetch(path) or b"") for path in paths}

    def plant(self, path: str, body: bytes) -> None:
        self._witness.plant(path, body)

    def remove(self, path: str) -> None:
        self._witness.remove(path)

    def debris(self) -> list[str]:
        """Unfinished uploads are nowhere to be seen, and end by themselves."""
        return []


async def _make(place: CloudPlace) -> None:
    drive = place.open()
    try:
        await drive.check(write=True, create=True)
    finally:
        await drive.close()


@dataclass
class CloudBed:
    """A sandbox, and a state folder in which a person's drives are connected."""

    clouds: Clouds
    home: Path

    def __post_init__(self) -> None:
        self.home.mkdir(mode=0o700)
        office = Office(self.home, self.clouds.sandbox)
        self._public = office.public()
        for service_id in CLOUDS:
            if service_id == "google-workspace":
                office.connect_workspace(service_id)
                continue
            roles = ("admin",) if service_id in ADMINISTERED else ()
            offered = office.people(service_id, *roles)
            account = next(one for one in offered if one.get("refresh_token"))
            asyncio.run(office.connect(service_id, account, "write", service_id))
        office.ledger.close()

    def endpoint(self, service_id: str) -> str:
        """Where the service is really served."""
        return str(self.clouds.sandbox.service(service_id)["base_url"])

    def side(self, service_id: str, folder: str) -> CloudSide:
        """A place that nobody has used yet."""
        place = cloud_place(self.clouds, BEDS.get(service_id, service_id))
        if service_id in OF_OLD:
            deed, details = OF_OLD[service_id]
            self.clouds.sandbox.do(VENDORS[service_id], deed, **details)
        root = place.at(f"{place.base}/{folder}".strip("/"))
        assert isinstance(root, CloudPlace)
        return CloudSide(root)

    def lead(self, home: Path, url: str) -> None:
        """From now on the connectors of that state folder reach their service at `url`, whatever host they ask for."""
        port = urlsplit(url).port
        assert port is not None
        line: dict[str, Any] = {**self.clouds.sandbox.ready_document, "proxy": self.clouds.front.to(port)}
        told = home / "sandbox.json"
        told.write_text(json.dumps(line))
        ledger = Ledger.open(home / "ledger.db")
        realms.add(ledger, told, REALM, ADA)
        canary.public.update(self._public)
        ledger.close()
