"""Dropbox's metadata as items."""

from datetime import UTC, datetime

import msgspec

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind, Written
from haulage.model.moments import utc


class ExportInfo(msgspec.Struct):
    """In which form a document comes, and in which others it can; absent where it comes in none."""

    export_as: str | None = None
    options: list[str] = msgspec.field(name="export_options", default=[])


class Sharing(msgspec.Struct):
    """Of a folder that is shared: the namespace that it is for all who see it."""

    shared_folder_id: str | None = None


class Metadata(msgspec.Struct):
    """A file, folder, or what was deleted: only what is read. tag: absent where the route gives files alone."""

    name: str
    tag: str = msgspec.field(name=".tag", default="file")
    id: str | None = None
    path_display: str | None = None
    size: int | None = None
    rev: str | None = None
    content_hash: str | None = None
    client_modified: str | None = None
    is_downloadable: bool = True
    export_info: ExportInfo | None = None
    symlink_info: dict[str, object] | None = None
    sharing: Sharing | None = msgspec.field(name="sharing_info", default=None)

    @property
    def place(self) -> str:
        """What is the same for whoever sees it."""
        return (self.sharing and self.sharing.shared_folder_id) or self.id or ""


class RootInfo(msgspec.Struct):
    """Of users/get_current_account: somebody's own tree."""

    home_namespace_id: str


class Account(msgspec.Struct):
    """users/get_current_account"""

    root: RootInfo = msgspec.field(name="root_info")


class Listing(msgspec.Struct):
    """files/list_folder and /continue"""

    entries: list[Metadata]
    cursor: str
    has_more: bool


class Position(msgspec.Struct):
    """list_folder/get_latest_cursor"""

    cursor: str


class Made(msgspec.Struct):
    """create_folder_v2, move_v2"""

    metadata: Metadata


class Session(msgspec.Struct):
    """upload_session/start"""

    session_id: str


class Finished(msgspec.Struct):
    """What became of one entry of finish_batch_v2: a file's metadata, or why not."""

    tag: str = msgspec.field(name=".tag")
    failure: msgspec.Raw = msgspec.Raw(b"null")


class Batch(msgspec.Struct):
    """upload_session/finish_batch_v2"""

    entries: list[msgspec.Raw]


def item_of(path: str, found: Metadata) -> Item:
    """The item at `path`; a document that is exported while it is read has no size yet. Raises Mismatch."""
    if found.tag == "folder":
        return Item(path, Kind.FOLDER, id=found.id)
    kind, note = Kind.FILE, None
    if found.symlink_info is not None:
        kind, note = Kind.OTHER, "a symlink that the desktop client uploaded"
    elif not found.is_downloadable and found.export_info is not None and found.export_info.export_as:
        return Item(path, kind, None, time_us(found.client_modified), found.rev, id=found.id)
    elif not found.is_downloadable:
        kind, note = Kind.OTHER, "a document of Dropbox's own, which it neither downloads nor exports"
    hashes = {"dropbox": found.content_hash} if found.content_hash else {}
    return Item(path, kind, found.size, time_us(found.client_modified), found.rev, hashes, found.id, note=note)


def written_of(path: str, found: Metadata, *, parts_checked: bool = False) -> Written:
    """What an answer to a write confirms."""
    hashes = {"dropbox": found.content_hash} if found.content_hash else {}
    when = time_us(found.client_modified)
    return Written(path, found.rev, found.size, hashes, when, found.id, parts_checked)


def time_us(text: str | None) -> int | None:
    """UTC microseconds of 2015-05-12T15:50:38Z. Raises Mismatch."""
    if text is None:
        return None
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) * 1_000_000
    except ValueError:
        raise Mismatch(f"Dropbox told a time that cannot be read: {text[:40]!r}") from None


def time_text(micros: int) -> str | None:
    """The same the other way round; fractions of a second are not taken. None for a year that cannot be written."""
    when = utc(micros)
    return None if when is None else f"{when:%Y-%m-%dT%H:%M:%SZ}"
