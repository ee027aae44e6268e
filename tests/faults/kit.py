"""The whole program between two storages, one of them behind a proxy that breaks things, and a witness beside it.

A `World` holds a source, a destination and a state folder. `world.copy()` runs the very operation that `haulage copy`
runs, in this process; `world.program(...)` starts the program itself. What really lies at both ends is told by boto3,
azure-storage-blob or the file system, never by our own services or ledger.
"""

import asyncio
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import uvloop

from haulage.cli.output import exit_for, exit_for_status
from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import work
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import HaulageError
from haulage.model.outcome import SUCCESSFUL
from haulage.operations import transfers
from haulage.operations.home import open_ledger
from haulage.operations.locations import Given
from testbed.proxy import FaultProxy
from testbed.rules import Rule, Seen
from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client
from tests.contract.voices import VOICES, Voice
from tests.e2e.program import Program
from tests.faults.clouds import CLOUDS, CloudBed
from tests.torture.oracle import folder_shown, sha256, unfinished

MIB = 1024 * 1024
PART = 8 * MIB
LARGE = 2 * PART + 4 * MIB + 5
NETWORKED = ("s3", "azure-blob")

QUICK = {
    "HAULAGE_ATTEMPTS": "3",
    "HAULAGE_BACKOFF_SECONDS": "0.01",
    "HAULAGE_LONGEST_BACKOFF_SECONDS": "0.05",
    "HAULAGE_CONNECT_SECONDS": "3",
    "HAULAGE_IDLE_SECONDS": "10",
}
"""Waits are short, and the rules are the same."""


class Side(Protocol):
    """One end as a person names it, and as somebody else sees it. Paths are relative to it."""

    service: str
    location: str
    settings: tuple[str, ...]

    def shown(self) -> dict[str, str]:
        """SHA-256 by path of every visible file, read to its end."""
        ...

    def plant(self, path: str, body: bytes) -> None:
        """Put a file there as somebody else would."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file."""
        ...

    def debris(self) -> list[str]:
        """What unfinished uploads left."""
        ...


