"""Keys that end at the server: noticed at the next call, the run pauses, and new keys of the account go on with it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import connectors as rows
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, NeedsReauthorisation, Refused
from haulage.operations import accounts, adding, transfers
from haulage.operations.adding import Wanted
from haulage.operations.locations import Given
from haulage.operations.transfers import Ended
from haulage.services.registry import service
from testbed.dav import WsgiDav
from testbed.ftp import Pyftpdlib
from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client
from tests.connectors.gate import Gate, gate
from tests.connectors.people import ADA

FILES = 30
LET_THROUGH = 12
"""Calls: the checks, the listing and some files."""
DELETED_KEY = "<Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist in our records.</Message></Error>"
ANOTHER_KEY = (
    "<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code><Message>Not the signature.</Message></Error>"
)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """An installation that waits for nobody long."""
    monkeypatch.setenv("HAULAGE_BACKOFF_SECONDS", "0.02")
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path / "state"))
    opened = Ledger.open(tmp_path / "state" / "ledger.db")
    yield opened
    opened.close()


async def connect(ledger: Ledger, service_id: str, settings: Mapping[str, str]) -> int:
    """A connector of these keys."""
    name = await adding.add(ledger, service(service_id), Wanted(settings, "mine"), ADA)
    return ledger.read(rows.get, name).id


async def renew(ledger: Ledger, **changes: str) -> None:
    await adding.renew(ledger, ledger.read(rows.get, "mine"), Wanted(changes, "mine"), ADA)


async def copied(ledger: Ledger, source: str, target: Path) -> Ended:
    sides = Given(source, "source"), Given(str(target), "destination")
    return await transfers.copy(ledger, *sides, Options(), Watch())


async def ends_and_goes_on(
    ledger: Ledger, door: Gate, connector: int, source: str, target: Path, ended: web.Response, **changes: str
) -> None:
    """Shut the gate in the middle of a copy; open it, give the keys anew, and go on."""
    door.shut, door.left = ended, LET_THROUGH
    paused = await copied(ledger, source, target)
    assert (int(paused.status), paused.run.counts["failed"]) == (311, 0)
    assert isinstance(paused.stopped, NeedsReauthorisation)
    row = ledger.read(rows.by_id, connector)
    assert row.state == "needs_reauthorisation" and row.reason
    with pytest.raises(NeedsReauthorisation, match="needs to be authorised again"):
        await copied(ledger, source, target)
    with pytest.raises(AuthLost):  # keys that are refused as well change nothing
        await renew(ledger, **changes)
    assert ledger.read(rows.by_id, connector).state == "needs_reauthorisation"
    door.shut = None
    await renew(ledger, **changes)
    ((first, second, options),) = transfers.paused_for(ledger, connector)
    again = await transfers.copy(ledger, first, second, options, Watch())
    done = paused.run.counts["successful"]
    assert (int(again.status), again.run.counts["unchanged"]) == (100, done)
    assert again.run.counts["successful"] == FILES - done > 0


async def test_an_access_key_that_is_deleted(ledger: Ledger, seaweed: SeaweedFS, bucket: str, tmp_path: Path) -> None:
    """S3: another key of the account goes on; a stranger's is refused."""
    client = s3_client(seaweed)
    client.create_bucket(Bucket=bucket)
    for number in range(FILES):
        client.put_object(Bucket=bucket, Key=f"{number}.txt", Body=b"content")
    keys = {"access_key_id": seaweed.access_key_id, "secret_access_key": seaweed.secret_access_key}
    second = dict(zip(keys, seaweed.second_key, strict=True))
    async with gate(seaweed.endpoint_url) as door:
        connector = await connect(ledger, "s3", {**keys, "endpoint_url": door.url})
        gone = web.Response(status=403, text=DELETED_KEY, content_type="application/xml")
        await ends_and_goes_on(ledger, door, connector, f"mine:/{bucket}", tmp_path / "there", gone, **second)
        with pytest.raises(Refused, match="these keys are of stranger"):
            await renew(ledger, **dict(zip(keys, seaweed.strangers_key, strict=True)))
        assert "haulage" in (await accounts.check(ledger, "mine")).told


async def test_a_storage_key_that_is_changed(ledger: Ledger, azurite: Azurite, container: str, tmp_path: Path) -> None:
    """Azure Blob: the same account with its other key."""
    with blob_client(azurite) as client:
        made = client.create_container(container)
        for number in range(FILES):
            made.upload_blob(f"{number}.txt", b"content")
    path = azurite.endpoint_url.rpartition("/")[0]
    async with gate(path) as door:
        settings = {"account_key": azurite.account_key, "endpoint_url": f"{door.url}/{azurite.account_name}"}
        connector = await connect(ledger, "azure-blob", settings)
        gone = web.Response(status=403, text=ANOTHER_KEY, content_type="application/xml")
        key = {"account_key": azurite.account_key}
        await ends_and_goes_on(ledger, door, connector, f"mine:/{container}", tmp_path / "there", gone, **key)


async def test_a_password_that_is_changed(ledger: Ledger, wsgidav: WsgiDav, container: str, tmp_path: Path) -> None:
    """WebDAV: the same user with a new password; another user of the server is another account."""
    folder = wsgidav.tree / container
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text("content")
    async with gate(wsgidav.url) as door:
        settings = {"url": door.url, "username": wsgidav.username, "password": wsgidav.password, "allow_http": "yes"}
        connector = await connect(ledger, "webdav", settings)
        gone = web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="files"'})
        new = {"password": wsgidav.password}
        await ends_and_goes_on(ledger, door, connector, f"mine:/{container}", tmp_path / "there", gone, **new)


async def test_a_server_that_is_restarted_with_another_password(ledger: Ledger, tmp_path: Path) -> None:
    """FTP: noticed at the next log-in, by checking and by copying alike; then the new password."""
    with Pyftpdlib(tmp_path / "ftp") as server:
        (server.root / "a.txt").write_text("content")
        settings = {"server": "127.0.0.1", "port": str(server.port), "user": server.user, "password": server.password}
        settings |= {"encryption": "none", "allow_unencrypted": "yes"}
        connector = await connect(ledger, "ftp", settings)
        assert ledger.read(rows.by_id, connector).account_name == f"{server.user}@127.0.0.1"
        server.stop()
        server.password = "another secret of this server"
        server.start()
        for _ in range(2):
            with pytest.raises(NeedsReauthorisation):
                await accounts.check(ledger, "mine")
        with pytest.raises(NeedsReauthorisation):
            await copied(ledger, "mine:/", tmp_path / "there")
        assert ledger.read(rows.by_id, connector).state == "needs_reauthorisation"
        await renew(ledger, password=server.password)
        assert int((await copied(ledger, "mine:/", tmp_path / "there")).status) == 100
