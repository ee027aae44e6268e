"""Listing a folder: names in order, page by page, and what each of them is."""

import os
import stat
from bisect import bisect_right
from collections import OrderedDict
from heapq import nsmallest
from threading import Lock

import msgspec

from haulage.model.item import Item, Kind, Page
from haulage.services.local.paths import FOLDER, UNFINISHED, Tree, is_utf8, kind_of_other, node_id, revision, split

PAGE_ITEMS = 1000
_HELD_NAMES = 50_000
_HELD_FOLDERS = 8
_RAW_CURSOR = "/"  # no name holds it: what follows is the hex of a name that is not UTF-8


class _Names(msgspec.Struct, frozen=True):
    """Names of a folder in order, all those after `after` up to a limit. whole: there were no more."""

    after: str
    names: list[str]
    whole: bool


class Listing:
    """Pages of the folders of one tree.

    The cursor is the last name of the page before, so any process can go on from it. The names of a few folders
    are held between their pages, 50,000 at most of each; a larger folder is read once for every 50,000 names.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._held: OrderedDict[str, _Names] = OrderedDict()
        self._lock = Lock()

    def page(self, folder: str, cursor: str | None) -> Page:
        """One page, sorted by name. Raises OSError."""
        after = "" if cursor is None else _name_of(cursor)
        with self._tree.folder(split(folder)) as opened:
            names = self._names(folder, opened, after, again=cursor is None)
            first = bisect_right(names.names, after)
            wanted = names.names[first : first + PAGE_ITEMS]
            found = [_item(opened, folder, name) for name in wanted]
        more = first + PAGE_ITEMS < len(names.names) or not names.whole
        if not more:
            self._forget(folder)
        return Page([item for item in found if item is not None], _cursor_of(wanted[-1]) if more and wanted else None)

    def _names(self, folder: str, opened: int, after: str, again: bool) -> _Names:
        with self._lock:
            held = self._held.get(folder)
        if held is not None and not again and held.after <= after:
            left = bool(held.names) and after < held.names[-1]
            if left or held.whole:
                return held
        names = _names_after(opened, after)
        if not names.whole or len(names.names) > PAGE_ITEMS:
            with self._lock:
                self._held[folder] = names
                self._held.move_to_end(folder)
                while len(self._held) > _HELD_FOLDERS:
                    self._held.popitem(last=False)
        return names

    def _forget(self, folder: str) -> None:
        with self._lock:
            self._held.pop(folder, None)


def _names_after(opened: int, after: str) -> _Names:
    with os.scandir(opened) as entries:
        found = (entry.name for entry in entries if entry.name > after and not UNFINISHED.fullmatch(entry.name))
        names = nsmallest(_HELD_NAMES + 1, found)
    return _Names(after, names[:_HELD_NAMES], len(names) <= _HELD_NAMES)


def _cursor_of(name: str) -> str:
    return name if is_utf8(name) else _RAW_CURSOR + os.fsencode(name).hex()


def _name_of(cursor: str) -> str:
    return os.fsdecode(bytes.fromhex(cursor[1:])) if cursor.startswith(_RAW_CURSOR) else cursor


def _item(opened: int, folder: str, name: str) -> Item | None:
    """What that name is now; None when it has vanished since the names were read."""
    try:
        found = os.stat(name, dir_fd=opened, follow_symlinks=False)
    except FileNotFoundError:
        return None
    before = f"{folder}/" if folder else ""
    if not name.isascii() and not is_utf8(name):
        return _not_utf8(opened, before, name, found)
    if stat.S_ISREG(found.st_mode):
        return file_item(before + name, found)
    modified_us = found.st_mtime_ns // 1000
    if stat.S_ISDIR(found.st_mode):
        empty = _is_empty(opened, name)
        return Item(before + name, Kind.FOLDER, modified_us=modified_us, id=node_id(found), empty=empty)
    note = _note(opened, name, found.st_mode)
    return Item(before + name, Kind.OTHER, modified_us=modified_us, id=node_id(found), note=note)


def file_item(path: str, found: os.stat_result) -> Item:
    """A regular file."""
    return Item(
        path,
        Kind.FILE,
        size=found.st_size,
        modified_us=found.st_mtime_ns // 1000,
        revision=revision(found),
        id=node_id(found),
    )


def _is_empty(opened: int, name: str) -> bool:
    """Whether the folder holds nothing; False when it cannot be looked into (its own page will say why)."""
    try:
        below = os.open(name, FOLDER, dir_fd=opened)
    except OSError:
        return False
    try:
        with os.scandir(below) as entries:
            return all(UNFINISHED.fullmatch(entry.name) for entry in entries)
    except OSError:
        return False
    finally:
        os.close(below)


def _note(opened: int, name: str, mode: int) -> str:
    kind = kind_of_other(mode)
    if not stat.S_ISLNK(mode):
        return kind
    try:
        return f"symlink to {_escaped(os.readlink(name, dir_fd=opened))}"
    except OSError:  # it was replaced at this moment; what it was is still true
        return kind


def _not_utf8(opened: int, before: str, name: str, found: os.stat_result) -> Item:
    """Reported, never lost: a name that no other service could take, spelt with \\x escapes."""
    what = {stat.S_IFREG: "file", stat.S_IFDIR: "folder"}.get(stat.S_IFMT(found.st_mode), "node")
    spelt = _escaped(name.replace("\\", "\\\\"))
    while _is_there(opened, spelt):
        spelt += "\\"
    note = f"{what} whose name is not UTF-8" + ("; what is in it is not listed" if what == "folder" else "")
    return Item(before + spelt, Kind.OTHER, modified_us=found.st_mtime_ns // 1000, id=node_id(found), note=note)


def _escaped(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_there(opened: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=opened, follow_symlinks=False)
    except OSError:
        return False
    return True
