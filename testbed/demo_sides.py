"""The two ends of the demonstration: an S3 server that holds files, and an Azure Blob server that is empty."""

import os
from pathlib import Path
from typing import Protocol

from testbed.content import Entry, Tree, _entry, made, python_files
from testbed.process import NotInstalled
from testbed.servers import Azurite, S3Server, SeaweedFS, blob_client, s3_client
from testbed.stores import read_bucket, read_container

MIB = 1024 * 1024
LIBRARY_FILES = 3000
RECORDINGS = 12
RECORDING_BYTES = 20 * MIB


def demonstration_tree() -> Tree:
    """Some three hundred megabytes: real small files first, then large ones, so that a stop half way meets both."""
    recordings: list[Entry] = [
        _entry(11, f"recordings/day {number:02}/recording.raw", RECORDING_BYTES + number)
        for number in range(RECORDINGS)
    ]
    return python_files(LIBRARY_FILES) + made(11, files=250, holder="seaweed") + Tree(recordings)


class Destination(Protocol):
    """Where files go: what to show of it, how Haulage reaches it, and a way to read it without Haulage."""

    title: str

    def location(self, name: str) -> str:
        """The URL of a bucket or container of that name."""
        ...

    def make(self, name: str) -> None:
        """Make that bucket or container, empty."""
        ...

    @property
    def env(self) -> dict[str, str]:
        """The variables with which Haulage reaches it."""
        ...

    async def read(self, name: str) -> dict[str, str]:
        """Path -> SHA-256 of everything in there, read back without Haulage."""
        ...

    def stop(self) -> None:
        """Stop its server."""
        ...


class AzureSide:
    """Azurite, Microsoft's emulator."""

    title = "Azurite (Azure Blob Storage)"

    def __init__(self, folder: Path) -> None:
        """Start it. Raises NotInstalled."""
        self._server = Azurite(folder, in_memory=False).start()

    def location(self, name: str) -> str:
        """az://NAME"""
        return f"az://{name}"

    def make(self, name: str) -> None:
        """By Microsoft's own client."""
        blob_client(self._server).create_container(name)

    @property
    def env(self) -> dict[str, str]:
        """Account, key and endpoint."""
        return {
            "AZURE_STORAGE_ACCOUNT": self._server.account_name,
            "AZURE_STORAGE_KEY": self._server.account_key,
            "AZURE_STORAGE_BLOB_ENDPOINT": self._server.endpoint_url,
        }

    async def read(self, name: str) -> dict[str, str]:
        """Listed by Microsoft's client, read by signed URLs."""
        return await read_container(self._server, name)

    def stop(self) -> None:
        """Stop Azurite."""
        self._server.stop()


class SecondS3Side:
    """A second SeaweedFS, where Azurite cannot run."""

    title = "a second SeaweedFS (S3)"

    def __init__(self, folder: Path) -> None:
        """Start it."""
        self._server = SeaweedFS(folder).start()

    def location(self, name: str) -> str:
        """s3://NAME"""
        return f"s3://{name}"

    def make(self, name: str) -> None:
        """By Amazon's own client."""
        s3_client(self._server).create_bucket(Bucket=name)

    @property
    def env(self) -> dict[str, str]:
        """The same variables as the source's, for the destination alone."""
        return s3_variables(self._server, "HAULAGE_DESTINATION_")

    async def read(self, name: str) -> dict[str, str]:
        """Listed by Amazon's client, read by signed requests."""
        return await read_bucket(self._server, name)

    def stop(self) -> None:
        """Stop SeaweedFS."""
        self._server.stop()


def s3_variables(server: S3Server, prefix: str = "") -> dict[str, str]:
    """How Haulage reaches an S3 server. prefix: the side that it is for, if not both."""
    return {
        f"{prefix}AWS_ACCESS_KEY_ID": server.access_key_id,
        f"{prefix}AWS_SECRET_ACCESS_KEY": server.secret_access_key,
        f"{prefix}AWS_REGION": server.region,
        f"{prefix}AWS_ENDPOINT_URL": server.endpoint_url,
    }


def start_destination(folder: Path) -> tuple[Destination, str | None]:
    """Azurite, or a second SeaweedFS with the reason why it is not Azurite."""
    try:
        return AzureSide(folder / "azurite"), None
    except NotInstalled as missing:
        return SecondS3Side(folder / "second-seaweedfs"), str(missing)


def clean_environment() -> dict[str, str]:
    """Our environment without keys and settings of the person who runs the demonstration."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AZURE_", "HAULAGE_"))}
