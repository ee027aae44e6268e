"""What a server says of a file, as the model has it."""

from collections.abc import Awaitable, Callable, Mapping

from haulage.model.errors import Changed, ShortRead
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


def content_of(
    item: Item, streamed: Streamed, start: int, unchanged: Callable[[], Awaitable[object]]
) -> StreamedContent | None:
    """What the answer gives, to be read from `start`; None for a range that was not asked for. Raises Changed.

    unchanged: looks whether it is still the revision that was listed, for an answer that does not say which it is.
    """
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
    known = item.revision is None or _version(headers) != (None, None)
    return StreamedContent(now, carried, streamed, skip, (now.size or 0) - start, None if known else unchanged)


def _version(headers: Mapping[str, str]) -> tuple[str | None, int | None]:
    """ETag and date, where the answer has them; lighttpd has neither for files of a type that it does not know."""
    return bare(headers.get("ETag", "")) or None, date_us(headers.get("Last-Modified", ""))


def _now(item: Item, headers: Mapping[str, str], size: int | None) -> Item:
    """The facts of what is being read: the revision that was listed, of the size that was listed, and nothing else."""
    etag, dated = _version(headers)
    if (etag or dated is not None) and item.revision is not None and not _same(item, etag, dated, size):
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
