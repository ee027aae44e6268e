"""The drive against Azurite, with azure-storage-blob as the witness."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    BlobBlock,
    ContainerClient,
    ResourceTypes,
    StandardBlobTier,
    generate_account_sas,
    generate_container_sas,
)

from haulage.model.errors import (
    AuthLost,
    Blocked,
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    Refused,
    RootGone,
    SessionGone,
    ShortRead,
)
from haulage.model.item import Carried, Item, Kind
from haulage.model.naming import fit
from haulage.services.azure_blob import AZURE_BLOB
from haulage.services.azure_blob.account import EMULATOR_KEY
from haulage.services.azure_blob.drive import BlobDrive, containers, open_drive
from haulage.services.azure_blob.traits import MIB, MOST_BLOCKS, TRAITS, part_bytes
from haulage.services.contract import ABSENT, Drive, ListsTree, Precondition
from testbed.servers import Azurite
from tests.contract.kit import FreePacer, begin, body_of, digests, files, put, read, read_path, tree, walked

CARRIED = Carried(
    modified_us=1_700_000_000_123_456,
    content_type="text/plain; charset=utf-8",
    content_encoding="gzip",
    content_language="de",
    content_disposition='attachment; filename="ä.txt"',
    cache_control="no-cache",
    metadata={"my-key": "ä ö", "Plain": "x y", "a_b": "1", "ab": "2", "A0": "3", "_z": "4", "two": "a  b"},
)


def settings_of(azurite: Azurite, **others: str) -> dict[str, str]:
    return {"account_key": azurite.account_key, "endpoint_url": azurite.endpoint_url, **others}


@pytest.fixture
async def drive(azurite: Azurite, container: str) -> AsyncIterator[BlobDrive]:
    """Of a prefix in a container of its own."""
    made = open_drive(settings_of(azurite), f"{container}/pre/fix", FreePacer())
    await made.check(write=True, create=True)
    yield made
    await made.close()


@pytest.fixture
def witness(azurite: Azurite, container: str) -> Any:
    """Microsoft's client of that container."""
    return ContainerClient(azurite.endpoint_url, container, credential=azurite.account_key)


def test_it_keeps_the_contract(azurite: Azurite) -> None:
    made = open_drive(settings_of(azurite), "cont", FreePacer())
    assert isinstance(made, Drive)
    assert isinstance(made, ListsTree)


