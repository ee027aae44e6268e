"""The read-only part of the contract, tried on a real account: what a source promises is asked for, nothing is written.

The same promises are held by tests/contract on test servers; here they are tried where nobody has planted anything, so
they are tried on what happens to be there, a small part of it.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from haulage.engine.meter import COMPUTED
from haulage.engine.same import read_digests
from haulage.model.errors import Changed, Denied, Gone, HaulageError, Mismatch
from haulage.model.item import Item, Kind
from haulage.services.contract import Drive

MOST_FOLDERS = 10
MOST_ITEMS = 2000
MOST_PAGES = 200
MOST_FILES = 3
LARGEST_BYTES = 8 * 1024 * 1024
"""Of each file that is read; larger ones are left alone."""


class Tried(msgspec.Struct, frozen=True):
    """One promise. told: what was seen, in a few words."""

    promise: str
    state: Literal["kept", "broken", "not tried"]
    told: str


class _Untried(Exception):
    """There is nothing here to try it on."""


class _Seen:
    """What the listings showed: the children of some folders. whole: nothing was left out."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.folders: dict[str, list[Item]] = {}
        self.whole = True

    @property
    def items(self) -> list[Item]:
        return [one for children in self.folders.values() for one in children]

    def files(self) -> list[Item]:
        """Some that can be read quickly, the largest of them first."""
        found = [one for one in self.items if one.kind == Kind.FILE and one.note is None]
        small = [one for one in found if one.size is not None and one.size <= LARGEST_BYTES]
        if not small:
            raise _Untried("no file of up to 8 MiB was seen")
        return sorted(small, key=lambda one: -(one.size or 0))[:MOST_FILES]


async def promises(drive: Drive) -> list[Tried]:
    """Try each of them. Raises what ends everything: AuthLost, RootGone, Unreachable."""
    await drive.check(write=False, create=False)
    seen = _Seen(drive)
    return [await _tried(promise, work, seen) for promise, work in PROMISES]


async def _tried(promise: str, work: "Work", seen: _Seen) -> Tried:
    try:
        return Tried(promise, "kept", await work(seen))
    except _Untried as reason:
        return Tried(promise, "not tried", str(reason))
    except (Changed, Gone) as error:
        return Tried(promise, "not tried", f"somebody changed it meanwhile ({error.message})")
    except (Mismatch, Denied) as error:
        return Tried(promise, "broken", error.message)
    except HaulageError as error:
        if not error.item_only:
            raise
        return Tried(promise, "broken", error.message)


async def _children(drive: Drive, folder: str) -> tuple[list[Item], bool]:
    """The children of a folder, and whether that is all of them. Raises Mismatch where a listing breaks its promise."""
    items: list[Item] = []
    asked: set[str] = set()
    cursor: str | None = None
    while len(items) < MOST_ITEMS:
        page = await drive.page(folder, cursor)
        items += page.items
        cursor = page.cursor
        if not page.complete:
            raise Mismatch(f"a listing is incomplete ({page.why_incomplete})")
        if cursor is None:
            break
        if cursor in asked or len(asked) == MOST_PAGES:
            raise Mismatch("a listing goes in a circle")
        asked.add(cursor)
    return items, cursor is None


def _told_apart(drive: Drive, folder: str, items: list[Item]) -> None:
    """Each once, and below its folder. A bucket may hold a file beside a folder of its name."""
    beside = drive.traits.names.folder_beside_file
    named = [(one.path, one.kind == Kind.FOLDER if beside else None) for one in items]
    if len(set(named)) != len(named):
        raise Mismatch(f"an item is listed twice in {folder or 'the root'!r}")
    start, deep = f"{folder}/" if folder else "", drive.traits.names.empty_parts
    if any(not one.path.startswith(start) or ("/" in one.path[len(start) :] and not deep) for one in items):
        raise Mismatch(f"an item that lies elsewhere is listed in {folder or 'the root'!r}")


