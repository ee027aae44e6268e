"""Box's items, as the contract wants them."""

from datetime import datetime

import msgspec

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind, Written
from haulage.model.moments import utc

FIELDS = "type,id,etag,name,size,sha1,file_version,content_modified_at,content_created_at,item_status"


class Version(msgspec.Struct):
    """The version of a file that is the current one."""

    id: str


class Entry(msgspec.Struct):
    """A file, folder or web link: only what is read. size: of large files Box may write it as a float."""

    type: str
    id: str
    etag: str | None = None
    name: str = ""
    size: float | None = None
    sha1: str | None = None
    version: Version | None = msgspec.field(name="file_version", default=None)
    modified: str | None = msgspec.field(name="content_modified_at", default=None)
    created: str | None = msgspec.field(name="content_created_at", default=None)
    status: str | None = msgspec.field(name="item_status", default=None)

    @property
    def revision(self) -> str | None:
        """Changes with the content alone."""
        return self.version.id if self.version is not None else None


class Items(msgspec.Struct):
    """A page of a folder, by marker."""

    entries: list[Entry]
    marker: str | None = msgspec.field(name="next_marker", default=None)


class Me(msgspec.Struct):
    """Whose calls these are."""

    id: str


class Entries(msgspec.Struct):
    """Folders, the uppermost first."""

    entries: list[Me] = []


class Above(msgspec.Struct):
    """A folder's place."""

    id: str
    collection: Entries = msgspec.field(name="path_collection")


class Uploaded(msgspec.Struct):
    """What an upload made."""

    entries: list[Entry]


def told_apart(entries: list[Entry]) -> dict[str, Entry]:
    """By name in small letters. Of several with one name the oldest has it, others with their id: "plan (123).pdf".

    That depends on nothing that changes, so a second run finds each under the path of the first.
    """
    found: dict[str, Entry] = {}
    for one in sorted(entries, key=lambda entry: (len(entry.id), entry.id)):
        name = one.name
        while name.lower() in found:
            stem, dot, extension = name.rpartition(".")
            plain = not stem or one.type == "folder"
            name = f"{name} ({one.id})" if plain else f"{stem} ({one.id}){dot}{extension}"
        found[name.lower()] = one if name == one.name else msgspec.structs.replace(one, name=name)
    return found


def item_of(path: str, found: Entry) -> Item:
    """The item at `path`. Raises Mismatch where a fact cannot be read."""
    if found.type == "folder":
        return Item(path, Kind.FOLDER, id=found.id)
    if found.type != "file":
        return Item(path, Kind.OTHER, id=found.id, note="a web link, which has no content")
    hashes = {"sha1": found.sha1.lower()} if found.sha1 else {}
    size = None if found.size is None else int(found.size)
    modified, created = time_us(found.modified), time_us(found.created)
    return Item(path, Kind.FILE, size, modified, found.revision, hashes, found.id, created)


def written_of(path: str, found: Entry, *, parts_checked: bool = False) -> Written:
    """What an answer to a write confirms."""
    now = item_of(path, found)
    return Written(path, now.revision, now.size, now.hashes, now.modified_us, found.id, parts_checked)


def time_us(text: str | None) -> int | None:
    """UTC microseconds of 2012-12-12T10:53:43-08:00. Raises Mismatch."""
    if text is None:
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 1_000_000
    except ValueError:
        raise Mismatch(f"Box told a time that cannot be read: {text[:40]!r}") from None


def time_text(micros: int) -> str | None:
    """The same the other way round: whole seconds, UTC. None for a year that cannot be written."""
    when = utc(micros)
    return None if when is None else f"{when:%Y-%m-%dT%H:%M:%SZ}"
