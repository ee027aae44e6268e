"""The drives that every case runs on, and what the servers behind them cannot do."""

import asyncio
import itertools
import re
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from haulage.services.contract import Drive
from haulage.services.registry import service
from testbed.ftp import Vsftpd
from testbed.proxy import FaultProxy
from testbed.ssh import AsyncSSH

from .clouds import CLOUDS, WITNESSES, CloudPlace, cloud_place, clouds
from .kit import Place, body_of, put_all
from .voices import VOICES, Faults
from .witness import AzureWitness, DavWitness, GcsWitness, LocalWitness, S3Witness, Witness

Opens = Callable[..., Drive]
NewRoot = Callable[[], Place]
Limit = Callable[[str], None]

__all__ = ["clouds"]  # a fixture

FTP_SERVERS = ("ftp-pyftpdlib", "ftps-pyftpdlib", "ftps-vsftpd")
SERVERS = (
    "local",
    "s3-seaweed",
    "s3-moto",
    "azure-azurite",
    "gcs-fake",
    "gcs-emulator",
    "sftp-openssh",
    "sftp-asyncssh",
    "dav-wsgidav",
    "dav-rclone",
    "dav-nextcloud",
    *CLOUDS,
    *FTP_SERVERS,
)
LONG_RUN = FTP_SERVERS
"""In every run the service's own cases stand for them (pyftpdlib, vsftpd, a server in memory), and a few of these."""
ALL_THE_SAME: dict[str, tuple[str, ...]] = {
    "ftp-pyftpdlib": (
        "test_absent_conflicts_and_leaves_the_old",
        "test_an_overwrite_changes_the_revision",
        "test_going_on_in_another_process",
    ),
    "ftps-pyftpdlib": ("test_a_wrong_hash_is_refused", "test_the_old_version_is_there_until_the_new_is_whole"),
}
NO_HTTP = ("local", "sftp-openssh", "sftp-asyncssh", *FTP_SERVERS)
MIB = 1024 * 1024

ONLY: dict[str, tuple[str, ...]] = {
    # It has no preconditions, no pages and drops connections under load (probed with 2026.7.19): it is here for what
    # fake-gcs-server lacks, checked hashes and an upload that can be asked how far it has come.
    "gcs-emulator": ("test_parts.py", "test_attempts.py", "test_a_wrong_hash"),
}
"""Servers that stand beside a better one of the same service, for these files and cases alone."""

FTP_RACES = {
    word: "FTP has no condition on a write (RFC 959: RNTO takes any name): what is there is looked at just before"
    for word in ("keeps conditions at the end of racing uploads", "keeps conditions of racing writes")
}