async def _listing(seen: _Seen) -> str:
    waiting = [""]
    while waiting and len(seen.folders) < MOST_FOLDERS and len(seen.items) < MOST_ITEMS:
        folder = waiting.pop(0)
        items, whole = await _children(seen.drive, folder)
        _told_apart(seen.drive, folder, items)
        seen.folders[folder] = items
        seen.whole = seen.whole and whole
        waiting += [one.path for one in items if one.kind == Kind.FOLDER]
    seen.whole = seen.whole and not waiting
    rest = "" if seen.whole else "; there is more, which was not looked at"
    return f"{len(seen.items):,} items in {len(seen.folders)} folders{rest}"


async def _again(seen: _Seen) -> str:
    if "" not in seen.folders or len(seen.folders[""]) >= MOST_ITEMS:
        raise _Untried("the folder could not be listed whole the first time")
    again, _ = await _children(seen.drive, "")
    before = {(one.path, one.kind): one for one in seen.folders[""]}
    after = {(one.path, one.kind): one for one in again}
    if before.keys() != after.keys():
        raise Changed("the folder holds other items now")
    if differing := [key for key, one in before.items() if _facts(one) != _facts(after[key])]:
        raise Changed(f"{len(differing)} items have changed")
    return f"{len(again):,} items, all the same"


def _facts(item: Item) -> tuple[object, ...]:
    return item.path, item.kind, item.size, item.revision


async def _look_up(seen: _Seen) -> str:
    for item in seen.files():
        direct = await seen.drive.item(item.path)
        if direct is None:
            raise Mismatch(f"{item.path!r} was listed, and is not there when it is asked for")
        if direct.revision != item.revision:
            raise Changed(f"{item.path!r} has another revision")
        if (direct.path, direct.kind, direct.size) != (item.path, item.kind, item.size):
            raise Mismatch(f"{item.path!r} is told otherwise when it is asked for")
    return f"{len(seen.files())} files"


async def _absent(seen: _Seen) -> str:
    name = f"haulage-{secrets.token_hex(12)}"
    if await seen.drive.item(name) is not None:
        raise Mismatch("a name that nobody has given is said to be there")
    try:
        page = await seen.drive.page(name, None)
    except Gone:
        return "neither a file nor a folder of an invented name"
    raise Mismatch(f"a folder that is not there is listed, with {len(page.items)} items")


async def _whole(seen: _Seen) -> str:
    hashes: set[str] = set()
    for item in seen.files():
        await read_digests(seen.drive, item, {"sha256"})
        hashes |= set(item.hashes) & set(COMPUTED)
    total = sum(one.size or 0 for one in seen.files())
    by = f"size and {', '.join(sorted(hashes))}" if hashes else "size; no hash was listed"
    return f"{len(seen.files())} files, {total:,} bytes, compared by {by}"


async def _middle(seen: _Seen) -> str:
    item = seen.files()[0]
    if not item.size or item.size < 2:
        raise _Untried("no file of two bytes or more was seen")
    whole, half = await _bytes(seen.drive, item, 0), item.size // 2
    if await _bytes(seen.drive, item, half) != whole[half:]:
        raise Mismatch(f"{item.path!r} goes on with other bytes at byte {half:,}")
    if await _bytes(seen.drive, item, item.size):
        raise Mismatch(f"{item.path!r} goes on after its end")
    return f"from byte {half:,} of {item.size:,}, and from the end"


async def _bytes(drive: Drive, item: Item, start: int) -> bytes:
    async with drive.open(item, start) as content:
        return b"".join([bytes(chunk) async for chunk in content.chunks()])


async def _counted(seen: _Seen) -> str:
    if not seen.drive.calls:
        raise Mismatch("calls were made and none is counted")
    return ", ".join(f"{count} {name}" for name, count in sorted(seen.drive.calls.items()))


Work = Callable[[_Seen], Awaitable[str]]
PROMISES: tuple[tuple[str, Work], ...] = (
    ("A listing ends, and names every item once, in its own folder", _listing),
    ("What did not change is listed the same again", _again),
    ("A file that is asked for by its path is the one that was listed", _look_up),
    ("What is not there is told so", _absent),
    ("A file comes whole, with the size and hash that were listed", _whole),
    ("A file can be read on from any byte", _middle),
    ("Calls are counted", _counted),
)
