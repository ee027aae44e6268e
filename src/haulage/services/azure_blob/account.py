"""Whose storage it is: the settings of a connector, read into one account, one endpoint and one kind of credentials."""

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import msgspec

from haulage.model.errors import Refused
from haulage.services.authorisation import Identity

PUBLIC_SUFFIX = "core.windows.net"
EMULATOR_NAME = "devstoreaccount1"
# Published by Microsoft for every copy of the emulator, so no secret.
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Account(msgspec.Struct, frozen=True):
    """One storage account as it is to be called.

    base_url: scheme, host, port and, for an emulator, the account's name as path; no trailing slash.
    key: SharedKey; else sas (without "?"); with neither, an Entra ID token is asked for.
    """

    name: str
    base_url: str
    key: bytes | None = None
    sas: str = ""
    ca_file: str | None = None

    def __repr__(self) -> str:
        """Without the secrets, for tracebacks and logs."""
        return f"Account({self.name!r}, {self.base_url!r})"

    @property
    def identity(self) -> str:
        """The account's name at the public service; host, port and path of any other endpoint."""
        if self.base_url == f"https://{self.name}.blob.{PUBLIC_SUFFIX}":
            return self.name
        return self.base_url.split("://", 1)[1]


def read_account(settings: Mapping[str, str]) -> Account:
    """The account that the settings describe. Raises Refused where they lack something or contradict each other.

    A connection string is taken as a whole; the single fields fill in what it leaves open.
    """
    found = {name: value.strip() for name, value in settings.items() if value and value.strip()}
    if "connection_string" in found:
        told = parse_connection_string(found["connection_string"])
        if found.get("account_name", told.get("account_name")) != told.get("account_name", found.get("account_name")):
            raise Refused("the account name and the connection string name two different accounts")
        if told.keys() & {"account_key", "sas_token"}:
            found = {name: value for name, value in found.items() if name not in ("account_key", "sas_token")}
        found |= told
    name = found.get("account_name") or _name_in(found.get("endpoint_url", ""))
    if not name:
        raise Refused("no Azure storage account is named", "Set the account name (AZURE_STORAGE_ACCOUNT).")
    key = _decoded(found["account_key"]) if "account_key" in found else None
    return Account(
        name=name,
        base_url=_base_url(found.get("endpoint_url") or f"https://{name}.blob.{PUBLIC_SUFFIX}", name),
        key=key,
        sas="" if key else found.get("sas_token", "").removeprefix("?"),
        ca_file=found.get("ca_file"),
    )


def parse_connection_string(text: str) -> dict[str, str]:
    """The fields that a connection string sets, by the names of our settings. Raises Refused; never quotes it."""
    pairs = {}
    for pair in filter(None, (piece.strip() for piece in text.split(";"))):
        name, separator, value = pair.partition("=")
        if not separator:
            raise Refused("the connection string is not a list of Name=value pairs")
        pairs[name.strip().lower()] = value.strip()
    if pairs.get("usedevelopmentstorage", "").lower() == "true":
        proxy = pairs.get("developmentstorageproxyuri", "http://127.0.0.1").rstrip("/")
        return {
            "account_name": EMULATOR_NAME,
            "account_key": EMULATOR_KEY,
            "endpoint_url": f"{proxy}:10000/{EMULATOR_NAME}",
        }
    told = {
        ours: pairs[theirs]
        for theirs, ours in (
            ("accountname", "account_name"),
            ("accountkey", "account_key"),
            ("sharedaccesssignature", "sas_token"),
            ("blobendpoint", "endpoint_url"),
        )
        if pairs.get(theirs)
    }
    if "endpoint_url" not in told and "account_name" in told:
        scheme = pairs.get("defaultendpointsprotocol") or "https"
        told["endpoint_url"] = f"{scheme}://{told['account_name']}.blob.{pairs.get('endpointsuffix') or PUBLIC_SUFFIX}"
    if not told:
        raise Refused("the connection string names no account and no blob endpoint")
    return told


def whose(settings: Mapping[str, str]) -> Identity:
    """Whose storage it is. Raises Refused."""
    account = read_account(settings)
    if account.identity == account.name:
        return Identity(account.name, account.name)
    host = urlsplit(account.base_url).hostname
    return Identity(f"{account.name}@{host}", f"{account.name} at {host}")


def sas_permissions(sas: str) -> str | None:
    """The letters of the permissions in a SAS; None where a stored access policy holds them."""
    return parse_qs(sas).get("sp", [None])[0]


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except binascii.Error:
        raise Refused("the account key is not base64", "Copy the whole key, with the = signs at its end.") from None


def _base_url(endpoint: str, name: str) -> str:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise Refused("the endpoint is not an http(s) address", "Give it like https://account.blob.core.windows.net.")
    if parts.username is not None or parts.query or parts.fragment:
        raise Refused("the endpoint holds more than an address", "Give a SAS in its own field, not in the endpoint.")
    default = {"http": 80, "https": 443}[parts.scheme]
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port and port != default else ""
    path = parts.path.rstrip("/")
    if not path and _is_local(host):
        path = f"/{name}"
    return f"{parts.scheme}://{netloc}{path}"


def _name_in(endpoint: str) -> str:
    """The account's name, out of the first label of a service's host or the path of an emulator's address."""
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if _is_local(host):
        return parts.path.strip("/").split("/")[0]
    labels = host.split(".")
    return labels[0] if len(labels) > 2 and labels[1] == "blob" else ""


def _is_local(host: str) -> bool:
    """Whether the account can only stand in the path, since the host is an address or this machine."""
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
