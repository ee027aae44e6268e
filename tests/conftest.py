"""What every test may ask for: real servers, started at the first use and once per worker, and fresh names in them."""

import os
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from haulage import logs
from testbed.dav import RcloneDav, WsgiDav
from testbed.ftp import Pyftpdlib, Vsftpd
from testbed.gcs import FakeGcs, GcpEmulator
from testbed.nextcloud import Nextcloud
from testbed.process import NotInstalled, Server
from testbed.servers import Azurite, Moto, SeaweedFS
from testbed.ssh import AsyncSSH, OpenSSH
from tests import canary


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """S3 that checks signatures and checksums."""
    with SeaweedFS(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def second_seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """Another S3, for copies from one provider to another and for tests that stop a server."""
    with SeaweedFS(tmp_path_factory.mktemp("second_seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """S3 that keeps every key as it is, in S3's own order."""
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azure Blob. Skips where it could not be installed: it needs Node.js, which is no part of Python."""
    server = Azurite(tmp_path_factory.mktemp("azurite"))
    try:
        server.start()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def wsgidav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WsgiDav]:
    """WebDAV as the RFC has it."""
    with WsgiDav(tmp_path_factory.mktemp("wsgidav")) as server:
        yield server


@pytest.fixture(scope="session")
def rclone_dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RcloneDav]:
    """WebDAV that takes times."""
    with RcloneDav(tmp_path_factory.mktemp("rclone_dav")) as server:
        yield server


@pytest.fixture(scope="session")
def nextcloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nextcloud]:
    """A simulated Nextcloud: conditions, times, uploads in chunks."""
    with Nextcloud(tmp_path_factory.mktemp("nextcloud")) as server:
        yield server


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGcs]:
    """Cloud Storage that keeps every name, and preconditions."""
    with FakeGcs(tmp_path_factory.mktemp("fake_gcs")) as server:
        yield server


@pytest.fixture(scope="session")
def gcp_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcpEmulator]:
    """Cloud Storage that checks hashes, and tells how far an upload has come."""
    with GcpEmulator(tmp_path_factory.mktemp("gcp_emulator")) as server:
        yield server


@pytest.fixture(scope="session")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSSH]:
    """Debian's sshd and its sftp-server. Skips where it is not installed, or we are not root."""
    yield from _or_skip(OpenSSH(tmp_path_factory.mktemp("openssh")))


@pytest.fixture(scope="session")
def asyncssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsyncSSH]:
    """An SSH server with a password."""
    yield from _or_skip(AsyncSSH(tmp_path_factory.mktemp("asyncssh")))


@pytest.fixture(scope="session")
def ftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pyftpdlib]:
    """Plain FTP."""
    yield from _or_skip(Pyftpdlib(tmp_path_factory.mktemp("ftp")))


@pytest.fixture(scope="session")
def ftps_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pyftpdlib]:
    """FTP over TLS."""
    yield from _or_skip(Pyftpdlib(tmp_path_factory.mktemp("ftps"), "explicit"))


@pytest.fixture(scope="session")
def vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd]:
    """Debian's vsftpd, which lists for people only and wants TLS sessions resumed. Skips where we are not root."""
    yield from _or_skip(Vsftpd(tmp_path_factory.mktemp("vsftpd")))


S = TypeVar("S", bound=Server)


def _or_skip(server: S) -> Iterator[S]:
    """The server, running; the test is skipped with the reason where it cannot be started here."""
    try:
        server.start()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


def fresh_name() -> str:
    """A name that no bucket or container has yet, and that S3 and Azure both take."""
    return f"hau-{uuid.uuid4().hex[:16]}"


@pytest.fixture
def bucket() -> str:
    """A bucket's name, unused so far; the test makes the bucket."""
    return fresh_name()


@pytest.fixture
def second_bucket() -> str:
    """Another bucket's name."""
    return fresh_name()


@pytest.fixture
def container() -> str:
    """A container's name, unused so far; the test makes the container."""
    return fresh_name()


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the credentials, the settings or the ledger of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HAULAGE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for prefix in ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR_", "SFTP_", "FTP_", "WEBDAV_"):
        for name in [name for name in os.environ if name.startswith(prefix)]:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What a test printed and logged is looked through too."""
    report = yield
    if report.when == "call":
        canary.printed(report.capstdout + report.capstderr + report.caplog)
    return report


@pytest.fixture(autouse=True)
def no_secret_is_left_behind(
    request: pytest.FixtureRequest, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """G14, after every test: see tests/canary.py."""
    monkeypatch.setattr(logs, "_secrets", {})
    canary.begin()
    yield
    own = request.node.funcargs.get("tmp_path")
    assert canary.leaks(own_home, *([own] if own is not None else [])) == []
