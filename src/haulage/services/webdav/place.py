"""Where a tree is on a server, and how its addresses are written and read."""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes, urlsplit

from haulage.model.errors import NameRefused, Refused
from haulage.services.authorisation import Identity
from haulage.services.webdav.traits import FLAVOURS

OURS = re.compile(r"\.haulage-[0-9a-f]{32}\.(?:part|probe)")
"""Names of what is not finished: never shown in a listing."""
_FILES = re.compile(r"(?P<before>.*/remote\.php)/(?:dav/files/(?P<user>[^/]+)|webdav)(?P<rest>/.*)?", re.DOTALL)
_ADDRESS = "Write it as https://host/path, with the port and path that your server documents."


class Place:
    """A root below the address of a server.

    origin: "https://host:port", what all calls begin with. base: the address's path, and `root` the whole path of the
    root, both decoded, without a slash at the end. flavour: see traits.FLAVOURS. user: as Nextcloud's addresses name
    him. Raises Refused.
    """

    def __init__(self, settings: Mapping[str, str], root: str) -> None:
        address = settings.get("url") or ""
        if not address:
            raise Refused("WebDAV: the address of the server is missing", _ADDRESS)
        try:
            parts = urlsplit(address)
            host, port, scheme = parts.hostname or "", parts.port, parts.scheme.lower()
        except ValueError as error:
            raise Refused("WebDAV: the address cannot be read", _ADDRESS) from error
        if scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
            raise Refused("WebDAV: the address cannot be read", _ADDRESS)
        if scheme == "http" and settings.get("password") and settings.get("allow_http") != "yes":
            raise Refused(
                "WebDAV: the password would go over an unencrypted link",
                "Use an https:// address; where the network is trusted, set allow_http=yes.",
            )
        host = f"[{host}]" if ":" in host else host
        if port is not None and port != {"http": 80, "https": 443}[scheme]:
            host += f":{port}"
        self.origin = f"{scheme}://{host}"
        self.base = decoded(parts.path).rstrip("/")
        self.flavour = self._flavour(settings.get("server") or "auto")
        self.user = ""
        if self.flavour != "plain":
            self._settle(settings.get("username") or "")
        below = "/".join(part for part in root.split("/") if part)
        if {".", ".."} & set(below.split("/")):
            raise Refused("WebDAV: the path of the location leads elsewhere", "Write it without . and .. in it.")
        self.root = f"{self.base}/{below}" if below else self.base
        self.identity = f"davs://{host}{self.root}"
        """The same for every spelling of the place, with or without encryption."""

    def _flavour(self, chosen: str) -> str:
        if chosen != "auto" and chosen not in FLAVOURS:
            raise Refused(f"WebDAV: server cannot be {chosen!r}", f"Use auto, {', '.join(FLAVOURS)}.")
        if chosen == "auto":
            return "nextcloud" if _FILES.fullmatch(self.base) else "plain"
        return chosen

    def _settle(self, username: str) -> None:
        """The address of one user's files, which alone takes chunks, whichever of the old ones was given (Q12)."""
        found = _FILES.fullmatch(self.base)
        if found is None:
            if "remote.php" in self.base:
                raise Refused("WebDAV: this is not the address of one user's files", _ADDRESS)
            self._dav, self.user, rest = f"{self.base}/remote.php/dav", username, ""
        else:
            self._dav, self.user, rest = f"{found['before']}/dav", found["user"] or username, found["rest"] or ""
        if not self.user:
            raise Refused("WebDAV: the user name is missing", "Set username: it is part of the address too.")
        self.base = f"{self._dav}/files/{self.user}{rest}"

    def uploads(self, name: str) -> str:
        """The path of a folder for the chunks of one upload."""
        return f"{self._dav}/uploads/{self.user}/{name}"

    def path_of(self, path: str) -> str:
        """The whole path on the server of a path below the root. Raises NameRefused for what would lead elsewhere."""
        if not path:
            return self.root
        parts = path.split("/")
        if "" in parts or "." in parts or ".." in parts or "\0" in path:
            raise NameRefused("a WebDAV path has no empty parts, no . and no .. in it")
        return f"{self.root}/{path}"

    def url(self, whole: str, *, folder: bool = False) -> str:
        """The address of a whole path, to be sent as it is. Raises NameRefused."""
        return self.origin + encoded(whole) + ("/" if folder else "")

    @property
    def where(self) -> str:
        """The server, as a person knows it."""
        return self.origin.split("://", 1)[1]


def encoded(path: str) -> str:
    """A path as it stands in an address: every byte but the unreserved and "/" percent-encoded. Raises NameRefused."""
    try:
        return quote(path, safe="/~")
    except UnicodeEncodeError as error:
        raise NameRefused("WebDAV names are Unicode text, and this name is not") from error


def decoded(path: str) -> str:
    """The path that an address names; bytes that are no UTF-8 are taken for Latin-1, as old servers write them (Q5)."""
    raw = unquote_to_bytes(path)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def unfinished(attempt: str) -> str:
    """The name of what this attempt has not finished."""
    return f".haulage-{hashlib.sha256(attempt.encode()).hexdigest()[:32]}.part"


def whose(settings: Mapping[str, str]) -> Identity:
    """Whose account it is: a user of a server, by whatever port; the server's, if nobody signs in. Raises Refused."""
    place = Place(settings, "")
    host = urlsplit(place.origin).hostname or ""
    user = settings.get("username") or place.user
    return Identity(f"{user}@{host}", f"{user}@{host}" if user else host)


def at_url(scheme: str, root: str) -> tuple[dict[str, str], str]:
    """What the URL davs://host:port/path tells: the server as a setting, and the path, decoded as in any URL.

    Of Nextcloud's and ownCloud's, what stands before the user's own files belongs to the server.
    """
    host, _, path = root.partition("/")
    if not host:
        raise Refused("the location names no server", "Write davs://host/path.")
    origin = f"{'http' if scheme == 'dav' else 'https'}://{host}"
    found = _FILES.fullmatch(f"/{path}")
    rest = (found["rest"] or "") if found else f"/{path}"
    return {"url": origin + f"/{path}".removesuffix(rest) + "/"}, decoded(rest.lstrip("/"))
