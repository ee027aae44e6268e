"""Room at the destination: looked at before the first byte and while a run goes on; what fits is never kept back."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from haulage.engine import room
from haulage.engine.context import Options
from haulage.model.errors import Denied, QuotaFull
from haulage.model.item import Carried, Written
from haulage.model.outcome import Status
from haulage.services.contract import Precondition
from tests.unit.engine.drives import PART_BYTES, MemoryDrive, copy, open_ledger

SMALL = 1000
TREE = {f"{number:02}": bytes([number]) * SMALL for number in range(40)}
LARGE = bytes(range(256)) * (PART_BYTES // 256) * 10


class Tells(MemoryDrive):
    """A drive of a certain size that others use too. others: bytes of theirs; asked: how often it was asked."""

    def __init__(self, total: int | None, files: Mapping[str, bytes] | None = None) -> None:
        super().__init__("target", files)
        self.total = total
        self.others = self.asked = self.refused = 0
        self.parts_count = True
        """Whether what was sent of an unfinished upload is taken for used."""

    def used(self) -> int:
        """What is not free."""
        unfinished = sum(len(one) for upload in self.uploads.values() for one in upload.values())
        return sum(map(len, self.files.values())) + self.others + (unfinished if self.parts_count else 0)

    async def room(self) -> int | None:
        """What is free."""
        self.asked += 1
        await asyncio.sleep(0)
        return None if self.total is None else max(0, self.total - self.used())

    def fit(self, more: int) -> None:
        """The service's own refusal."""
        if self.total is not None and self.used() + more > self.total:
            self.refused += 1
            raise QuotaFull("no room")

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """It is refused where it does not fit."""
        await asyncio.sleep(0.01)
        self.fit(len(body) - len(self.files.get(path, b"")))
        written = await super().put(path, body, carried, digests, condition)
        await asyncio.sleep(0.01)  # it is counted as used before anybody here knows that it is there
        return written

    async def begin(
        self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition
    ) -> dict[str, Any]:
        """Its state tells that it was begun, as others do: it can be gone on with."""
        return {**await super().begin(path, size, carried, attempt, condition), "begun": True}

    async def put_part(
        self, state: dict[str, Any], number: int, offset: int, body: memoryview, checksum: str | None
    ) -> dict[str, Any]:
        """Likewise, where parts count."""
        if self.parts_count:
            self.fit(len(body))
        receipt = await super().put_part(state, number, offset, body, checksum)
        await asyncio.sleep(0.01)
        return receipt


