"""Uploads in parts: resumed from what is durable, finished whole, cleaned up by attempt only (T01, T03, T07, F48)."""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haulage.model.errors import Conflict, Mismatch, Refused, SessionGone, ShortRead
from haulage.model.item import Carried, Kind
from haulage.services.contract import ABSENT, Json, Precondition
from haulage.services.local.drive import TRAITS, LocalDrive, part_bytes
from haulage.services.local.parts import MOST_PARTS

BODY = bytes(range(250)) * 40
PART = 3000
NUMBERS = (1, 2, 3, 4)
NOON_US = 1_700_000_000_123_456


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[LocalDrive]:
    """A drive on tmp_path."""
    drive = LocalDrive(str(tmp_path))
    yield drive
    await drive.close()


async def begin(drive: LocalDrive, attempt: str = "one", path: str = "d/big", condition: Precondition = ABSENT) -> Json:
    state = await drive.begin(path, len(BODY), Carried(modified_us=NOON_US), attempt, condition)
    return dict(json.loads(json.dumps(state)))


async def send(drive: LocalDrive, state: Json, number: int, body: bytes = BODY) -> Json:
    offset = (number - 1) * PART
    return await drive.put_part(state, number, offset, memoryview(body)[offset : offset + PART], None)


async def send_all(drive: LocalDrive, state: Json) -> list[Json]:
    return [await send(drive, state, number) for number in NUMBERS]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_in_parts(drive: LocalDrive, tmp_path: Path) -> None:
    """Invisible until it is finished; then whole, with its time, mode and hash."""
    state = await begin(drive)
    receipts = await send_all(drive, state)
    page = await drive.page("d", None)
    assert page.items == []
    digests = {"sha256": hashlib.sha256(BODY).hexdigest()}
    written = await drive.finish(state, receipts, digests, ABSENT)
    assert (tmp_path / "d/big").read_bytes() == BODY
    assert (tmp_path / "d/big").stat().st_mode & 0o777 != 0o600
    assert written.hashes == digests
    assert (written.size, written.modified_us) == (len(BODY), NOON_US)
    item = await drive.item("d/big")
    assert item is not None
    assert item.revision == written.revision
    assert names_in(tmp_path / "d") == ["big"]
    assert await drive.parts(state) is None


async def test_parts_in_any_order_and_again(drive: LocalDrive, tmp_path: Path) -> None:
    """The last of each number counts."""
    state = await begin(drive)
    receipts = {}
    for number in (3, 1, 4, 2, 3):
        wrong = number == 3 and 3 not in receipts
        receipts[number] = await send(drive, state, number, bytes(len(BODY)) if wrong else BODY)
    await drive.finish(state, [receipts[number] for number in NUMBERS], {}, ABSENT)
    assert (tmp_path / "d/big").read_bytes() == BODY


async def test_going_on_in_another_process(drive: LocalDrive, tmp_path: Path) -> None:
    """G12: the state alone finds the parts again; a hole before a later part is not taken for a part (T03)."""
    state = await begin(drive)
    sent = {number: await send(drive, state, number) for number in (1, 3)}
    other = LocalDrive(str(tmp_path))
    assert await other.parts(state) == sent
    receipts = sent | {number: await send(other, state, number) for number in (2, 4)}
    assert await other.parts(state) == receipts
    await other.finish(state, [receipts[number] for number in NUMBERS], {}, ABSENT)
    assert (tmp_path / "d/big").read_bytes() == BODY
    await other.close()