SERVER_LIMITS: dict[str, dict[str, str]] = {
    "local": {},
    "s3-seaweed": {
        "keeps empty metadata values": "SeaweedFS drops x-amz-meta-* headers without a value (probed with 4.48)",
        "keeps conditions at the end of racing uploads": "SeaweedFS looks, then writes, without a lock: on a busy "
        "machine four of four racing completions with If-None-Match won (seen with 4.48)",
    },
    "s3-moto": {
        "tells checksums of parts": "moto's ListParts tells none, and its checksum of a multi-part object lacks the -N "
        "that marks it as one of parts (probed with 5.2.5)",
        "keeps conditions at the end of an upload": "moto knows only If-None-Match there, and looks before it writes "
        "without a lock (moto/s3/responses.py of 5.2.5)",
        "keeps conditions at the end of racing uploads": "the same",
        "refuses wrong keys": "moto checks neither keys nor signatures (its documentation: IAM is off by default)",
        "checks hashes": "moto stores a body whatever Content-MD5 or checksum came with it (probed with 5.2.5)",
        "tells an aborted upload": "moto answers 500 to a part and to the end of an aborted upload (probed with 5.2.5)",
    },
    "azure-azurite": {
        "forgets an aborted upload": "Azure itself keeps uncommitted blocks for a week, and no call removes them "
        "(learn.microsoft.com/rest/api/storageservices/put-block); parts of an aborted attempt stay known",
    },
    "gcs-fake": {
        "checks hashes": "fake-gcs-server stores a body whatever md5Hash or crc32c came with it (probed with 0.1.1 of "
        "its wheel)",
        "refuses wrong keys": "fake-gcs-server asks for no credentials (its documentation)",
        "tells what an upload holds": "fake-gcs-server takes that question for the end of the upload, and makes a file "
        "of what it has (probed with 0.1.1 of its wheel); gcp-storage-emulator answers it",
        "keeps conditions at the end of racing uploads": "fake-gcs-server looks at an upload's condition when it is "
        "begun, and not when it ends (probed with 0.1.1 of its wheel)",
    },
    "gcs-emulator": {
        "refuses wrong keys": "gcp-storage-emulator asks for no credentials (its documentation)",
        "forgets an aborted upload": "gcp-storage-emulator knows no cancelling (501; probed with 2026.7.19)",
        "keeps conditions at the end of racing uploads": "gcp-storage-emulator has no preconditions (probed with "
        "2026.7.19); what there is is looked at before the last byte",
    },
    "sftp-openssh": {},
    "sftp-asyncssh": {},
    "dav-wsgidav": {
        "replaces a file in one step": "WsgiDAV deletes what is there before it moves (_copy_or_move of 4.4.0): for an "
        "instant there is nothing, and never half a file",
        "tells versions of one second apart": "WsgiDAV's ETag is inode, second and size (get_file_etag of 4.4.0)",
        "checks hashes": "the protocol has no hash for a server to check (RFC 4918)",
        "keeps conditions of racing writes": "WsgiDAV looks at what is there, then moves, and holds no lock meanwhile "
        "(_copy_or_move of 4.4.0): of two at one instant both may be told that they wrote; one of them is there whole",
    },
    "dav-rclone": {
        "replaces a file in one step": "rclone serve webdav deletes what is there before it moves, as RFC 4918, "
        "9.9.3 says (moveFiles of golang.org/x/net/webdav): for an instant there is nothing, and never half a file",
        "lists a folder while a file is written into it": "rclone serve webdav breaks such a listing off with an error "
        "after its end (probed with 1.75.2); told as Transient, never as a short folder",
        "checks hashes": "the protocol has no hash for a server to check (RFC 4918)",
    },
    "dav-nextcloud": {
        "checks hashes": "Nextcloud stores a checksum as it is told, and checks none",
        "keeps times up to the first second of 1970": "Nextcloud refuses an X-OC-Mtime of 0 and less, so none is sent",
    },
    "ftp-pyftpdlib": FTP_RACES,
    "ftps-pyftpdlib": FTP_RACES,
    "ftps-vsftpd": FTP_RACES
    | {"refuses wrong keys": "it lets everybody in as ftp and looks at no password (no_anon_password in its bed)"},
}
SERVER_LIMITS |= {name: cloud.limits for name, cloud in CLOUDS.items()}
"""What a server (not the service!) cannot do, by the word that a case asks for: the reason, and where it is written."""

NAME_LIMITS: dict[str, list[tuple[re.Pattern[str], str]]] = {
    "local": [],
    "s3-seaweed": [
        (re.compile(r"(^|/)(/|$)|//"), "SeaweedFS drops empty parts: its keys are paths in a file tree"),
        (re.compile(r"\\"), "SeaweedFS stores a backslash as a slash"),
        (re.compile(r"(^|/)\.{1,2}(/|$)"), "SeaweedFS answers 400 to '.' and '..' as parts"),
        (re.compile(r"(?s)(^|/)[^/]{256,}"), "SeaweedFS takes 255 bytes in a part: KeyTooLongError"),
    ],
    "s3-moto": [(re.compile(r"[\n\r]"), "moto does not keep a line break in a key")],
    "gcs-fake": [],
    "gcs-emulator": [],
    "dav-wsgidav": [
        (
            re.compile(r"[;?#\t\n\r]"),
            "WsgiDAV decodes a Destination before it takes it apart, and moves 'a?b' to 'a'; the drive finds that out "
            "when it is checked for writing",
        ),
    ],
    "dav-rclone": [],
    "dav-nextcloud": [],
    "azure-azurite": [
        (re.compile(r"\\"), "Azurite lists a backslash as a slash"),
        (re.compile(r"(^|/)\.{1,2}(/|$)"), "Azurite answers 403 to '.' and '..' as parts: its router folds them"),
    ],
    "sftp-openssh": [],
    "sftp-asyncssh": [],
    "ftp-pyftpdlib": [],
    "ftps-pyftpdlib": [],
    "ftps-vsftpd": [],
}
NAME_LIMITS |= {name: [] for name in CLOUDS}
"""Names that a server spells otherwise than the vendor's own service; each is tried on another server."""

