"""How a server is reached. It comes from whoever runs it, never from a request."""

from urllib.parse import urlsplit

import msgspec

from haulage.model.errors import Refused

PORT = 28437
"""The default, which is also the port of registered redirects to this machine (operations.authorise)."""
LOOPBACK = ("localhost", "127.0.0.1")


class Settings(msgspec.Struct, frozen=True):
    """public_url: as browsers reach it, without a slash at its end. local_user: of this machine, who runs it."""

    public_url: str
    local_user: str = ""

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.public_url.startswith("https://")

    @property
    def beyond(self) -> bool:
        """Whether other machines reach it: then administrators need a second factor (S29)."""
        return urlsplit(self.public_url).hostname not in LOOPBACK

    @property
    def hosts(self) -> frozenset[str]:
        """What a request's Host may be; anything else is a rebound name (S04)."""
        parts = urlsplit(self.public_url)
        port = f":{parts.port}" if parts.port else ""
        return frozenset({parts.netloc, *((f"127.0.0.1{port}", f"localhost{port}") if not self.secure else ())})

    @property
    def origins(self) -> frozenset[str]:
        """From where forms may come."""
        return frozenset(f"{urlsplit(self.public_url).scheme}://{host}" for host in self.hosts)

    @property
    def cookie(self) -> str:
        """The session cookie's name; other servers of this machine share no cookies with it (S32)."""
        if self.secure:
            return "__Host-haulage"
        return f"haulage-{urlsplit(self.public_url).port or 80}"


def checked(public_url: str, local_user: str = "") -> Settings:
    """Raises Refused for what browsers could not reach, or passwords must not be sent to."""
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Refused(f"{public_url!r} is no address of a server", "Write one such as https://haulage.example.com.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise Refused(
            "passwords are not sent to another machine without TLS",
            "Put a proxy with a certificate before it, and give its https address as --public-url.",
        )
    return Settings(f"{parts.scheme}://{parts.netloc}", local_user)
