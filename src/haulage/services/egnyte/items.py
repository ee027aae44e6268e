"""Egnyte's files and folders, as the contract wants them."""

from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime

import msgspec

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind, Written
from haulage.model.moments import utc

PLAIN_DIGITS = 128


class Entry(msgspec.Struct):
    """A file or a folder: only what is read. entry_id: of the version that is the current one."""

    name: str = ""
    is_folder: bool = False
    size: int | None = None
    checksum: str | None = None
    entry_id: str | None = None
    group_id: str | None = None
    folder_id: str | None = None
    last_modified: str | None = None


class Listing(Entry):
    """A folder with a page of its children; what there is none of is left out (Q6)."""

    folders: list[Entry] = []
    files: list[Entry] = []
    count: int = 0
    offset: int = 0
    total_count: int = 0


class Made(msgspec.Struct):
    """What an upload made."""

    entry_id: str
    group_id: str | None = None
    checksum: str | None = None
    size: int | None = None
    last_modified: str | None = None


class Stats(msgspec.Struct):
    """A folder with all below it, itself among the folders."""

    files: int = msgspec.field(name="filesCount")
    folders: int = msgspec.field(name="foldersCount")


def hashes_of(checksum: str | None) -> dict[str, str]:
    """A file that came whole tells its SHA-512; one that came in chunks another value, which is none (Q7)."""
    if checksum is None or len(checksum) != PLAIN_DIGITS:
        return {}
    return {"sha512": checksum.lower()}


def item_of(path: str, found: Entry) -> Item:
    """The item at `path`. Raises Mismatch where a fact cannot be read."""
    if found.is_folder:
        return Item(path, Kind.FOLDER, id=found.folder_id)
    if found.entry_id is None:
        raise Mismatch(f"Egnyte tells no version of {path}")
    modified = time_us(found.last_modified)
    return Item(path, Kind.FILE, found.size, modified, found.entry_id, hashes_of(found.checksum), found.group_id)


def read_item(asked: Item, headers: Mapping[str, str], size: int | None) -> Item:
    """The version that an answer's body is of, by its headers; its size as listed, else as told. Raises Mismatch."""
    modified = time_us(headers.get("Last-Modified"))
    hashes = hashes_of(headers.get("X-Sha512-Checksum"))
    whole = size if asked.size is None else asked.size
    return Item(asked.path, Kind.FILE, whole, modified, revision_of(headers), hashes, asked.id)


def revision_of(headers: Mapping[str, str]) -> str | None:
    """The version that a download's tag names, quoted or not (Q9); None where it names none."""
    return headers.get("ETag", "").removeprefix("W/").strip('"') or None


def written_of(path: str, made: Made, size: int, modified_us: int | None, *, parts_checked: bool = False) -> Written:
    """What an answer to an upload confirms. size: what was sent, where the answer tells none but a checksum of it."""
    hashes = hashes_of(made.checksum)
    told = made.size if made.size is not None else size if hashes or parts_checked else None
    when = modified_us if made.last_modified is None else time_us(made.last_modified)
    return Written(path, made.entry_id, told, hashes, when, made.group_id, parts_checked)


def time_us(text: str | None) -> int | None:
    """UTC microseconds of a file's time, Mon, 03 Aug 2026 11:48:35 GMT. Raises Mismatch."""
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        raise Mismatch(f"Egnyte told a time that cannot be read: {text[:40]!r}") from None


def time_text(micros: int) -> str | None:
    """The same the other way round: whole seconds. None for a year that cannot be written."""
    when = utc(micros)
    return None if when is None else format_datetime(when, usegmt=True)