def test_parts_never_number_more_than_fifty_thousand() -> None:
    assert part_bytes(9 * MIB) == 8 * MIB
    for size in (400_000 * MIB, 400_000 * MIB + 1, 10**14, TRAITS.largest_file):
        assert -(-size // part_bytes(size)) <= MOST_BLOCKS
        assert part_bytes(size) <= 4000 * MIB


@pytest.mark.parametrize(
    ("root", "identity", "prefix"),
    [
        ("cont", "az://acct/cont", ""),
        ("cont/", "az://acct/cont", ""),
        ("cont/a/b", "az://acct/cont/a/b", "a/b/"),
        ("cont/a/b/", "az://acct/cont/a/b", "a/b/"),
        ("cont//a", "az://acct/cont//a", "/a/"),
        ("$web", "az://acct/$web", ""),
    ],
)
def test_roots_have_one_identity(root: str, identity: str, prefix: str) -> None:
    made = open_drive({"account_name": "acct", "account_key": "c2VjcmV0"}, root, FreePacer())
    assert made.identity == identity
    assert made.traits.names.longest_path == 1024 - len(prefix)
    assert made.traits.names.most_parts == 254 - prefix.count("/")


@pytest.mark.parametrize(
    "root", ["", "/a", "ab", "Upper", "a--b", "-ab", "ab-", "a_b", "a" * 64, "con.t", "äöü", "cont/..", "cont/a/./b"]
)
def test_what_can_be_no_container_is_refused_without_a_call(root: str) -> None:
    with pytest.raises(Refused):
        open_drive({"account_name": "acct", "account_key": "c2VjcmV0"}, root, FreePacer())


NAMES = [
    "a.txt", "sp ace", " lead", "trail ", "a//b", "/lead", "//dbl", "dir/x", "dir/y/z", "ünï", "u\u0308", "😀", "ﬁ",
    "q?a=b&c#d", "pct%41", "%2F", "plus+", "quo'te\"s", "trail./x", "...x", "x:y", "=;,@!$()*[]{}|^`<>~",
    "a" * 255, "deep/" * 100 + "x",
]  # fmt: skip


async def test_every_name_is_kept_exactly(drive: BlobDrive, witness: Any) -> None:
    for name in NAMES:
        body = name.encode()
        written = await put(drive, name, body, condition=ABSENT)
        there = await drive.item(name)
        assert there is not None
        assert (there.path, there.size, there.revision) == (name, len(body), written.revision)
        assert await read(drive, there, 1) == body[1:]
    found = await tree(drive)
    assert files(found) == set(NAMES)
    assert {blob.name for blob in witness.list_blobs()} == {f"pre/fix/{name}" for name in NAMES}
    assert found == {name: await drive.item(name) for name in NAMES}


@pytest.mark.parametrize(
    "name", ["back\\slash", "c\x01", "del\x7f", "c\x81", "pua\ue000", "bad\ufffd", "..", "a/./b", "dot."]
)
def test_names_that_the_service_refuses_or_changes_are_fitted(name: str) -> None:
    assert fit(name, TRAITS.names).path != name


async def test_everything_carried_comes_back_after_a_put_and_after_blocks(drive: BlobDrive, witness: Any) -> None:
    await put(drive, "one", b"x", CARRIED)
    upload = await begin(drive, "many", body_of(30), 10, carried=CARRIED)
    await upload.send_all()
    await upload.finish()
    for name in ("one", "many"):
        there = await drive.item(name)
        assert there is not None
        async with drive.open(there) as content:
            assert content.carried == CARRIED
        seen = witness.get_blob_client(f"pre/fix/{name}").get_blob_properties()
        assert seen.metadata["mtime"] == "2023-11-14T22:13:20.123456000Z"
        assert seen.content_settings.content_type == CARRIED.content_type
        assert seen.content_settings.content_md5 == bytearray.fromhex(there.hashes["md5"])


async def test_an_empty_file_is_a_file(drive: BlobDrive) -> None:
    """T20."""
    written = await put(drive, "empty", b"")
    assert written.hashes == {"md5": digests(b"")["md5"]}
    assert await read_path(drive, "empty") == b""
    assert files(await tree(drive)) == {"empty"}


async def test_a_body_that_arrives_damaged_is_refused_and_not_stored(drive: BlobDrive) -> None:
    with pytest.raises(Mismatch):
        await drive.put("a", b"body", Carried(), digests(b"other"), ABSENT)
    assert await drive.item("a") is None


async def test_writes_with_a_condition_change_nothing_when_it_fails(drive: BlobDrive) -> None:
    first = await put(drive, "a", b"one", condition=ABSENT)
    with pytest.raises(Conflict):
        await put(drive, "a", b"two", condition=ABSENT)
    second = await put(drive, "a", b"two", condition=Precondition(revision=first.revision))
    assert second.revision != first.revision
    with pytest.raises(Conflict):
        await put(drive, "a", b"three", condition=Precondition(revision=first.revision))
    with pytest.raises(Conflict):
        await put(drive, "new", b"x", condition=Precondition(revision=first.revision))
    assert await read_path(drive, "a") == b"two"


async def test_of_racing_writers_one_wins(drive: BlobDrive) -> None:
    async def small(number: int) -> str:
        try:
            await put(drive, "race", b"%d" % number, condition=ABSENT)
        except Conflict:
            return "lost"
        return "won"

    async def parts(number: int) -> str:
        upload = await begin(drive, "race-parts", body_of(20, number), 10, f"attempt-{number}")
        await upload.send_all()
        try:
            await upload.finish(ABSENT)
        except (Conflict, SessionGone):
            return "lost"
        return "won"

    for outcome in (await asyncio.gather(*map(small, range(8))), await asyncio.gather(*map(parts, range(6)))):
        assert sorted(outcome, reverse=True)[:2] == ["won", "lost"]
    assert await read_path(drive, "race-parts") in [body_of(20, number) for number in range(6)]


async def test_a_file_of_blocks_is_whole_and_proven(drive: BlobDrive) -> None:
    body = body_of(20 * MIB)
    upload = await begin(drive, "big", body, 8 * MIB)
    await asyncio.gather(*(upload.send(number) for number in upload.numbers))
    assert await drive.item("big") is None, "nothing shows before the end"
    written = await upload.finish(ABSENT)
    there = await drive.item("big")
    assert there is not None
    assert (written.parts_checked, written.hashes, written.revision) == (True, {}, there.revision)
    assert there.hashes["md5"] == digests(body)["md5"]
    assert await read(drive, there) == body


async def test_a_block_that_arrives_damaged_is_refused(drive: BlobDrive) -> None:
    upload = await begin(drive, "a", b"12", 1)
    with pytest.raises(Mismatch):
        await drive.put_part(upload.state, 1, 0, memoryview(b"1"), digests(b"2")["md5"])
    assert await drive.parts(upload.state) == {}


async def test_an_upload_is_taken_up_where_it_stood(drive: BlobDrive, azurite: Azurite, container: str) -> None:
    """G12: a new process finds its blocks by the state alone, and sends only what is missing."""
    upload = await begin(drive, "a", body_of(35), 10)
    await upload.send_all([1, 3])
    again = open_drive(settings_of(azurite), f"{container}/pre/fix", FreePacer())
    held = await again.parts(upload.state)
    assert held is not None
    assert {number: receipt["size"] for number, receipt in held.items()} == {1: 10, 3: 10}
    assert held[1] == await drive.put_part(upload.state, 1, 0, memoryview(upload.body)[:10], None)
    await upload.send_all([2, 4])
    await upload.finish()
    assert await read_path(again, "a") == upload.body
    assert await again.parts(upload.state) == {}
    await again.close()


async def test_blocks_of_two_attempts_never_mix(drive: BlobDrive, witness: Any) -> None:
    """T09: a second attempt, or another tool, sends blocks to the same name."""
    ours = await begin(drive, "a", body_of(40, 1), 10, "attempt-1")
    theirs = await begin(drive, "a", body_of(40, 2), 10, "attempt-2")
    await ours.send_all()
    await theirs.send_all([2, 1])
    witness.get_blob_client("pre/fix/a").stage_block("stranger-16-byte", b"strange")
    held = await drive.parts(ours.state)
    assert held is not None
    assert [receipt["id"] for _, receipt in sorted(held.items())] == [
        base64.b64encode(bytes.fromhex(ours.state["blocks"]) + number.to_bytes(4, "big")).decode()
        for number in ours.numbers
    ]
    await ours.finish()
    assert await read_path(drive, "a") == ours.body


async def test_a_list_with_a_missing_block_starts_anew(drive: BlobDrive) -> None:
    upload = await begin(drive, "a", body_of(20), 10)
    await upload.send_all()
    rival = await begin(drive, "a", body_of(10, 2), 10, "attempt-2")
    await rival.send_all()
    await rival.finish()
    with pytest.raises(SessionGone):
        await upload.finish()
    assert await read_path(drive, "a") == rival.body


async def test_too_few_bytes_are_never_made_a_file(drive: BlobDrive) -> None:
    """T01."""
    upload = await begin(drive, "a", body_of(40), 10)
    await upload.send_all([1, 2])
    with pytest.raises(ShortRead):
        await upload.finish()
    assert await drive.item("a") is None


async def test_finishing_again_after_a_lost_answer_changes_nothing(drive: BlobDrive) -> None:
    upload = await begin(drive, "a", body_of(20), 10)
    await upload.send_all()
    await upload.finish()
    await upload.finish()
    assert await read_path(drive, "a") == upload.body


async def test_giving_up_leaves_what_is_there_alone(drive: BlobDrive) -> None:
    """T07."""
    await put(drive, "a", b"old")
    upload = await begin(drive, "a", body_of(20), 10)
    await upload.send_all()
    calls = dict(drive.calls)
    await drive.abort(upload.state)
    assert dict(drive.calls) == calls
    assert await read_path(drive, "a") == b"old"


@pytest.mark.parametrize("size", [0, 500])
async def test_a_small_file_where_a_given_up_upload_left_blocks(drive: BlobDrive, size: int) -> None:
    """Q23: it arrives, and is never written over a file that is really there."""
    upload = await begin(drive, "a.bin", body_of(200_000), 100_000)
    await upload.send(1)
    await put(drive, "a.bin", body_of(size, 2), condition=ABSENT)
    assert await read_path(drive, "a.bin") == body_of(size, 2)
    with pytest.raises(Conflict):
        await put(drive, "a.bin", body_of(size, 3), condition=ABSENT)
    assert await read_path(drive, "a.bin") == body_of(size, 2)


async def test_an_old_file_is_whole_until_the_block_list_is_written(drive: BlobDrive) -> None:
    """T08."""
    old = await put(drive, "a", b"old")
    upload = await begin(drive, "a", body_of(20), 10)
    await upload.send_all()
    assert await read_path(drive, "a") == b"old"
    await upload.finish(Precondition(revision=old.revision))
    assert await read_path(drive, "a") == upload.body


async def test_a_file_that_changes_is_not_read_in_halves(drive: BlobDrive) -> None:
    """T22, T23."""
    await put(drive, "a", b"one")
    listed = (await tree(drive))["a"]
    await put(drive, "a", b"two")
    with pytest.raises(Changed):
        await read(drive, listed, 1)


async def test_a_file_that_goes_is_gone(drive: BlobDrive, witness: Any) -> None:
    """T25."""
    await put(drive, "a", b"one")
    listed = (await tree(drive))["a"]
    witness.delete_blob("pre/fix/a")
    assert await drive.item("a") is None
    with pytest.raises(Gone):
        await read(drive, listed)


async def test_archived_and_leased_blobs_are_blocked(drive: BlobDrive, witness: Any) -> None:
    await put(drive, "cold", b"x")
    witness.get_blob_client("pre/fix/cold").set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    cold = (await tree(drive))["cold"]
    assert cold.note == "archived"
    assert cold == await drive.item("cold")
    with pytest.raises(Blocked):
        await read(drive, cold)
    await put(drive, "held", b"x")
    witness.get_blob_client("pre/fix/held").acquire_lease()
    with pytest.raises(Blocked):
        await put(drive, "held", b"y")


async def test_pages_of_a_listing(drive: BlobDrive, witness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """T26."""
    monkeypatch.setattr("haulage.services.azure_blob.drive.PAGE_ENTRIES", 3)
    names = {f"d{number % 3}/f{number}" for number in range(10)}
    for name in names:
        await put(drive, name, b"x")
    witness.upload_blob("pre/fixture", b"a neighbour")
    witness.upload_blob("pre/fi", b"another")
    before = drive.calls["ListBlobs"]
    assert files(await tree(drive)) == names
    assert drive.calls["ListBlobs"] - before == 4
    found = await walked(drive)
    assert files(found) == names
    assert found.keys() - names == {"d0", "d1", "d2"}


async def test_folders(drive: BlobDrive, witness: Any) -> None:
    await drive.create_folder("a", 7_000_000)
    await drive.create_folder("a")
    await drive.create_folder("b/c")
    await put(drive, "file", b"x")
    await drive.create_folder("file")
    await put(drive, "file/in", b"x")
    witness.upload_blob("pre/fix/slash/", b"")
    witness.upload_blob("pre/fix/", b"")
    seen = {blob.name: blob.metadata for blob in witness.list_blobs(include=["metadata"])}
    assert seen["pre/fix/a"] == {"hdi_isfolder": "true", "mtime": "1970-01-01T00:00:07.000000000Z"}
    items = [item for item in (await drive.tree(None)).items]
    assert {item.path for item in items if item.kind is Kind.FOLDER} == {"a", "b/c", "file", "slash"}
    assert {item.path for item in items if item.kind is Kind.FILE} == {"file", "file/in"}
    assert next(item for item in items if item.path == "a").modified_us == 7_000_000
    top = (await drive.page("", None)).items
    assert sorted((item.path, item.kind) for item in top) == [
        ("a", Kind.FOLDER), ("b", Kind.FOLDER), ("file", Kind.FILE), ("file", Kind.FOLDER), ("slash", Kind.FOLDER)
    ]  # fmt: skip
    for empty in ("a", "b/c", "slash"):
        assert (await drive.page(empty, None)).items == []
    with pytest.raises(Gone):
        await drive.page("nowhere", None)


@pytest.mark.parametrize("parts", [False, True])
async def test_a_file_comes_to_where_a_marker_is(drive: BlobDrive, parts: bool) -> None:
    await drive.create_folder("a", 7_000_000)
    body = body_of(20)
    if parts:
        upload = await begin(drive, "a", body, 10)
        await upload.send_all()
        await upload.finish(ABSENT)
    else:
        await put(drive, "a", body, condition=ABSENT)
    items = (await drive.tree(None)).items
    assert {item.kind: item.path for item in items} == {Kind.FILE: "a", Kind.FOLDER: "a"}
    assert next(item for item in items if item.kind is Kind.FOLDER).modified_us == 7_000_000
    assert await read_path(drive, "a") == body
    with pytest.raises(Conflict):
        await put(drive, "a", b"again", condition=ABSENT)


@pytest.mark.parametrize("name", ["..", "../out", "a/../../out", "a/.", "..\\out"])
async def test_a_name_that_would_leave_the_prefix_is_never_sent(drive: BlobDrive, name: str) -> None:
    """F61."""
    calls = dict(drive.calls)
    for call in (put(drive, name, b"x"), drive.item(name), drive.create_folder(name)):
        with pytest.raises(NameRefused):
            await call
    assert dict(drive.calls) == calls


async def test_a_marker_cannot_take_a_files_place(drive: BlobDrive, witness: Any) -> None:
    await put(drive, "a", b"x")
    witness.upload_blob("pre/fix/a/", b"bytes")
    with pytest.raises(Conflict):
        await drive.create_folder("a")
    assert {item.path: item.size for item in (await drive.tree(None)).items} == {"a": 1, "a/": 5}


async def test_nameless_folders_make_a_page_incomplete_and_not_endless(drive: BlobDrive) -> None:
    await put(drive, "/lead", b"x")
    page = await drive.page("", None)
    assert ([item.path for item in page.items], page.complete) == ([], False)
    assert files(await tree(drive)) == {"/lead"}


async def test_roots_and_their_checks(azurite: Azurite, container: str) -> None:
    missing = open_drive(settings_of(azurite), container, FreePacer())
    with pytest.raises(RootGone):
        await missing.check(write=True, create=False)
    for call in (missing.tree(None), missing.item("a"), put(missing, "a", b"")):
        with pytest.raises(RootGone):
            await call
    assert container not in await containers(settings_of(azurite), FreePacer())
    await missing.check(write=True, create=True)
    await missing.check(write=True, create=True)
    assert container in await AZURE_BLOB.roots(settings_of(azurite), FreePacer())
    assert (await missing.tree(None)).items == []
    await missing.close()


async def test_a_wrong_key_is_a_lost_authorisation(azurite: Azurite, container: str) -> None:
    wrong = open_drive(settings_of(azurite, account_key="d3Jvbmc="), container, FreePacer())
    with pytest.raises(AuthLost):
        await wrong.check(write=False, create=False)
    await wrong.close()


def _expiry() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


async def test_a_sas_of_the_account_does_everything(azurite: Azurite, container: str) -> None:
    sas = generate_account_sas(
        azurite.account_name,
        azurite.account_key,
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, list=True, create=True),
        _expiry(),
    )
    settings = {"sas_token": f"?{sas}", "endpoint_url": azurite.endpoint_url}
    made = open_drive(settings, container, FreePacer())
    await made.check(write=True, create=True)
    await put(made, "a b", b"body")
    assert await read_path(made, "a b") == b"body"
    assert container in await containers(settings, FreePacer())
    assert "sig" not in made.identity
    await made.close()


async def test_a_sas_for_reading_is_found_out_before_anything_is_copied(azurite: Azurite, drive: BlobDrive) -> None:
    container = drive.identity.split("/")[4]
    sas = generate_container_sas(
        azurite.account_name, container, account_key=azurite.account_key, permission="rl", expiry=_expiry()
    )
    await put(drive, "a", b"body")
    reader = open_drive({"sas_token": sas, "endpoint_url": azurite.endpoint_url}, f"{container}/pre/fix", FreePacer())
    await reader.check(write=False, create=False)
    assert await read_path(reader, "a") == b"body"
    with pytest.raises(Denied):
        await reader.check(write=True, create=False)
    with pytest.raises(HaulageError) as caught:
        await put(reader, "b", b"")
    assert isinstance(caught.value, Denied)
    assert sas.rsplit("sig=", 1)[1] not in str(caught.value)
    await reader.close()


async def test_a_connection_string_leads_to_the_same_place(azurite: Azurite, drive: BlobDrive) -> None:
    container = drive.identity.split("/")[4]
    text = f"AccountName={azurite.account_name};AccountKey={azurite.account_key};BlobEndpoint={azurite.endpoint_url}/;"
    made = open_drive({"connection_string": text}, f"{container}/pre/fix", FreePacer())
    assert made.identity == drive.identity
    assert azurite.account_key == EMULATOR_KEY
    await made.check(write=True, create=False)
    await made.close()


async def test_what_the_vendors_client_wrote_is_read(drive: BlobDrive, witness: Any) -> None:
    body = body_of(300_000)
    blocks = [BlobBlock(block_id=f"{number:032d}") for number in range(3)]
    client = witness.get_blob_client("pre/fix/theirs")
    for number, block in enumerate(blocks):
        client.stage_block(block.id, body[number * 100_000 : (number + 1) * 100_000])
    client.commit_block_list(blocks, metadata={"mtime": "1700000000.25", "Author": "me"})
    there = (await tree(drive))["theirs"]
    assert isinstance(there, Item)
    assert there.hashes == {}, "nobody stored a hash, so none is promised"
    assert await read(drive, there, 123_456) == body[123_456:]
    async with drive.open(there) as content:
        assert content.carried.modified_us == 1_700_000_000_250_000
        assert content.carried.metadata == {"Author": "me"}
