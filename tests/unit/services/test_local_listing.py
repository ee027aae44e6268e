"""Listing: every name once, in order, page by page, whatever else goes on (T26, T36, T37, T41)."""

import os
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haulage.model.errors import Gone
from haulage.model.item import Item, Kind
from haulage.services.local import listing as how
from haulage.services.local.drive import LocalDrive


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[LocalDrive]:
    """A drive on tmp_path."""
    drive = LocalDrive(str(tmp_path))
    yield drive
    await drive.close()


async def everything(drive: LocalDrive, folder: str = "") -> list[Item]:
    items: list[Item] = []
    cursor = None
    for _ in range(200):
        page = await drive.page(folder, cursor)
        assert len(page.items) <= 1000
        assert page.complete
        items += page.items
        cursor = page.cursor
        if cursor is None:
            return items
    raise AssertionError("the listing does not end")


def make(folder: Path, names: list[str]) -> list[str]:
    for name in names:
        (folder / name).touch()
    return names


async def test_an_empty_and_a_small_folder(drive: LocalDrive, tmp_path: Path) -> None:
    """One page, sorted by name; folders tell whether they are empty."""
    assert await everything(drive) == []
    make(tmp_path, ["b", "a", "é", "Z"])
    (tmp_path / "full" / "inner").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    items = await everything(drive)
    assert [item.path for item in items] == ["Z", "a", "b", "bare", "full", "é"]
    assert {item.path: item.empty for item in items if item.kind == Kind.FOLDER} == {"bare": True, "full": False}
    assert [item.path for item in await everything(drive, "full")] == ["full/inner"]


async def test_a_folder_is_not_a_file(drive: LocalDrive, tmp_path: Path) -> None:
    """Asking for the children of a file, or of nothing, is told."""
    make(tmp_path, ["a"])
    for path in ("a", "none", "a/b"):
        with pytest.raises(Gone):
            await drive.page(path, None)


async def test_our_unfinished_files_are_not_listed(drive: LocalDrive, tmp_path: Path) -> None:
    """A folder that holds nothing else is empty; names that only look alike are other people's."""
    (tmp_path / "d").mkdir()
    make(tmp_path / "d", [".haulage-" + "0a" * 16 + ".part"])
    alike = [
        ".haulage",
        ".haulage-" + "0" * 31 + ".part",
        ".haulage-" + "0" * 32 + ".part2",
        ".haulage-" + "Z" * 32 + ".part",
    ]
    make(tmp_path, alike)
    items = await everything(drive)
    assert {item.path for item in items} == {"d", *alike}
    assert next(item for item in items if item.path == "d").empty
    assert await everything(drive, "d") == []


