"""Drive's files as items, and an item's facts as Drive wants them."""

from datetime import UTC, datetime, timedelta

import msgspec

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind, Written
from haulage.model.moments import utc
from haulage.services.google.exports import APPS, Exports, title

FOLDER = f"{APPS}folder"
FIELDS = (
    "id,name,mimeType,size,md5Checksum,sha1Checksum,sha256Checksum,headRevisionId,modifiedTime,createdTime,trashed,"
    "driveId,parents,shortcutDetails(targetId,targetMimeType),appProperties"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Shortcut(msgspec.Struct):
    """What a shortcut points at."""

    target_id: str = msgspec.field(name="targetId", default="")
    mime_type: str | None = msgspec.field(name="targetMimeType", default=None)


class File(msgspec.Struct):
    """A node: the fields of FIELDS. Numbers come as text, and what there is not is left out."""

    id: str
    name: str = ""
    mime_type: str = msgspec.field(name="mimeType", default="")
    size: str | None = None
    md5: str | None = msgspec.field(name="md5Checksum", default=None)
    sha1: str | None = msgspec.field(name="sha1Checksum", default=None)
    sha256: str | None = msgspec.field(name="sha256Checksum", default=None)
    head: str | None = msgspec.field(name="headRevisionId", default=None)
    modified: str | None = msgspec.field(name="modifiedTime", default=None)
    created: str | None = msgspec.field(name="createdTime", default=None)
    trashed: bool = False
    drive_id: str | None = msgspec.field(name="driveId", default=None)
    parents: list[str] = []
    marks: dict[str, str] = msgspec.field(name="appProperties", default={})
    shortcut: Shortcut | None = msgspec.field(name="shortcutDetails", default=None)

    @property
    def is_folder(self) -> bool:
        """Whether it holds others."""
        return self.mime_type == FOLDER

    @property
    def is_native(self) -> bool:
        """Whether it is a document of Google's own, and no file."""
        return self.mime_type.startswith(APPS)

    @property
    def revision(self) -> str | None:
        """Of a file's content. Where Drive tells none, what changes with it."""
        return self.head or self.md5 or self.modified

    @property
    def age(self) -> tuple[int, str]:
        """What orders files of one name, the oldest first; it never changes."""
        return time_us(self.created) or 0, self.id


class Files(msgspec.Struct):
    """A page of files.list"""

    files: list[File] = []
    next_token: str | None = msgspec.field(name="nextPageToken", default=None)
    incomplete: bool = msgspec.field(name="incompleteSearch", default=False)


class Position(msgspec.Struct):
    """changes.getStartPageToken"""

    token: str = msgspec.field(name="startPageToken")


class Changes(msgspec.Struct):
    """A page of changes.list: either more follows, or it was the last and tells where to go on another time."""

    changes: list[dict[str, str]] = []
    next_token: str | None = msgspec.field(name="nextPageToken", default=None)
    new_token: str | None = msgspec.field(name="newStartPageToken", default=None)


class Ids(msgspec.Struct):
    """files.generateIds"""

    ids: list[str]


class SharedDrive(msgspec.Struct):
    """One of drives.list"""

    id: str
    name: str


class SharedDrives(msgspec.Struct):
    """A page of drives.list"""

    drives: list[SharedDrive] = []
    next_token: str | None = msgspec.field(name="nextPageToken", default=None)


def item_of(path: str, found: File, exports: Exports) -> Item:
    """The item at `path`. Raises Mismatch where a fact cannot be read."""
    kind, note = _kind(found, exports)
    return Item(
        path,
        kind,
        size_of(found) if kind is Kind.FILE else None,
        time_us(found.modified),
        revision_of(found, exports) if kind is Kind.FILE else None,
        hashes_of(found) if kind is Kind.FILE else {},
        found.id,
        time_us(found.created),
        note,
    )


def revision_of(found: File, exports: Exports) -> str | None:
    """Of what comes when it is read: of a document, when it was changed, and in which form it comes."""
    if not found.is_native:
        return found.revision
    return f"{found.modified} {exports.ending(found.mime_type)}" if found.modified else None


def _kind(found: File, exports: Exports) -> tuple[Kind, str | None]:
    if found.is_folder:
        return Kind.FOLDER, None
    if not found.is_native or exports.ending(found.mime_type):
        return Kind.FILE, None
    kind = found.mime_type.removeprefix(APPS)
    if kind == "shortcut":
        target = found.shortcut.mime_type if found.shortcut is not None else None
        what = "a folder" if target == FOLDER else "a file"
        return Kind.OTHER, f"a shortcut to {what}, which is copied where it lies, if that is within the location"
    return Kind.OTHER, f"{title(found.mime_type)}, which is no file, and cannot be exported as one"


def written_of(path: str, found: File, exports: Exports) -> Written:
    """What an answer to a write confirms."""
    return Written(
        path, revision_of(found, exports), size_of(found), hashes_of(found), time_us(found.modified), found.id
    )


def size_of(found: File) -> int | None:
    """Bytes; None where it is not told, and of documents: theirs is no file's. Raises Mismatch."""
    if found.size is None or found.is_native:
        return None
    if not found.size.isdecimal():
        raise Mismatch(f"Google told a size that is no number: {found.size[:40]!r}")
    return int(found.size)


def hashes_of(found: File) -> dict[str, str]:
    """In hex, as Drive tells them; older files may lack all but MD5 (Q7)."""
    told = (("md5", found.md5), ("sha1", found.sha1), ("sha256", found.sha256))
    return {name: value.lower() for name, value in told if value}


def time_us(text: str | None) -> int | None:
    """UTC microseconds of an RFC 3339 time. Raises Mismatch."""
    if text is None:
        return None
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError):
        raise Mismatch(f"Google told a time that cannot be read: {text[:40]!r}") from None


def time_text(micros: int) -> str | None:
    """The same the other way round, to the millisecond. None for a year that cannot be written."""
    when = utc(micros)
    return None if when is None else when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
