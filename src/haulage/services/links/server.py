"""Which server, as whom, and where on it: what the connectors of file servers have in common."""

from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from haulage.model.errors import Refused
from haulage.services.authorisation import Identity

HOME = "~"


class Server(msgspec.Struct, frozen=True):
    """A server as it is to be called. base: absolute, or below "~", the folder that one is put in after login."""

    host: str
    port: int
    user: str
    password: str
    base: str

    def __repr__(self) -> str:
        """Without the secret, for tracebacks and logs."""
        return f"Server({self.user!r}, {self.host!r}, {self.port})"

    def identity(self, scheme: str, root: str) -> str:
        """Who and where, the same for every spelling."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        where = "/".join(part for part in f"{self.base}/{root}".split("/") if part)
        return f"{scheme}://{self.user}@{host}:{self.port}/{where}"


def read_server(settings: Mapping[str, str], port: int, user: str = "") -> Server:
    """What the fields server, port, user, password and base_path say. Raises Refused.

    port, user: what holds where none is given.
    """
    found = {name: value.strip() for name, value in settings.items() if value and value.strip()}
    host = found.get("server", "").strip("[]").lower()
    if not host or any(one in host for one in "/@ "):
        raise Refused("no server is named", "Give its name or address in the field server, or as URL.")
    told = found.get("port", str(port))
    if not told.isascii() or not told.isdigit() or not 0 < int(told) < 65536:
        raise Refused(f"the port {told!r} is no number from 1 to 65535")
    name = found.get("user", user)
    if not name:
        raise Refused(
            "no user is named", "Give the name that you log in with in the field user, or before an @ in the URL."
        )
    base = found.get("base_path", HOME).rstrip("/") or "/"
    if not base.startswith(("/", HOME)) or ".." in base.split("/") or "\0" in base:
        raise Refused(f"the base path {base!r} is neither absolute nor below ~", "Begin it with / or with ~/.")
    return Server(host, int(told), name, settings.get("password", ""), base)


def whose(settings: Mapping[str, str]) -> Identity:
    """Whose account it is: a user of a server, by whatever port. Raises Refused."""
    server = read_server(settings, 1)
    who = f"{server.user}@{server.host}"
    return Identity(who, who)


def at_url(scheme: str, root: str) -> tuple[dict[str, str], str]:
    """What "user@host:port/path" tells as settings, and the path that is left.

    The path is absolute on the server, and begins in the login folder after "/~". Raises Refused.
    """
    authority, _, path = root.partition("/")
    user, at, address = authority.rpartition("@")
    if ":" in user:
        raise Refused("a location holds no password", "Give it by environment, option or connector.")
    told = {"base_path": "/"}
    if at:
        told["user"] = unquote(user)
    host, port = _host_and_port(address)
    told["server"] = host
    if port:
        told["port"] = port
    if path == HOME or path.startswith(f"{HOME}/"):
        told["base_path"], path = HOME, path[2:]
    return told, path


def _host_and_port(address: str) -> tuple[str, str]:
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = address.partition(":")
    return host, port
