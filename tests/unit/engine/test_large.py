"""Large files: what an interruption costs, and what it does not."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from haulage.engine.context import Options
from haulage.engine.copying import run_copy
from haulage.engine.counts import Watch
from haulage.ledger import runs as run_rows
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, Denied, Transient
from haulage.model.item import Written
from haulage.model.outcome import RunKind, Status
from haulage.services.contract import Precondition
from haulage.services.local.drive import TRAITS, LocalDrive
from tests.unit.engine.drives import PART_BYTES, MemoryDrive, copy, open_ledger


class ChecksParts(LocalDrive):
    """A folder that claims to check each part, as buckets do, and whose first finish fails without effect."""

    traits = msgspec.structs.replace(TRAITS, part_hash="crc32c")
    finishes = 0

    async def finish(
        self, state: dict[str, Any], receipts: Sequence[Any], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """The first time there is only a disturbance."""
        self.finishes += 1
        if self.finishes == 1:
            raise Transient("busy")
        return await super().finish(state, receipts, digests, condition)


async def test_all_parts_sent_and_only_the_finish_missing_costs_nothing_again(tmp_path: Path) -> None:
    """The size is no multiple of a part's: going on behind the last part must not read behind the file's end (G12)."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    body = os.urandom(TRAITS.single_put_limit + TRAITS.part_bytes(TRAITS.single_put_limit + 1) // 2 + 5)
    (source / "large").write_bytes(body)
    ledger = Ledger.open(tmp_path / "ledger.db")
    key = TransferKey(str(source), str(target), "{}", "source", "target")
    run = ledger.do(run_rows.start, ledger.do(run_rows.transfer_id, key), RunKind.COPY, "test")
    drive, watch = ChecksParts(str(target)), Watch()
    status, stopped = await run_copy(ledger, run, LocalDrive(str(source)), drive, Options(), watch)
    assert (status, stopped, drive.finishes) == (Status.SUCCESS, None, 2)
    assert (target / "large").read_bytes() == body
    assert watch.counts.sent_bytes == len(body)
    assert watch.counts.resumed_bytes == len(body)


class NeedsTheWhole(ChecksParts):
    """A folder that ends no upload without the hash of the whole file, as Box does."""

    traits = msgspec.structs.replace(TRAITS, part_hash="crc32c", finish_hashes=("sha1",), finish_needs_hashes=True)

    async def finish(
        self, state: dict[str, Any], receipts: Sequence[Any], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """It compares the hash with what it has got."""
        assert digests["sha1"] == self.wanted
        return await super().finish(state, receipts, digests, condition)

    wanted = ""


async def test_an_upload_is_gone_on_with_where_its_end_needs_the_hash_of_the_whole(tmp_path: Path) -> None:
    """What is there already is read again, for that hash, and not sent again."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    body = os.urandom(2 * TRAITS.single_put_limit + 5)
    (source / "large").write_bytes(body)
    drive = NeedsTheWhole(str(target))
    drive.wanted = hashlib.sha1(body, usedforsecurity=False).hexdigest()
    ran = await copy(open_ledger(tmp_path), LocalDrive(str(source)), drive)
    assert (ran.said, ran.status, drive.finishes) == ({"large": "verified"}, Status.SUCCESS, 2)
    assert (target / "large").read_bytes() == body
    assert (ran.counts.sent_bytes, ran.counts.resumed_bytes) == (len(body), len(body))


class Flips(MemoryDrive):
    """A source that gives other bytes than its hash promises, as a bad cable or disk does."""

    def pieces(self, path: str, start: int) -> Sequence[bytes]:
        """One bit is wrong."""
        body = bytearray(self.files[path])
        body[0] ^= 1
        return [bytes(body[start:])] if start < len(body) else []


async def test_a_broken_promise_of_the_source_is_not_forgotten_by_the_next_attempt(tmp_path: Path) -> None:
    """The parts are all there then, and checked, and wrong: they must be sent again, and never be finished (T22)."""
    source = Flips("memory://source", {"large": os.urandom(3 * PART_BYTES + 5)})
    target = MemoryDrive("memory://target")
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.said, ran.status) == ({"large": "hash"}, Status.ONLY_DOWNLOAD_ERRORS)
    assert (target.files, target.uploads) == ({}, {})


class NeverAborts(MemoryDrive):
    """A bucket whose key may write, and may not abort uploads."""

    async def abort(self, state: dict[str, Any]) -> None:
        """See MemoryDrive."""
        raise Denied("no s3:AbortMultipartUpload")


async def test_wrong_parts_are_not_gone_on_with_even_where_they_cannot_be_removed(tmp_path: Path) -> None:
    """A key without the right to abort is common."""
    source, target = Flips("memory://source", {"large": os.urandom(3 * PART_BYTES)}), NeverAborts("memory://target")
    ledger = open_ledger(tmp_path)
    for _ in range(2):
        assert (await copy(ledger, source, target)).said == {"large": "permission"}
    assert target.files == {}


async def test_an_unfinished_upload_that_rotted_is_sent_anew(tmp_path: Path) -> None:
    """Otherwise the file would fail in this run and in every one after it, for the same bad part."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    body = os.urandom(2 * TRAITS.single_put_limit)
    (source / "large").write_bytes(body)
    ledger, drive = open_ledger(tmp_path), StopsBeforeTheEnd(str(target))
    assert (await copy(ledger, LocalDrive(str(source)), drive)).status == Status.AUTHORISATION_FAILED
    (unfinished,) = target.iterdir()
    with unfinished.open("r+b") as file:
        file.write(b"rot")
    drive.stops = False
    assert (await copy(ledger, LocalDrive(str(source)), drive)).status == Status.SUCCESS
    assert [one.name for one in target.iterdir()] == ["large"]
    assert (target / "large").read_bytes() == body


class StopsBeforeTheEnd(LocalDrive):
    """A folder in which nothing is finished as long as it stops."""

    stops = True

    async def finish(
        self, state: dict[str, Any], receipts: Sequence[Any], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See LocalDrive."""
        if self.stops:
            raise AuthLost("withdrawn")
        return await super().finish(state, receipts, digests, condition)