@dataclass
class Folder:
    """A folder of this machine."""

    root: Path
    service: str = "local"
    settings: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """As an absolute path."""
        return str(self.root)

    def shown(self) -> dict[str, str]:
        return folder_shown(self.root)

    def plant(self, path: str, body: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(body)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def debris(self) -> list[str]:
        return [str(path) for path in unfinished(self.root)]


@dataclass
class Bucket:
    """A prefix of a bucket, reached directly by the witness, and by the program at `url`."""

    server: SeaweedFS
    bucket: str
    prefix: str
    url: str
    service: str = "s3"

    def __post_init__(self) -> None:
        self.client = s3_client(self.server)

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def settings(self) -> tuple[str, ...]:
        return (f"endpoint_url={self.url}",)

    def shown(self) -> dict[str, str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + "/")
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key.removeprefix(self.prefix + "/"): sha256(self.body(key)) for key in keys if not key.endswith("/")}

    def body(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def plant(self, path: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{path}", Body=body)

    def remove(self, path: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{path}")

    def debris(self) -> list[str]:
        """Uploads that hold parts. One whose beginning was never answered holds none, and none can tell whose it is."""
        uploads = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        ours = [(one["Key"], one["UploadId"]) for one in uploads if one["Key"].startswith(self.prefix + "/")]
        return [
            key
            for key, upload in ours
            if self.client.list_parts(Bucket=self.bucket, Key=key, UploadId=upload).get("Parts")
        ]


@dataclass
class Container:
    """A prefix of a container, likewise."""

    server: Azurite
    container: str
    prefix: str
    url: str
    service: str = "azure-blob"

    def __post_init__(self) -> None:
        self.client = blob_client(self.server).get_container_client(self.container)

    @property
    def location(self) -> str:
        return f"az://{self.container}/{self.prefix}"

    @property
    def settings(self) -> tuple[str, ...]:
        return (f"endpoint_url={self.url}",)

    def shown(self) -> dict[str, str]:
        found = self.client.list_blobs(name_starts_with=self.prefix + "/", include=["metadata"])
        blobs = [blob.name for blob in found if not (blob.metadata or {}).get("hdi_isfolder")]
        bodies = {name: self.client.download_blob(name).readall() for name in blobs}
        return {name.removeprefix(self.prefix + "/"): sha256(body) for name, body in bodies.items()}

    def plant(self, path: str, body: bytes) -> None:
        self.client.upload_blob(f"{self.prefix}/{path}", body, overwrite=True)

    def remove(self, path: str) -> None:
        self.client.delete_blob(f"{self.prefix}/{path}")

    def debris(self) -> list[str]:
        """Blocks of a given-up upload expire by themselves; nothing can remove them sooner."""
        return []


@dataclass
class Ended:
    """How a run ended, as a person is told: status (0 if none began), exit code, counters, outcomes by path."""

    code: int
    status: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)
    outcomes: dict[str, OutcomeRow] = field(default_factory=dict)
    error: HaulageError | None = None

    def kinds(self) -> dict[str, str]:
        """Outcome by path."""
        return {path: row.outcome for path, row in self.outcomes.items()}


@dataclass
class World:
    """Two sides and a state folder. faulty: the side behind the proxy."""

    source: Side
    target: Side
    home: Path
    environment: Mapping[str, str]
    proxy: FaultProxy
    faulty: str
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        """How the service behind the proxy speaks."""
        return VOICES[self.faulty]

    @property
    def program(self) -> Program:
        """The program itself, with the same state folder and settings."""
        return Program(self.home, dict(self.environment))

    @property
    def words(self) -> list[str]:
        """The command, as it is typed."""
        settings = [word for one in self.source.settings for word in ("--source-set", one)]
        settings += [word for one in self.target.settings for word in ("--destination-set", one)]
        return ["copy", self.source.location, self.target.location, *settings, "--json"]

    def on(self, call: str, path: str | None = None, **does: Any) -> Rule:
        """Let calls of that kind go wrong in this way (`does`: the parts of a Rule)."""
        which = dict(self.voice.calls[call])
        if path is not None:
            which["path"] = path
        return self.proxy.add(Rule(**which, **does))

    def seen(self, call: str) -> list[Seen]:
        """The calls of that kind so far."""
        return self.proxy.seen(**self.voice.calls[call])

    def calm(self) -> None:
        """The fault stops."""
        self.proxy.clear()

    def plant(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Fill the source. Returns SHA-256 by path: what has to be at the destination in the end."""
        for path, body in files.items():
            self.source.plant(path, body)
        return {path: sha256(body) for path, body in files.items()}

    def copy(self, options: Options | None = None) -> Ended:
        """Run `haulage copy`, in this process."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._copy(options or Options()))

    async def _copy(self, options: Options) -> Ended:
        self.events = []
        watch = Watch(lambda name, facts: self.events.append((name, facts)))
        ledger = open_ledger()
        given = (
            Given(self.source.location, "source", self.source.settings),
            Given(self.target.location, "destination", self.target.settings),
        )
        try:
            ended = await transfers.copy(ledger, *given, options, watch)
            rows = ledger.do(lambda connection: list(work.outcome_rows(connection, ended.run.id)))
        except HaulageError as error:
            return Ended(exit_for(error), error=error)
        finally:
            ledger.close()
        code = exit_for(ended.stopped) if ended.stopped is not None else exit_for_status(ended.status)
        outcomes = {row.path: row for row in rows}
        return Ended(int(code), int(ended.status), ended.run.counts, outcomes, ended.stopped)

    def settles(self, wanted: Mapping[str, str]) -> Ended:
        """The fault is over: the same command finishes, all is there once and whole, and a further run does nothing."""
        self.calm()
        last = self.copy()
        assert last.code == 0, told(last)
        self.is_whole(wanted)
        self.nothing_left_to_do()
        return last

    def is_whole(self, wanted: Mapping[str, str]) -> None:
        """The destination holds just these files, and nothing is left of unfinished ones."""
        assert self.target.shown() == wanted
        assert self.target.debris() == []

    def nothing_left_to_do(self) -> None:
        """A further run copies nothing."""
        again = self.copy()
        assert (again.code, again.status) == (0, 101), told(again)
        assert again.counts["sent_bytes"] == 0
        assert again.counts["unchanged"] == again.counts["listed"]

    def nothing_partial(self, wanted: Mapping[str, str]) -> None:
        """I3, I4: whatever is visible at the destination is one of the files, whole, under its own name."""
        shown = self.target.shown()
        assert shown.items() <= wanted.items(), sorted(shown.items() - wanted.items())


def told(ended: Ended) -> str:
    """All that a failed assertion should show."""
    rows = [(row.outcome, row.code, row.side, path, row.message) for path, row in ended.outcomes.items()]
    wrong = [row for row in rows if row[0] not in SUCCESSFUL]
    return f"code {ended.code}, status {ended.status}, {ended.error!r}, {wrong}, {dict(ended.counts)}"


def bytes_of(size: int, seed: int) -> bytes:
    """Bytes that differ everywhere."""
    return random.Random(seed).randbytes(size)


SMALL_FILES = {"a/empty": b"", "a/small ß.txt": bytes_of(700, 1), "victim.bin": bytes_of(200_000, 2)}
LARGE_FILES = {"a/small ß.txt": bytes_of(700, 1), "victim.bin": bytes_of(LARGE, 3)}

MakesWorld = Callable[..., World]


@dataclass
class Bed:
    """The servers and the places in them that a session of tests shares."""

    seaweed: SeaweedFS
    azurite: Azurite
    bucket: str
    empty_home: Path
    clouds: Callable[[], CloudBed]
    made: int = 0

    def endpoint(self, service: str) -> str:
        """Where the service is really served."""
        if service in CLOUDS:
            return self.clouds().endpoint(service)
        return (self.seaweed if service == "s3" else self.azurite).endpoint_url

    def side(self, service: str, folder: Path, url: str) -> Side:
        """A place that nobody has used yet."""
        self.made += 1
        if service == "local":
            return Folder(folder)
        if service in CLOUDS:
            return self.clouds().side(service, f"case-{self.made:05}")
        if service == "s3":
            return Bucket(self.seaweed, self.bucket, f"case-{self.made:05}", url)
        return Container(self.azurite, self.bucket, f"case-{self.made:05}", url)

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """What the program needs to know."""
        azure = {"AZURE_STORAGE_ACCOUNT": self.azurite.account_name, "AZURE_STORAGE_KEY": self.azurite.account_key}
        return {**self.seaweed.env, **azure, **QUICK, "HAULAGE_HOME": str(home), **more}

    def home(self, place: Path, service: str, url: str) -> Path:
        """A state folder with an empty ledger, quicker than a new one; with connectors where the service needs them."""
        cloud = self.clouds() if service in CLOUDS else None
        shutil.copytree(self.empty_home if cloud is None else cloud.home, place)
        if cloud is not None:
            cloud.lead(place, url)
        return place