async def test_pages_of_a_thousand(drive: LocalDrive, tmp_path: Path) -> None:
    """T26, T37: each exactly once, and the cursor alone serves another process."""
    names = make(tmp_path, [f"{number:05d}" for number in range(3500)])
    assert [item.path for item in await everything(drive)] == names
    first = await drive.page("", None)
    assert first.cursor == "00999"
    other = LocalDrive(str(tmp_path))
    second = await other.page("", first.cursor)
    await other.close()
    assert [item.path for item in second.items] == names[1000:2000]


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000])
async def test_the_last_page_is_the_last(drive: LocalDrive, tmp_path: Path, count: int) -> None:
    """No empty page at the end."""
    make(tmp_path, [f"{number:05d}" for number in range(count)])
    pages = 0
    cursor = None
    while True:
        page = await drive.page("", cursor)
        pages += 1
        assert page.items
        cursor = page.cursor
        if cursor is None:
            break
    assert pages == -(-count // 1000)


async def test_files_that_come_and_go_between_pages(drive: LocalDrive, tmp_path: Path) -> None:
    """T36: what stays is listed once, also when others are removed before and added after the cursor."""
    names = make(tmp_path, [f"{number:05d}" for number in range(2500)])
    first = await drive.page("", None)
    for name in [*names[:500], *names[1500:1600]]:
        (tmp_path / name).unlink()
    make(tmp_path, ["00000a", "02000a"])
    rest = []
    cursor = first.cursor
    while cursor:
        page = await drive.page("", cursor)
        rest += [item.path for item in page.items]
        cursor = page.cursor
    stayed = [name for name in names[1000:] if not 1500 <= int(name) < 1600]
    assert [name for name in rest if name != "02000a"] == stayed


async def test_a_folder_larger_than_what_is_held(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are held in bounded numbers; the folder is read again when they are used up."""
    monkeypatch.setattr(how, "_HELD_NAMES", 25)
    monkeypatch.setattr(how, "PAGE_ITEMS", 10)
    names = make(tmp_path, [f"{number:03d}" for number in range(107)])
    assert [item.path for item in await everything(drive)] == names
    assert [item.path for item in await everything(drive)] == names


async def test_only_a_few_folders_are_held(drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded however many folders are listed side by side."""
    monkeypatch.setattr(how, "PAGE_ITEMS", 2)
    for folder in range(20):
        (tmp_path / str(folder)).mkdir()
        make(tmp_path / str(folder), list("abcde"))
    pages = {folder: await drive.page(str(folder), None) for folder in range(20)}
    assert len(drive._listing._held) == how._HELD_FOLDERS
    for folder, page in pages.items():
        again = await drive.page(str(folder), page.cursor)
        assert [item.path for item in again.items] == [f"{folder}/c", f"{folder}/d"]


async def test_a_fresh_listing_sees_new_names(
    drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names held for one listing do not hide what was added before the next."""
    monkeypatch.setattr(how, "PAGE_ITEMS", 2)
    make(tmp_path, list("bcde"))
    await drive.page("", None)
    make(tmp_path, ["a"])
    assert [item.path for item in (await drive.page("", None)).items] == ["a", "b"]


async def test_names_that_are_not_utf8_are_told(drive: LocalDrive, tmp_path: Path) -> None:
    """T41: reported as unsupported, never lost, each under a spelling of its own."""
    raw = os.fsencode(tmp_path)
    for name in (b"caf\xe9.txt", b"caf\\xe9.txt", b"\xff\\xe9", b"\\xff\xe9"):
        with open(raw + b"/" + name, "wb"):  # noqa: ASYNC230, PTH123 - pathlib takes no bytes, and the test may block
            pass
    os.mkdir(raw + b"/fold\xe9r")  # noqa: PTH102 - pathlib takes no bytes
    os.symlink(b"to-\xe9", raw + b"/link")  # noqa: PTH211 - pathlib takes no bytes
    items = await everything(drive)
    assert len({item.path for item in items}) == len(items) == 6
    told = {item.path: item.note for item in items if item.kind == Kind.OTHER}
    assert told == {
        "caf\\xe9.txt\\": "file whose name is not UTF-8",
        "\\xff\\\\xe9": "file whose name is not UTF-8",
        "\\\\xff\\xe9": "file whose name is not UTF-8",
        "fold\\xe9r": "folder whose name is not UTF-8; what is in it is not listed",
        "link": "symlink to to-\\xe9",
    }
    for item in items:
        (item.path + (item.note or "")).encode()


async def test_a_cursor_that_is_not_utf8(drive: LocalDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor can always be stored as text."""
    monkeypatch.setattr(how, "PAGE_ITEMS", 1)
    for name in (b"a\xe9", b"a\xea", b"b"):
        (tmp_path / os.fsdecode(name)).touch()
    first = await drive.page("", None)
    assert first.cursor is not None
    first.cursor.encode()
    assert len({item.path for item in await everything(drive)}) == 3


async def test_all_kinds_of_names(drive: LocalDrive, tmp_path: Path) -> None:
    """T41, T42: globs, quotes, controls and both Unicode forms are names like others."""
    names = [
        "*",
        "?",
        "[a]",
        "'",
        '"',
        "a\nb",
        "\t",
        "-rf",
        "~",
        "$HOME",
        "a b ",
        " a",
        "a.",
        "...",
        "\u202ebidi",
        "😀",
        "%2e%2e",
    ]
    both = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    make(tmp_path, names + both)
    items = await everything(drive)
    assert {item.path for item in items} == {*names, *both}
    for item in items:
        assert await drive.item(item.path) == item
