"""Graph's driveItems as items, and an item's facts as Graph wants them."""

import base64
import binascii
from datetime import UTC, datetime

import msgspec

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind, Written
from haulage.model.moments import utc

SELECT = (
    "id,name,size,eTag,cTag,file,folder,package,remoteItem,malware,fileSystemInfo,createdDateTime,lastModifiedDateTime"
)


class Hashes(msgspec.Struct):
    """Of a file; which of them there are depends on the kind of drive (Q8)."""

    quick_xor: str | None = msgspec.field(name="quickXorHash", default=None)
    sha1: str | None = msgspec.field(name="sha1Hash", default=None)
    sha256: str | None = msgspec.field(name="sha256Hash", default=None)


class FileFacet(msgspec.Struct):
    """What makes an item a file."""

    mime_type: str | None = msgspec.field(name="mimeType", default=None)
    hashes: Hashes | None = None


class FolderFacet(msgspec.Struct):
    """What makes an item a folder."""

    child_count: int | None = msgspec.field(name="childCount", default=None)


class Times(msgspec.Struct):
    """A client's own times, as the client wrote them."""

    created: str | None = msgspec.field(name="createdDateTime", default=None)
    modified: str | None = msgspec.field(name="lastModifiedDateTime", default=None)


class DriveItem(msgspec.Struct):
    """A node of a drive: the fields of SELECT, and the address for reading where it was asked for."""

    id: str
    name: str = ""
    size: int | None = None
    e_tag: str | None = msgspec.field(name="eTag", default=None)
    c_tag: str | None = msgspec.field(name="cTag", default=None)
    file: FileFacet | None = None
    folder: FolderFacet | None = None
    package: dict[str, object] | None = None
    remote_item: dict[str, object] | None = msgspec.field(name="remoteItem", default=None)
    malware: dict[str, object] | None = None
    times: Times | None = msgspec.field(name="fileSystemInfo", default=None)
    created: str | None = msgspec.field(name="createdDateTime", default=None)
    modified: str | None = msgspec.field(name="lastModifiedDateTime", default=None)
    download_url: str | None = msgspec.field(name="@microsoft.graph.downloadUrl", default=None)

    @property
    def revision(self) -> str | None:
        """The tag of the content; that of everything, where there is no other (folders)."""
        return self.c_tag or self.e_tag


class Children(msgspec.Struct):
    """A page of a folder."""

    value: list[DriveItem]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Delta(msgspec.Struct):
    """A page of what changed in a drive. next_position: where the record stands, on the last page alone."""

    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    next_position: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class Session(msgspec.Struct):
    """An upload session. ranges: what is still expected; only the first one's beginning is used (Q7)."""

    url: str = msgspec.field(name="uploadUrl", default="")
    ranges: list[str] = msgspec.field(name="nextExpectedRanges", default_factory=list)


def item_of(path: str, found: DriveItem) -> Item:
    """The item at `path`. Raises Mismatch where a fact cannot be read."""
    times = found.times or Times()
    kind, note = _kind(found)
    return Item(
        path,
        kind,
        None if kind is Kind.FOLDER else found.size,
        time_us(times.modified or found.modified),
        found.revision,
        hashes_of(found) if kind is Kind.FILE else {},
        found.id,
        time_us(times.created or found.created),
        note,
        empty=found.folder is not None and found.folder.child_count == 0,
    )


def _kind(found: DriveItem) -> tuple[Kind, str | None]:
    if found.remote_item is not None:
        return Kind.OTHER, "a shortcut to what lies in another drive"
    if found.package is not None:
        return Kind.OTHER, f"a package ({found.package.get('type') or 'of an unknown kind'})"
    if found.folder is not None:
        return Kind.FOLDER, None
    if found.file is None:
        return Kind.OTHER, "neither a file nor a folder"
    return Kind.FILE, "flagged by the service as harmful" if found.malware is not None else None


def written_of(path: str, found: DriveItem) -> Written:
    """What an answer to a write confirms."""
    return Written(path, found.revision, found.size, hashes_of(found), item_of(path, found).modified_us, found.id)


def hashes_of(found: DriveItem) -> dict[str, str]:
    """The hashes that the service tells, in hex. Those of an empty file are left out: some drives tell none (Q8)."""
    told = found.file.hashes if found.file is not None else None
    if told is None or not found.size:
        return {}
    hashes = {name: value.lower() for name, value in (("sha1", told.sha1), ("sha256", told.sha256)) if value}
    if told.quick_xor:
        try:
            hashes["quickxor"] = base64.b64decode(told.quick_xor, validate=True).hex()
        except binascii.Error:
            raise Mismatch(f"the quickXorHash of {found.name!r} is no base64") from None
    return hashes


def time_us(text: str | None) -> int | None:
    """UTC microseconds of a time such as 2017-09-14T12:34:53.1234567Z. Raises Mismatch."""
    if text is None:
        return None
    whole, _, fraction = text.removesuffix("Z").partition(".")
    try:
        seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
        return seconds * 1_000_000 + int(f"{fraction}000000"[:6])
    except ValueError:
        raise Mismatch(f"the service told a time that cannot be read: {text[:40]!r}") from None


def time_text(micros: int) -> str | None:
    """The same the other way round. None for a year that cannot be written."""
    when = utc(micros)
    return None if when is None else f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"