needs_server = pytest.mark.over_network
"""The case is about the network: drives without a server are left out."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "over_network: only for services that are reached over a network")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case for every server; those about the network without the local file system."""
    if "server" in metafunc.fixturenames:
        network = metafunc.definition.get_closest_marker("over_network")
        case = f"{metafunc.module.__name__.rpartition('.')[2]}.py::{metafunc.function.__name__}"
        names = [name for name in SERVERS if name not in ONLY or any(part in case for part in ONLY[name])]
        without = NO_HTTP if "faults" in metafunc.fixturenames else ("local",) if network else ()
        metafunc.parametrize("server", [_param(name, case) for name in names if name not in without], scope="session")


def _param(name: str, case: str) -> Any:
    """What has a sister in every run is tried in the long run alone, but for a few cases."""
    sister = name in LONG_RUN or (name in CLOUDS and not CLOUDS[name].always)
    sister = sister and not any(case.endswith(f"::{one}") for one in ALL_THE_SAME.get(name, ()))
    return pytest.param(name, marks=pytest.mark.slow) if sister else name


PAGES = {
    "local": ("haulage.services.local.listing", "PAGE_ITEMS"),
    "s3": ("haulage.services.s3.listing", "PAGE_ENTRIES"),
    "azure-blob": ("haulage.services.azure_blob.drive", "PAGE_ENTRIES"),
    "gcs": ("haulage.services.gcs.drive", "PAGE_ENTRIES"),
    "sftp": ("haulage.services.sftp.listing", "PAGE_ITEMS"),
    "ftp": ("haulage.services.ftp.listing", "PAGE_ITEMS"),
}
"""Where each service says how many entries a page is to have; made small for the cases about several pages."""


def _s3(bed: Any, server: str) -> Place:
    settings = {
        "endpoint_url": bed.endpoint_url,
        "region": bed.region,
        "access_key_id": bed.access_key_id,
        "secret_access_key": bed.secret_access_key,
    }
    return Place(
        server=server,
        service=service("s3"),
        settings=settings,
        root="",
        least_part_bytes=5 * MIB,
        endpoint="endpoint_url",
        secrets=(bed.secret_access_key,),
        page_size=PAGES["s3"],
        wrong={"secret_access_key": "not-the-secret-of-this-server"},
    )


def _azure(bed: Any, server: str) -> Place:
    settings = {
        "endpoint_url": bed.endpoint_url,
        "account_name": bed.account_name,
        "account_key": bed.account_key,
    }
    return Place(
        server=server,
        service=service("azure-blob"),
        settings=settings,
        root="",
        least_part_bytes=64 * 1024,
        endpoint="endpoint_url",
        secrets=(bed.account_key,),
        page_size=PAGES["azure-blob"],
        wrong={"account_key": "bm90IHRoZSBrZXkgb2YgdGhpcyBhY2NvdW50"},
    )


def _gcs(bed: Any, server: str) -> Place:
    return Place(
        server=server,
        service=service("gcs"),
        settings={"endpoint_url": bed.endpoint_url, "project": bed.project},
        root="",
        least_part_bytes=256 * 1024,
        endpoint="endpoint_url",
        page_size=PAGES["gcs"],
        part_size=("haulage.services.gcs.traits", "LEAST_PART_BYTES"),
    )


def _sftp(bed: Any, server: str) -> Place:
    settings = {"server": "localhost", "port": str(bed.port), "user": bed.user, "host_key": bed.host_key}
    if isinstance(bed, AsyncSSH):
        secrets = {"password": bed.password}
        wrong = {"password": "not-the-password-of-this-server"}
        base = "/"
    else:
        secrets = {"private_key": bed.key("id").read_text().strip()}
        wrong = {"private_key": bed.key("other").read_text().strip()}
        base = str(bed.root)
    return Place(
        server=server,
        service=service("sftp"),
        settings={**settings, **secrets, "base_path": base},
        root="",
        least_part_bytes=64 * 1024,
        port="port",
        secrets=tuple(secrets.values()),
        page_size=PAGES["sftp"],
        wrong=wrong,
        spellings=({"server": "LocalHost"}, {"base_path": base + "/"}),
        files=str(bed.root),
    )


def _dav(bed: Any, server: str) -> Place:
    return Place(
        server=server,
        service=service("webdav"),
        settings={
            "url": bed.url,
            "username": bed.username,
            "password": bed.password,
            "allow_http": "yes",
            "auth": "basic",  # what servers ask for otherwise is tested with the service itself
        },
        root="",
        least_part_bytes=64 * 1024,
        endpoint="url",
        secrets=(bed.password,),
        wrong={"password": "not-the-password"},
    )


