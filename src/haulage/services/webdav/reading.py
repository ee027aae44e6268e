"""What a server says of a file, as the model has it."""

from collections.abc import Mapping

from haulage.model.errors import Changed, ShortRead, Transient
from haulage.model.item import Carried, Item, Kind
from haulage.services.reading import StreamedContent, content_range
from haulage.services.transport import Streamed
from haulage.services.webdav.wire import Entry, bare, checksums_of, date_us


def revision_of(entry: Entry) -> str | None:
    """The ETag; where the server has none, time and size."""
    return _revision(entry.etag, entry.modified_us, entry.size)


def _revision(etag: str | None, modified_us: int | None, size: int | None) -> str | None:
    if etag:
        return etag
    return f"{modified_us}-{size}" if modified_us is not None and size is not None else None


def hashes_of(entry: Entry) -> dict[str, str]:
    """Hex by algorithm, where the server tells any that it stands for (ownCloud; asked for there alone)."""
    return checksums_of(entry.checksums)


def item_of(path: str, entry: Entry) -> Item:
    """A file or folder."""
    if entry.folder:
        return Item(path, Kind.FOLDER, modified_us=entry.modified_us)
    return Item(path, Kind.FILE, entry.size, entry.modified_us, revision_of(entry), hashes_of(entry))


def content_of(item: Item, streamed: Streamed, start: int) -> StreamedContent | None:
    """What the answer gives, to be read from `start`; None for a range that was not asked for. Raises Changed."""
    headers = streamed.answer.headers
    length = headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else item.size
    skip = start
    if streamed.answer.status == 206:
        first, last, whole = content_range(headers.get("Content-Range", ""))
        size = int(whole) if whole else item.size
        if not start or first != start or last + 1 != size:
            return None
        skip = 0
    now = _now(item, headers, size)
    carried = Carried(modified_us=now.modified_us, content_type=headers.get("Content-Type"))
    return StreamedContent(now, carried, streamed, skip, (now.size or 0) - start)


def _now(item: Item, headers: Mapping[str, str], size: int | None) -> Item:
    """The facts of what is being read: the revision that was listed, of the size that was listed, and nothing else."""
    etag, dated = bare(headers.get("ETag", "")) or None, date_us(headers.get("Last-Modified", ""))
    if item.revision is not None and not _same(item, etag, dated, size):
        if etag is None and dated is None:
            raise Transient("the answer does not say which revision it is")
        raise Changed("the file is another revision than the one that was listed")
    if item.size is not None and size != item.size:
        raise ShortRead(f"the answer has {size} bytes; the listing promised {item.size}")
    revision = item.revision or _revision(etag, dated, size)
    return Item(item.path, Kind.FILE, size, item.modified_us if dated is None else dated, revision, item.hashes)


def _same(item: Item, etag: str | None, dated: int | None, size: int | None) -> bool:
    """By the ETag where both have one; a server that tells one in listings alone is held to time and size."""
    if etag is not None and item.revision == etag:
        return True
    listed = None if item.modified_us is None else item.modified_us // 1_000_000 * 1_000_000
    if etag is None:
        return dated is not None and dated == listed and size == item.size
    return item.revision == _revision(None, dated, size)
