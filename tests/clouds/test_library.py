"""A library of SharePoint: it writes into documents that it understands, and keeps versions of what it holds."""

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from testbed.content import fill_folder, made, read_folder
from tests.clouds.person import Person
from tests.clouds.test_there_and_back import drive_options


def document(path: Path) -> None:
    """A package as Word makes them."""
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", "<w:document>" + "words " * 500 + "</w:document>")


def outcomes(person: Person, run: int) -> dict[str, str]:
    """Path -> outcome, as the log of that run tells it."""
    rows = [json.loads(line) for line in person("log", str(run), "--json").out.splitlines()]
    return {row["path"]: row["outcome"] for row in rows if "path" in row}


def test_documents_are_transformed_once_and_nothing_has_a_second_version(person: Person, tmp_path: Path) -> None:
    """T15, T17: after the upload; the next run proves it and sends nothing, and the third has nothing to do.

    Times come along with the bytes and make no version of their own; those of an empty file cannot. Addresses that are
    their own permission get no token, and all parts but the last are multiples of 320 KiB: else they would be refused.
    """
    source = tmp_path / "source"
    source.mkdir()
    document(source / "report.docx")
    (source / "not a.docx").write_bytes(b"no package at all")
    (source / "plain.txt").write_text("plain")
    (source / "empty.txt").touch()
    (source / "in parts.bin").write_bytes(bytes(11 * 1024 * 1024))
    person.connect("office365")
    person.sandbox.do("microsoft", "switch", refuse_bearer=True, strict_fragments=True)
    before, there = person.sandbox.calls, person.at("office365", "documents")
    first = person.copies(source, there)
    assert set(outcomes(person, first.ended["run"]).values()) <= {"verified", "verified_weak"}
    second = person.copies(source, there)
    assert outcomes(person, second.ended["run"]) == {"report.docx": "transformed"}
    third = person.copies(source, there)
    assert (third.ended["status"], second.counts["sent_bytes"], third.counts["sent_bytes"]) == (101, 0, 0)
    person.copies(there, tmp_path / "back")
    with zipfile.ZipFile(tmp_path / "back" / "report.docx") as held, zipfile.ZipFile(source / "report.docx") as sent:
        assert held.read("word/document.xml") == sent.read("word/document.xml")
    changes = person.sandbox.history("changes", service="microsoft", after=before)
    names = [one["path"].rpartition("/")[2] for one in changes]
    assert [names.count(name) for name in ("plain.txt", "not a.docx", "in parts.bin", "empty.txt")] == [1, 1, 1, 2]


def test_it_is_told_whom_a_run_waits_for_and_until_when(person: Person, tmp_path: Path) -> None:
    """F02: by name and time of day, and not as an application's id."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("a")
    person.connect("onedrive-business")
    person.sandbox.fault(
        fault="F02", service="microsoft", operation="PUT uploadUrl", times=1, details={"retry_after": 1}
    )
    try:
        ran = person("copy", str(tmp_path / "source"), person.at("onedrive-business", "waits"))
    finally:
        person.sandbox.no_faults()
    assert ran.code == 0, ran.err
    assert re.search(r"^waiting for Microsoft until \d\d:\d\d:\d\d UTC, as asked$", ran.err, re.MULTILINE), ran.err


@pytest.mark.slow
@pytest.mark.parametrize("target", ["onedrive", "office365"])
def test_what_is_renamed_at_the_source_is_renamed_at_the_destination(
    person: Person, tmp_path: Path, target: str
) -> None:
    """A folder and a file, known by their ids: moved there too, and no byte is sent."""
    tree = made(61, 6, awkward=False)
    fill_folder(tree, tmp_path / "source" / "old")
    (tmp_path / "source" / "a.txt").write_text("a")
    for one in ("onedrive-business", target):
        person.connect(one)
    place = f"renames to {target}"
    here, there = person.at("onedrive-business", place), person.at(target, place)
    person.copies(tmp_path / "source", here)
    drive = drive_options(person, "onedrive-business")
    person.copies(here, there)
    rclone = person.rclone("onedrive-business", tmp_path, **drive)
    rclone("moveto", f"it:{place}/old", f"it:{place}/deep/new")
    rclone("moveto", f"it:{place}/a.txt", f"it:{place}/b.txt")
    ran = person.copies(here, there)
    assert (ran.counts["sent_bytes"], ran.counts["failed"]) == (0, 0)
    assert ran.counts["target_calls"]["MoveItem"] == 2
    person.copies(there, tmp_path / "back")
    found = {f"deep/new/{path}": digest for path, digest in tree.digests().items()}
    assert read_folder(tmp_path / "back") == {**found, "b.txt": hashlib.sha256(b"a").hexdigest()}
    assert person.copies(here, there).ended["status"] == 101
