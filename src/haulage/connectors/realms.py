"""Realms: the live services, and sandboxes that an operator made known.

A sandbox's own line of JSON says where it is. Its services are reached under the vendors' own host names, through its
proxy and under its certificate authority; what it wants to be told (client id and secret) stands in for what a person
would have from the vendor.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from haulage.model.errors import Refused
from haulage.services.authorisation import DIRECT, Route

LIVE = "live"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class RealmService(msgspec.Struct, frozen=True):
    """One service of a realm. told: values that stand in for settings of that name."""

    hosts: tuple[str, ...] = ()
    base_url: str = ""
    told: Mapping[str, str] = {}

    def __repr__(self) -> str:
        """Without what is told."""
        return f"RealmService({self.hosts})"


class Realm(msgspec.Struct, frozen=True):
    """Where services live. services: of a sandbox, by id; of the live realm none are named and all are there."""

    name: str = LIVE
    proxy: str | None = None
    ca_pem: str | None = None
    services: Mapping[str, RealmService] = {}

    @property
    def live(self) -> bool:
        """Whether it is the vendors' own."""
        return self.name == LIVE

    @property
    def route(self) -> Route:
        """How its services are reached."""
        return DIRECT if self.live else Route(self.proxy, self.ca_pem)

    def told(self, service_id: str) -> Mapping[str, str]:
        """What stands in for settings of a service. Raises Refused where the realm does not have the service."""
        if self.live:
            return {}
        if service_id not in self.services:
            raise Refused(f"the realm {self.name} has no {service_id}", f"It has {', '.join(sorted(self.services))}.")
        return self.services[service_id].told


def parse(name: str, text: str) -> Realm:
    """A realm out of a sandbox's own JSON line. Accounts in it are left out. Raises Refused."""
    if not _NAME.fullmatch(name) or name == LIVE:
        raise Refused(f"{name!r} cannot be a realm's name", "Use small letters, digits and '-'; 'live' is taken.")
    try:
        line = msgspec.json.decode(text, type=dict[str, Any])
        ca_pem = Path(line["ca_file"]).read_text(encoding="ascii")
        proxy = str(line["proxy"])
        services = {str(key): _service(value) for key, value in line["services"].items()}
    except OSError as error:
        raise Refused(f"the realm's certificate authority cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, UnicodeError):
        fix = "Give the line that `haulage sandbox up --json` prints."
        raise Refused("the file does not describe a sandbox", fix) from None
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname or parts.username:
        raise Refused("the realm's proxy is no http address")
    return Realm(name, proxy, ca_pem, services)


def _service(line: Mapping[str, Any]) -> RealmService:
    said = {**line, **(line.get("details") or {})}
    told = {key: value for key, value in said.items() if isinstance(value, str) and key not in ("base_url", "tls_url")}
    return RealmService(tuple(str(one) for one in line.get("hosts", ())), str(line.get("base_url", "")), told)


def facts(realm: Realm) -> dict[str, Any]:
    """What of a realm is no secret, as JSON."""
    services = {key: {"hosts": list(one.hosts), "base_url": one.base_url} for key, one in realm.services.items()}
    return {"proxy": realm.proxy, "ca_pem": realm.ca_pem, "services": services}


def secrets(realm: Realm) -> dict[str, str]:
    """The rest of it."""
    return {f"{key}/{name}": value for key, one in realm.services.items() for name, value in one.told.items()}


def restored(name: str, known: Mapping[str, Any], opened: Mapping[str, str]) -> Realm:
    """A realm as it was kept."""
    told: dict[str, dict[str, str]] = {}
    for key, value in opened.items():
        service_id, _, field = key.partition("/")
        told.setdefault(service_id, {})[field] = value
    services = {
        key: RealmService(tuple(one["hosts"]), one["base_url"], told.get(key, {}))
        for key, one in known["services"].items()
    }
    return Realm(name, known["proxy"], known["ca_pem"], services)


def bound(name: str) -> tuple[str, str]:
    """What a realm's sealed part is bound to."""
    return ("realm", name)