@pytest.fixture
def all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again and again without a pause, so that every moment of a run is met."""
    monkeypatch.setattr(room, "ASKED_EVERY_SECONDS", 0.001)


async def test_what_cannot_fit_is_not_begun(tmp_path: Path) -> None:
    """Nine tenths would fit: nothing is sent, the run pauses, and says what is needed and free; then it goes on."""
    ledger, target = open_ledger(tmp_path), Tells(36 * SMALL)
    ran = await copy(ledger, MemoryDrive("source", TREE), target)
    assert ran.status == Status.PAUSED_NO_SPACE
    assert isinstance(ran.stopped, QuotaFull)
    assert ran.stopped.message == "the destination has 35.2 KiB free, and 39.1 KiB are to be uploaded: 3.9 KiB too much"
    assert "3.9 KiB" in ran.stopped.fix
    assert (target.files, target.called["put"], ran.said) == ({}, 0, {})
    assert (ran.counts.needed_bytes, ran.counts.free_bytes) == (40 * SMALL, 36 * SMALL)
    target.total = 40 * SMALL
    ran = await copy(ledger, MemoryDrive("source", TREE), target)
    assert (ran.status, target.files) == (Status.SUCCESS, TREE)


async def test_what_is_there_needs_no_room(tmp_path: Path) -> None:
    """A full drive that has everything: adopted at first, unchanged then, and not even asked; a plan says the same."""
    ledger, target = open_ledger(tmp_path), Tells(40 * SMALL, TREE)
    source = MemoryDrive("source", TREE)
    ran = await copy(ledger, source, target, Options(plan_only=True))
    assert (ran.counts.needed_bytes, ran.counts.free_bytes) == (0, None)
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.counts.adopted) == (Status.SUCCESS, 40)
    ran = await copy(ledger, source, target)
    assert (ran.status, target.asked) == (Status.NOTHING_TO_COPY, 0)


async def test_what_was_removed_there_needs_room_again(tmp_path: Path) -> None:
    """What the ledger knows as copied, and the listing does not show."""
    ledger, target = open_ledger(tmp_path), Tells(40 * SMALL)
    source = MemoryDrive("source", TREE)
    await copy(ledger, source, target)
    del target.files["00"]
    target.total = 39 * SMALL + 1
    ran = await copy(ledger, source, target, Options(plan_only=True))
    assert (ran.status, ran.counts.needed_bytes, ran.counts.free_bytes) == (Status.NOTHING_TO_COPY, SMALL, 1)
    ran = await copy(ledger, source, target)
    assert (ran.status, target.refused) == (Status.PAUSED_NO_SPACE, 0)


@pytest.mark.parametrize("parts_count", [True, False])
@pytest.mark.usefixtures("all_the_time")
async def test_what_fits_exactly_is_copied(tmp_path: Path, parts_count: bool) -> None:
    """However often it is asked, and whether or not unfinished uploads are counted by the service."""
    files = {**TREE, "large": LARGE}
    target = Tells(sum(map(len, files.values())))
    target.parts_count = parts_count
    ran = await copy(open_ledger(tmp_path), MemoryDrive("source", files), target)
    assert (ran.status, target.files, target.refused) == (Status.SUCCESS, files, 0)
    assert target.asked > 2


@pytest.mark.usefixtures("all_the_time")
async def test_others_fill_it_meanwhile(tmp_path: Path) -> None:
    """The run pauses before the service has to refuse anything; what was copied by then is whole and stays."""
    ledger, target = open_ledger(tmp_path), Tells(len(LARGE) + 10)
    source, put_part = MemoryDrive("source", {"large": LARGE}), target.put_part

    async def fill(*facts: Any) -> dict[str, Any]:
        target.others = PART_BYTES if facts[1] == 3 else target.others
        return await put_part(*facts)

    target.put_part = fill  # type: ignore[method-assign] # as somebody else's upload in that moment
    ran = await copy(ledger, source, target)
    assert (ran.status, target.refused, target.files) == (Status.PAUSED_NO_SPACE, 0, {})
    target.put_part, target.others = put_part, 0  # type: ignore[method-assign] # as it was
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.counts.resumed_bytes > 0) == (Status.SUCCESS, True)
    assert target.files == {"large": LARGE}


@pytest.mark.parametrize("total", [None, 1 << 40])
async def test_a_drive_that_tells_nothing_or_has_plenty(tmp_path: Path, total: int | None) -> None:
    """It is asked once, and not hindered."""
    target = Tells(total)
    ran = await copy(open_ledger(tmp_path), MemoryDrive("source", TREE), target)
    assert (ran.status, target.files, target.asked) == (Status.SUCCESS, TREE, 1)


async def test_a_refused_question_hinders_nobody(tmp_path: Path) -> None:
    """As for an account that may write and not see the quota."""
    target = Tells(0)

    async def refuse() -> int | None:
        raise Denied("not for you")

    target.room, target.total = refuse, None  # type: ignore[method-assign] # this one call
    ran = await copy(open_ledger(tmp_path), MemoryDrive("source", TREE), target)
    assert (ran.status, target.files) == (Status.SUCCESS, TREE)


async def test_refused_by_the_service_itself(tmp_path: Path) -> None:
    """F35: a full drive that tells nothing: the run pauses at the first refusal, and fails no item."""
    ledger, target = open_ledger(tmp_path), Tells(10 * SMALL)
    source, refused_at_once = MemoryDrive("source", TREE), 16

    async def nothing() -> int | None:
        return None

    target.room = nothing  # type: ignore[method-assign] # this one call
    source.traits = target.traits
    ran = await copy(ledger, source, target)
    assert ran.status == Status.PAUSED_NO_SPACE
    assert 0 < target.refused <= refused_at_once
    assert ran.counts.failed == 0
    target.total = 40 * SMALL
    ran = await copy(ledger, source, target)
    assert (ran.status, target.files) == (Status.SUCCESS, TREE)
