"""How browsers come back from a service's sign-in to this server."""

from urllib.parse import urlsplit

import msgspec

from haulage.operations.authorise import LOOPBACK_PORT
from haulage.services.declaration import Service


class Return(msgspec.Struct, frozen=True):
    """Where a service sends browsers back to: an address of this server.

    guide: the page that says where it is registered. registered: it has to stand in the registration as it is.
    usual: it is the address that the guide names.
    possible: False where the service sends nobody to an address such as this one.
    """

    address: str
    guide: str
    registered: bool
    usual: bool
    possible: bool


def return_to(chosen: Service, public_url: str) -> Return | None:
    """How browsers come back from a service to the server of that address; None where nobody signs in there."""
    how = chosen.authorisation
    if how is None or not any(way.id == "code" for way in how.ways):
        return None
    parts = urlsplit(public_url)
    near = parts.scheme == "http"  # only ever this machine's own
    usual = near and parts.port == LOOPBACK_PORT
    return Return(
        f"{public_url}/oauth/callback/{chosen.id}",
        how.guide,
        registered=not (near and how.oauth.loopback == "any"),
        usual=usual,
        possible=not (near and how.oauth.loopback == "pasted"),
    )