async def test_a_part_without_its_sync_is_no_part(drive: LocalDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    """F48, F50: whatever stops a part before it is durable, its bytes are not counted, nor those it replaced."""
    state = await begin(drive)
    first = await send(drive, state, 1)
    await send(drive, state, 2)
    syncs = iter([True, False])

    def sync(fd: int) -> None:
        if not next(syncs):
            raise OSError(5, "the plug was pulled")

    monkeypatch.setattr(os, "fdatasync", sync)
    with pytest.raises(Exception, match="plug"):
        await send(drive, state, 2, bytes(len(BODY)))
    monkeypatch.undo()
    assert await drive.parts(state) == {1: first}


async def test_torn_slots_are_no_parts(drive: LocalDrive, tmp_path: Path) -> None:
    """A slot that a power cut tore does not check, and is not believed."""
    state = await begin(drive)
    first = await send(drive, state, 1)
    await send(drive, state, 2)
    hidden = tmp_path / "d" / state["unfinished"]
    with hidden.open("r+b") as file:
        file.seek(len(BODY) + 20 + 9)
        file.write(b"\xff")
    assert await drive.parts(state) == {1: first}


async def test_receipts_must_cover_the_file(drive: LocalDrive, tmp_path: Path) -> None:
    """T01, T03: a file with a hole, a doubled or a missing end is never made visible."""
    state = await begin(drive)
    receipts = await send_all(drive, state)
    for wrong in ([], receipts[:3], receipts[1:], [*receipts[:1], *receipts[2:]], [*receipts, receipts[0]]):
        with pytest.raises(ShortRead):
            await drive.finish(state, wrong, {}, ABSENT)
    assert await drive.item("d/big") is None
    await drive.finish(state, receipts, {}, ABSENT)


async def test_a_wrong_hash_is_not_finished(drive: LocalDrive) -> None:
    """The whole is read back; the parts stay for another try."""
    state = await begin(drive)
    receipts = await send_all(drive, state)
    with pytest.raises(Mismatch):
        await drive.finish(state, receipts, {"sha256": "0" * 64}, ABSENT)
    assert await drive.item("d/big") is None
    assert await drive.parts(state) == {receipt["number"]: receipt for receipt in receipts}


async def test_preconditions_at_the_beginning_and_the_end(drive: LocalDrive, tmp_path: Path) -> None:
    """T52: what came meanwhile stays; a known revision is replaced."""
    state = await begin(drive)
    receipts = await send_all(drive, state)
    (tmp_path / "d/big").write_text("theirs")
    with pytest.raises(Conflict):
        await drive.finish(state, receipts, {}, ABSENT)
    with pytest.raises(Conflict):
        await begin(drive, "two")
    assert (tmp_path / "d/big").read_text() == "theirs"
    item = await drive.item("d/big")
    assert item is not None
    with pytest.raises(Conflict):
        await drive.finish(state, receipts, {}, Precondition(revision="1:2:3"))
    await drive.finish(state, receipts, {}, Precondition(revision=item.revision))
    assert (tmp_path / "d/big").read_bytes() == BODY
    assert names_in(tmp_path / "d") == ["big"]


async def test_aborting_removes_this_attempt_only(drive: LocalDrive, tmp_path: Path) -> None:
    """T07: neither another attempt at the same path, nor what it has stored, is touched; twice is fine."""
    one, two = await begin(drive, "one"), await begin(drive, "two")
    await send_all(drive, one)
    receipts = await send_all(drive, two)
    await drive.finish(two, receipts, {}, ABSENT)
    await drive.abort(one)
    await drive.abort(one)
    await drive.abort(two)
    assert (tmp_path / "d/big").read_bytes() == BODY
    assert names_in(tmp_path / "d") == ["big"]


async def test_what_is_gone_is_told(drive: LocalDrive, tmp_path: Path) -> None:
    """T48: the hidden file, or its whole folder, was removed."""
    state = await begin(drive)
    receipts = await send_all(drive, state)
    (tmp_path / "d" / state["unfinished"]).unlink()
    for _ in range(2):
        assert await drive.parts(state) is None
        with pytest.raises(SessionGone):
            await send(drive, state, 1)
        with pytest.raises(SessionGone):
            await drive.finish(state, receipts, {}, ABSENT)
        await drive.abort(state)
        if (tmp_path / "d").exists():
            (tmp_path / "d").rmdir()


async def test_a_stand_in_is_not_ours(drive: LocalDrive, tmp_path: Path) -> None:
    """S25: a symlink, folder, fifo or other file under the hidden name is neither written, finished nor removed."""
    (tmp_path / "foreign").write_text("foreign")
    for number, plant in enumerate(
        (
            lambda path: path.symlink_to(tmp_path / "foreign"),
            lambda path: path.mkdir(),
            lambda path: os.mkfifo(path),
            lambda path: path.write_bytes(bytes(20_000)),
        )
    ):
        state = await begin(drive, str(number), f"d/{number}")
        hidden = tmp_path / "d" / state["unfinished"]
        kept = hidden.rename(tmp_path / f"kept-{number}")  # keeps the inode from being used again
        plant(hidden)
        with pytest.raises(SessionGone):
            await send(drive, state, 1)
        await drive.abort(state)
        assert hidden.name in names_in(tmp_path / "d")
        assert kept.exists()
    assert (tmp_path / "foreign").read_text() == "foreign"


async def test_a_state_cannot_name_another_file(drive: LocalDrive, tmp_path: Path) -> None:
    """A tampered ledger does not make `abort` a way to remove files."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "victim").write_text("x" * 20_000)
    inode = (tmp_path / "d" / "victim").stat().st_ino
    state = await begin(drive)
    for name in ("victim", "../d/victim"):
        wrong = state | {"unfinished": name, "inode": inode}
        await drive.abort(wrong)
        assert await drive.parts(wrong) is None
    assert (tmp_path / "d" / "victim").exists()


async def test_the_same_attempt_begun_again(drive: LocalDrive, tmp_path: Path) -> None:
    """The answer of the first beginning was lost: nothing of it is left over, nothing of it counts."""
    lost = await begin(drive)
    await send(drive, lost, 1)
    state = await begin(drive)
    assert await drive.parts(state) == {}
    assert len(names_in(tmp_path / "d")) == 1
    await drive.abort(state)
    assert names_in(tmp_path / "d") == []


@pytest.mark.parametrize(
    ("number", "offset", "size"), [(0, 0, 10), (MOST_PARTS + 1, 0, 10), (1, -1, 10), (1, 9_999, 2), (1, 10_000, 1)]
)
async def test_parts_outside_the_file(drive: LocalDrive, number: int, offset: int, size: int) -> None:
    """F13: more bytes than announced are refused before they are written."""
    state = await begin(drive)
    with pytest.raises(Refused):
        await drive.put_part(state, number, offset, memoryview(bytes(size)), None)
    assert await drive.parts(state) == {}


async def test_an_unfinished_file_is_private_and_unlisted(drive: LocalDrive, tmp_path: Path) -> None:
    """S25: for nobody else to read, under a name that tells nothing."""
    state = await begin(drive, "attempt/../../with any text")
    hidden = tmp_path / "d" / state["unfinished"]
    assert hidden.stat().st_mode & 0o777 == 0o600
    [folder] = (await drive.page("", None)).items
    assert (folder.kind, folder.empty) == (Kind.FOLDER, True)


@pytest.mark.parametrize("size", [TRAITS.single_put_limit + 1, 400 * 2**30, 2**40, TRAITS.largest_file])
def test_part_sizes(size: int) -> None:
    """8 MiB as long as that makes at most 50,000 parts."""
    assert -(-size // part_bytes(size)) <= MOST_PARTS
    assert part_bytes(size) % 2**20 == 0
    assert (part_bytes(size) == 8 * 2**20) == (size <= MOST_PARTS * 8 * 2**20)


async def test_an_upload_of_which_only_the_attempt_is_known_is_removed(drive: LocalDrive, tmp_path: Path) -> None:
    """G2: killed before anyone heard that it was begun. Others' unfinished files stay; nothing being there is fine."""
    await begin(drive, "mine")
    await begin(drive, "theirs")
    for _ in range(2):
        await drive.abort({"path": "d/big", "attempt": "mine"})
        assert len(names_in(tmp_path / "d")) == 1
    await drive.abort({"path": "elsewhere/big", "attempt": "mine"})
    await drive.abort({"path": "d/big", "attempt": "theirs"})
    assert names_in(tmp_path / "d") == []
