"""Which addresses may be called at all (S16): a server must not be led to places that only it can reach.

Whoever runs the program in a shell of their own reaches what they can reach anyway. A server sets a guard: then only
public addresses are called, over https, and what its operator allowed besides. The addresses that a name resolves to
are checked, and the connection goes to one of those: there is no second look-up for a rebound name to answer.
"""

import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from haulage.model.errors import Refused

VARIABLE = "HAULAGE_ENDPOINTS"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
T = TypeVar("T")


class EndpointRefused(Refused):
    """An address that may not be called from here."""

    default_fix = f"Use a public https address; the operator of this machine allows others with {VARIABLE}."


def public(address: Address) -> bool:
    """Whether it is an address that anybody on the internet could call."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class Guard(msgspec.Struct, frozen=True):
    """What may be called besides public https addresses: host names, addresses and networks of the operator's."""

    allowed: tuple[str, ...] = ()

    def names(self, host: str) -> bool:
        """Whether the operator allowed that host by its name or address."""
        return host.lower().strip("[]") in self.allowed

    def admits(self, address: Address) -> bool:
        """Whether that address may be called."""
        if public(address):
            return True
        return any(address in network for network in map(_network, self.allowed) if network is not None)

    def check_url(self, url: str) -> None:
        """Raises EndpointRefused for a URL that may not be called, as far as the URL itself shows it."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        known = self.names(host)
        literal = _literal(host)
        if literal is not None and not known and not self.admits(literal):
            raise EndpointRefused("the endpoint is an address that is not public")
        allowed = known or (literal is not None and not public(literal))
        if parts.scheme != "https" and not allowed:
            raise EndpointRefused("the endpoint is not called over https")

    def check(self, host: str, addresses: Sequence[str]) -> None:
        """Raises EndpointRefused unless every address that the host resolved to may be called."""
        if self.names(host):
            return
        for text in addresses:
            literal = _literal(text.partition("%")[0])
            if literal is None or not self.admits(literal):
                raise EndpointRefused("the endpoint's name leads to an address that is not public")


def _literal(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


_set: list[Guard] = []


def guard(environment: Mapping[str, str] | None = None) -> Guard | None:
    """The guard of this process: the one that was set, else HAULAGE_ENDPOINTS; None where there is none.

    HAULAGE_ENDPOINTS: "public", and after it, separated by commas, what is allowed besides.
    """
    if _set:
        return _set[-1]
    text = (os.environ if environment is None else environment).get(VARIABLE, "")
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if not words:
        return None
    if words[0] != "public":
        fix = f"Write {VARIABLE}=public, and after it what is allowed."
        raise Refused(f"{VARIABLE} does not begin with 'public'", fix)
    return Guard(tuple(words[1:]))


def set_guard(chosen: Guard) -> None:
    """Have this process guarded from now on: a server does so before it takes its first request."""
    _set.append(chosen)


class GuardedResolver(AbstractResolver):
    """Resolves names, and hands out no address that may not be called."""

    def __init__(self, chosen: Guard) -> None:
        self._guard = chosen
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver. Raises EndpointRefused."""
        found = await self._inner.resolve(host, port, family)
        self._guard.check(host, [one["host"] for one in found])
        return found

    async def close(self) -> None:
        """Let go of everything."""
        await self._inner.close()


async def dial(host: str, port: int, connect: Callable[[str], Awaitable[T]], *, encrypted: bool = True) -> T:
    """Connect to a host that somebody typed, as HTTP does: where a guard is set, to an address that was checked.

    connect: opens a connection to the name or address that it gets. encrypted: the link will be, before any secret
    goes over it. Raises EndpointRefused, and what `connect` raises.
    """
    chosen = guard()
    if chosen is None:
        return await connect(host)
    literal = _literal(host)
    if not encrypted and not chosen.names(host) and (literal is None or public(literal)):
        raise EndpointRefused("the endpoint is not called without encryption")
    found = await GuardedResolver(chosen).resolve(host, port, socket.AF_UNSPEC)
    for one in found[:-1]:
        with suppress(OSError):
            return await connect(one["host"])
    return await connect(found[-1]["host"])
