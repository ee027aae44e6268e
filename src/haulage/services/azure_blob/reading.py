"""Reading a blob: what an answer must say before a byte of it is used, and the count of its bytes."""

import re
from collections.abc import AsyncIterator, Mapping

from haulage.model.errors import Blocked, Changed, Mismatch, ShortRead
from haulage.model.item import Carried, Item, Kind
from haulage.services.azure_blob.metadata import carried_of, metadata_of
from haulage.services.azure_blob.wire import archive_note, blob_item
from haulage.services.transport import Answer, Streamed

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def item_of(path: str, size: int, headers: Mapping[str, str], md5: str | None) -> Item:
    """The item that an answer's headers describe. Raises Mismatch where they cannot be read."""
    try:
        return blob_item(
            path,
            size,
            revision=headers.get("ETag"),
            modified=headers.get("Last-Modified"),
            created=headers.get("x-ms-creation-time"),
            md5=md5,
            note=archive_note(headers.get("x-ms-access-tier"), headers.get("x-ms-archive-status")),
            directory=headers.get("x-ms-resource-type") == "directory",
            metadata=metadata_of(headers),
        )
    except ValueError as error:
        raise Mismatch(f"the answer about {path!r} cannot be read: {error}") from error


def length_of(headers: Mapping[str, str]) -> int:
    """Content-Length. Raises Mismatch where there is none to count against."""
    text = headers.get("Content-Length", "")
    if not text.isdecimal():
        raise Mismatch("the answer does not say how long it is")
    return int(text)


class BlobContent:
    """An opened blob. Its bytes are counted against what the answer promised."""

    def __init__(self, streamed: Streamed, item: Item, carried: Carried, skip: int, left: int) -> None:
        """skip: bytes before those that were asked for, because the service sent more. left: bytes after those."""
        self.item = item
        self.carried = carried
        self._streamed = streamed
        self._skip = skip
        self._left = left

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes, in chunks of at most 1 MiB. A broken body raises Transient; an early end raises ShortRead."""
        async for chunk in self._streamed.chunks():
            piece: bytes | memoryview = chunk
            if self._skip:
                dropped = min(self._skip, len(chunk))
                self._skip -= dropped
                piece = memoryview(chunk)[dropped:]
            if len(piece) > self._left:
                raise ShortRead(f"{self.item.path}: more bytes came than the service promised")
            self._left -= len(piece)
            if piece:
                yield piece
        if self._left or self._skip:
            raise ShortRead(f"{self.item.path}: the answer ended {self._left} bytes early")


def opened(streamed: Streamed, asked: Item, start: int, asked_from: int) -> BlobContent:
    """Check the answer to a GET against the item and the range that were asked for.

    start: the first byte wanted. asked_from: the first byte of the range in the request, 0 for none.
    Raises Changed, Mismatch, Blocked.
    """
    headers = streamed.answer.headers
    first, size = _extent(streamed.answer, asked_from)
    md5 = headers.get("x-ms-blob-content-md5") if streamed.answer.status == 206 else headers.get("Content-MD5")
    item = item_of(asked.path, size, headers, md5)
    if asked.revision is not None and item.revision != asked.revision:
        if item.revision is None:
            raise Mismatch(f"{asked.path}: the answer does not say which revision it is")
        raise Changed(f"{asked.path}: another revision came than the one that was asked for")
    if item.kind is not Kind.FILE:
        raise Blocked(f"{asked.path}: it is a folder's marker, not a file")
    if asked.revision is not None and asked.size is not None and asked.size != size:
        raise Mismatch(f"{asked.path}: {size} bytes are there, and {asked.size} were listed for the same revision")
    return BlobContent(streamed, item, carried_of(headers), start - first, size - start)


def _extent(answer: Answer, asked_from: int) -> tuple[int, int]:
    """The first byte that the body holds, and the size of the whole blob. Raises Mismatch."""
    length = length_of(answer.headers)
    if answer.status != 206:
        return 0, length  # the whole blob, whether it was asked for or the range was not heard (T10)
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if not found:
        raise Mismatch("a part of the blob came without saying which")
    first, last, size = int(found[1]), int(found[2]), int(found[3])
    if not asked_from or first != asked_from or last != size - 1 or length != size - first:
        raise Mismatch(f"bytes {first}-{last} of {size} came, asked for were those from {asked_from}")
    return first, size