def _ftp(bed: Any, server: str) -> Place:
    base = "/data" if isinstance(bed, Vsftpd) else "/"
    return Place(
        server=server,
        service=service("ftp"),
        settings={**bed.settings, "base_path": base},
        root="",
        least_part_bytes=64 * 1024,
        port="port",
        secrets=(bed.password,),
        page_size=PAGES["ftp"],
        wrong={"password": "not-the-password-of-this-server"},
        spellings=({"base_path": base + "/"}, {"server": " 127.0.0.1 "}),
        files=str(bed.root / base.strip("/")),
    )


def _local(folder: Path) -> Place:
    page = PAGES["local"]
    return Place("local", service("local"), {}, str(folder), least_part_bytes=64 * 1024, page_size=page, files="/")


BEDS: dict[str, tuple[str, Callable[[Any, str], Place]]] = {
    "s3-seaweed": ("seaweed", _s3),
    "s3-moto": ("moto", _s3),
    "azure-azurite": ("azurite", _azure),
    "gcs-fake": ("fake_gcs", _gcs),
    "gcs-emulator": ("gcp_emulator", _gcs),
    "sftp-openssh": ("openssh", _sftp),
    "sftp-asyncssh": ("asyncssh_server", _sftp),
    "dav-wsgidav": ("wsgidav", _dav),
    "dav-rclone": ("rclone_dav", _dav),
    "dav-nextcloud": ("nextcloud", _dav),
    "ftp-pyftpdlib": ("ftp_server", _ftp),
    "ftps-pyftpdlib": ("ftps_server", _ftp),
    "ftps-vsftpd": ("vsftpd", _ftp),
}


def fresh_name() -> str:
    """A name that no bucket has yet."""
    return f"hau-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def bench(server: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One bucket, container or folder for all cases of a session on this server. Its root is not yet made for local."""
    if server == "local":
        return _local(tmp_path_factory.mktemp("contract"))
    if server in CLOUDS:
        cloud = cloud_place(request.getfixturevalue("clouds"), server)
        place: Place = cloud.at(f"{cloud.base}/{fresh_name()}".strip("/"))
        asyncio.run(_make(place))
        return place
    fixture, settings = BEDS[server]
    place = settings(request.getfixturevalue(fixture), server).at(fresh_name())
    asyncio.run(_make(place))
    return place


async def _make(place: Place) -> None:
    drive = place.open()
    try:
        await drive.check(write=True, create=True)
    finally:
        await drive.close()


_numbers = itertools.count(1)


