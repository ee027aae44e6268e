"""A destination that writes properties into documents: transformed with proof, or a mismatch; never copied for ever."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from haulage.engine.rewritten import compared
from haulage.model.item import Carried, Written
from haulage.model.outcome import Status
from haulage.services.contract import Precondition
from tests.unit.engine.drives import TRAITS, MemoryDrive, copy, open_ledger


def package(text: str = "the document", *, properties: bool = False) -> bytes:
    """A word processor's file in the least form."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("[Content_Types].xml", "<Types/>" + " " * properties)
        target.writestr("word/document.xml", f"<w:document>{text}</w:document>" * 20)
        if properties:
            target.writestr("docProps/custom.xml", "<Properties>0x0101</Properties>")
    return made.getvalue()


def test_a_package_with_added_properties_is_still_the_document() -> None:
    assert compared(package(), package(properties=True)) == "all 1 parts of the document are equal"
    assert compared(package(properties=True), package()) is not None


@pytest.mark.parametrize(
    "held",
    [
        package("another document"),
        package()[:-30],
        package().replace(b"word/document.xml", b"word/documenu.xml"),
        b"",
        b"PK",
    ],
)
def test_anything_else_is_not(held: bytes) -> None:
    """T15, G13."""
    assert compared(package(), held) is None


def test_web_pages_and_old_office_files() -> None:
    page = b"<html><head><title>a</title></head>\r\n<body><p>one</p><p>two</p></body></html>"
    assert compared(page, page.replace(b"<head>", b'<head><meta name="x" content="y">')) is not None
    assert compared(page, page.replace(b"<p>one</p>", b"")) is None
    assert compared(page, page[:-20]) is None
    old = b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 200
    assert compared(old, old + b"x" * 512) is not None
    assert compared(old, old[: len(old) // 2]) is None


class Rewriting(MemoryDrive):
    """Writes properties into what ends in .docx: at once, or (late) after it has answered. Its hashes are its own."""

    traits = msgspec.structs.replace(TRAITS, rewrites=(".docx",))
    late = False
    damage = b""

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See MemoryDrive."""
        written = await super().put(path, body, carried, digests, condition)
        if path.endswith(".docx"):
            self.files[path] = self.damage or package(properties=True)
        held = self.facts(path)
        return written if self.late else Written(path, held.revision, held.size, held.hashes)


@pytest.mark.parametrize("late", [False, True])
async def test_a_rewritten_document_is_transformed_once_and_then_unchanged(tmp_path: Path, late: bool) -> None:
    """T15: at the latest in the run after the rewriting, and nothing is sent again."""
    ledger, source = open_ledger(tmp_path), MemoryDrive("memory://from", {"a.docx": package(), "b.txt": b"b"})
    target = Rewriting("memory://to")
    target.late = late
    first = await copy(ledger, source, target)
    assert first.said == {"a.docx": "verified" if late else "transformed", "b.txt": "verified"}
    puts = target.called["put"]
    second = await copy(ledger, source, target)
    assert second.said == ({"a.docx": "transformed"} if late else {})
    third = await copy(ledger, source, target)
    assert (third.said, third.status) == ({}, Status.NOTHING_TO_COPY)
    assert target.called["put"] == puts


async def test_a_damaged_document_is_not_called_transformed(tmp_path: Path) -> None:
    ledger, source = open_ledger(tmp_path), MemoryDrive("memory://from", {"a.docx": package()})
    target = Rewriting("memory://to")
    target.damage = package("something else", properties=True)
    assert (await copy(ledger, source, target)).said == {"a.docx": "hash"}


async def test_a_persons_change_of_a_document_stays_alone(tmp_path: Path) -> None:
    ledger, source = open_ledger(tmp_path), MemoryDrive("memory://from", {"a.docx": package()})
    target = Rewriting("memory://to")
    await copy(ledger, source, target)
    target.files["a.docx"] = own = package("a person's own words")
    assert (await copy(ledger, source, target)).said == {"a.docx": "destination_changed"}
    assert target.files == {"a.docx": own}  # a package made anew may tell another second
