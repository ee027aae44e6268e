"""Files whose size is known when they were read only, and which come in other bytes each time."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from haulage.model.errors import Conflict
from haulage.model.item import Item, Kind, Written
from haulage.model.outcome import Status
from haulage.services.contract import Drive, Precondition
from tests.unit.engine.drives import TRAITS, MemoryDrive, Reading, copy, open_ledger


class Documents(MemoryDrive):
    """Each is made a package when it is read, every time with another time in it. files: their texts."""

    traits = msgspec.structs.replace(TRAITS, lasting_ids=True)
    asked = 0

    def facts(self, path: str) -> Item:
        text = self.files[path]
        return Item(path, Kind.FILE, None, revision=hashlib.sha256(text).hexdigest(), id=path)

    def pieces(self, path: str, start: int) -> list[bytes]:
        assert start == 0, "an export is asked for whole"
        self.asked += 1
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as package:
            package.writestr(zipfile.ZipInfo("text", (2000 + self.asked, 1, 1, 0, 0, 0)), self.files[path])
        whole = body.getvalue()
        return [whole[at : at + 50_000] for at in range(0, len(whole), 50_000)]


SMALL, LARGE = b"a text", b"a long text " * 20_000


@pytest.mark.parametrize("text", [SMALL, LARGE], ids=["at once", "in parts"])
async def test_it_is_read_once_proven_and_left_alone(tmp_path: Path, text: bytes) -> None:
    ledger = open_ledger(tmp_path)
    source, target = Documents("mem://a", {"a.docx": text}), MemoryDrive("mem://b")
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.said) == (Status.SUCCESS, {"a.docx": "transformed"})
    assert zipfile.ZipFile(io.BytesIO(target.files["a.docx"])).read("text") == text
    assert ran.counts.successful_bytes == len(target.files["a.docx"])
    again = await copy(ledger, source, target)
    assert (again.status, again.counts.unchanged, source.asked) == (Status.NOTHING_TO_COPY, 1, 1)
    source.files["a.docx"] = text + b"more"
    assert (await copy(ledger, source, target)).status == Status.SUCCESS
    assert zipfile.ZipFile(io.BytesIO(target.files["a.docx"])).read("text") == text + b"more"
    assert target.uploads == {}
    ledger.close()


async def test_what_a_lost_run_left_is_the_same_document(tmp_path: Path) -> None:
    """Its parts are compared, and not the package around them; another document stays, beside it."""
    ledger = open_ledger(tmp_path)
    source, target = Documents("mem://a", {"a.docx": SMALL, "b.docx": SMALL}), MemoryDrive("mem://b")
    target.files = {"a.docx": b"".join(source.pieces("a.docx", 0)), "b.docx": b"something else"}
    ran = await copy(ledger, source, target)
    assert ran.said == {"a.docx": "transformed", "b.docx": "kept_both"}
    assert ran.counts.adopted == 1
    assert set(target.files) == {"a.docx", "b.docx", "b (2).docx"}
    assert target.files["b.docx"] == b"something else"
    ledger.close()


class AsPdf(Documents):
    """It can be had in another form only."""

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Reading]:
        now = self.facts(item.path)
        told = msgspec.structs.replace(now, path=item.path.replace(".docx", ".pdf"), note="exported as pdf")
        yield Reading(told, self.pieces(item.path, start))


async def test_another_form_gets_its_own_ending_and_takes_nobodys_name(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    source, target = AsPdf("mem://a", {"a.docx": SMALL, "b.docx": SMALL}), MemoryDrive("mem://b")
    target.files["b.pdf"] = b"something else"
    ran = await copy(ledger, source, target)
    assert ran.said == {"a.docx": "converted", "b.docx": "kept_both"}
    assert set(target.files) == {"a.pdf", "b.pdf", "b (2).pdf"} and target.files["b.pdf"] == b"something else"
    assert (await copy(ledger, source, target)).counts.unchanged == 2
    source.files["a.docx"] = LARGE
    assert (await copy(ledger, source, target)).said == {"a.docx": "converted"}
    assert set(target.files) == {"a.pdf", "b.pdf", "b (2).pdf"}
    ledger.close()


class Copier(MemoryDrive):
    """A service that copies documents by itself."""

    refuses = False

    async def copy_document(self, source: Drive, item: Item, path: str, condition: Precondition) -> Written | None:
        if self.refuses:
            return None
        self.expect(path, condition)
        if path in self.files:
            raise Conflict(path)
        self.files[path] = b"a document"
        return Written(path, self.facts(path).revision, None, {}, None, "1")


async def test_the_service_copies_it_where_it_can(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    source, target = Documents("mem://a", {"a.docx": SMALL, "b.docx": SMALL}), Copier("mem://b")
    target.files["b.docx"] = b"something else"
    ran = await copy(ledger, source, target)
    assert ran.said == {"a.docx": "converted", "b.docx": "kept_both"}
    assert source.asked == 0 and set(target.files) == {"a.docx", "b.docx", "b (2).docx"}
    assert (await copy(ledger, source, target)).counts.unchanged == 2
    target.refuses = True
    source.files["c.docx"] = SMALL
    assert (await copy(ledger, source, target)).said == {"c.docx": "transformed"}
    ledger.close()