@pytest.fixture
async def place(bench: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A root of its own for this case: a fresh prefix, or a fresh folder."""
    if bench.part_size is not None:
        monkeypatch.setattr(".".join(bench.part_size), bench.least_part_bytes)
    place = bench.at(f"{bench.root}/case-{next(_numbers):05d}")
    await _make(place)
    return place


@pytest.fixture
def new_root(bench: Place) -> NewRoot:
    """Places whose bucket, container or folder does not exist."""
    if bench.server == "local":
        return lambda: bench.at(f"{bench.root}/{fresh_name()}")
    parent = bench.root.rpartition("/")[0] if isinstance(bench, CloudPlace) else ""
    return lambda: bench.at(f"{parent}/{fresh_name()}".strip("/"))


@pytest.fixture
async def make_drive(place: Place) -> AsyncIterator[Opens]:
    """Opens drives (the case's own place by default) and closes them in the end."""
    opened: list[Drive] = []

    def make(where: Place = place) -> Drive:
        opened.append(where.open())
        return opened[-1]

    yield make
    for drive in opened:
        await drive.close()


@pytest.fixture
def drive(make_drive: Opens) -> Drive:
    """A handle to write with, on a fresh empty root."""
    return make_drive()


@pytest.fixture
def reader(make_drive: Opens) -> Drive:
    """A second handle on the same root, as another process has it."""
    return make_drive()


@pytest.fixture
def part_bytes(place: Place) -> int:
    """The smallest parts that the service takes."""
    return place.least_part_bytes


@pytest.fixture
def body(part_bytes: int) -> bytes:
    """Two whole parts and a short one."""
    return body_of(2 * part_bytes + 1000)


@dataclass(frozen=True)
class Sees:
    """The witness of the case's root, out of the event loop's way."""

    witness: Witness

    async def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        """Put a file there as somebody else would."""
        await asyncio.to_thread(self.witness.plant, path, body, content_encoding)

    async def remove(self, path: str) -> None:
        """Remove a file."""
        await asyncio.to_thread(self.witness.remove, path)

    async def fetch(self, path: str) -> bytes | None:
        """The bytes that are stored there; None when there is nothing."""
        return await asyncio.to_thread(self.witness.fetch, path)

    async def leftovers(self, files: set[str]) -> list[str]:
        """What is kept below the root besides these files."""
        return await asyncio.to_thread(self.witness.leftovers, files)


@pytest.fixture
def sees(place: Place, request: pytest.FixtureRequest) -> Sees:
    """What somebody else does and sees at the case's root."""
    settings = place.settings
    if place.files is not None:
        return Sees(LocalWitness(str(Path(place.files) / place.root)))
    if isinstance(place, CloudPlace):
        return Sees(WITNESSES[place.service.id](place))
    if place.service.id == "webdav":
        return Sees(DavWitness(request.getfixturevalue(BEDS[place.server][0]), place.root))
    endpoint = settings["endpoint_url"]
    if place.service.id == "gcs":
        return Sees(GcsWitness(endpoint, place.root))
    if place.service.id == "s3":
        return Sees(S3Witness(endpoint, settings["access_key_id"], settings["secret_access_key"], place.root))
    return Sees(AzureWitness(endpoint, settings["account_name"], settings["account_key"], place.root))


@pytest.fixture
def limit(server: str) -> Limit:
    """Skips the case where the server behind the service cannot do what it asks for."""

    def needs(ability: str) -> None:
        reason = SERVER_LIMITS[server].get(ability)
        if reason is not None:
            pytest.skip(f"{server}: {reason}")

    return needs


def declared(trait: object, what: str) -> None:
    """Skip the case where the service says by its traits that it has no such thing."""
    if not trait:
        pytest.skip(f"by its traits the drive has no {what}")


def unkept(server: str, path: str) -> str | None:
    """Why the server behind the service cannot keep this name; None where it can."""
    return next((why for pattern, why in NAME_LIMITS[server] if pattern.search(path)), None)


@dataclass
class Crowd:
    """A folder "crowd" with many files, and some beside it; written once per server."""

    drive: Drive
    fresh: Callable[[], Drive]
    files: set[str]

    @property
    def children(self) -> set[str]:
        """What the folder holds."""
        return {path for path in self.files if path.startswith("crowd/")}


CROWD = 1100
_crowds: dict[str, tuple[Place, set[str]]] = {}


@pytest.fixture
async def crowd(bench: Place, make_drive: Opens) -> Crowd:
    """The crowd of this server, in pages of the service's own size."""
    if bench.server not in _crowds:
        where = bench.at(f"{bench.root}/crowd")
        await _make(where)
        names = [f"crowd/{number:05d}.bin" for number in range(CROWD)] + ["aside/1.bin", "z.bin"]
        await put_all(make_drive(where), {name: b"" for name in names})
        _crowds[bench.server] = where, set(names)
    where, files = _crowds[bench.server]
    return Crowd(make_drive(where), lambda: make_drive(where), files)


@pytest.fixture
def crowd_in_pages(crowd: Crowd, place: Place, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """The same, in pages of 300."""
    declared(place.page_size[0], "pages: a folder is listed as a whole")
    module, name = place.page_size
    monkeypatch.setattr(f"{module}.{name}", 300)
    return crowd


@pytest.fixture
async def faults(place: Place, make_drive: Opens, sees: Sees) -> AsyncIterator[Faults]:
    """A drive on the case's root, behind a proxy that can break things."""
    assert place.endpoint is not None
    async with FaultProxy(place.settings[place.endpoint]) as proxy:
        drive = make_drive(place.having(**{place.endpoint: proxy.url}))
        yield Faults(proxy, VOICES[place.service.id], drive, sees.witness)
        await drive.close()


@pytest.fixture
async def sees_body(sees: Sees) -> bytes:
    """The bytes of "a.bin", which somebody else wrote there."""
    body = body_of(300_000)
    await sees.plant("a.bin", body)
    return body


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short: how long they are is tested with the transport."""
    monkeypatch.setattr("haulage.services.transport.retries.random.uniform", lambda least, most: 0.01)


@pytest.fixture
def in_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listings come in pages of three."""
    declared(place.page_size[0], "pages: a folder is listed as a whole")
    module, name = place.page_size
    monkeypatch.setattr(f"{module}.{name}", 3)
