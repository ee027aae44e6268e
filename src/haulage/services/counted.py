"""Content over HTTP: which part of a file came, and the count of its bytes."""

import re
from collections.abc import AsyncIterator

from haulage.model.errors import Mismatch, ShortRead
from haulage.model.item import Carried, Item
from haulage.services.transport import Answer, Streamed

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class CountedContent:
    """A file being read over HTTP. Its bytes are counted against the size of the revision that was opened."""

    def __init__(self, streamed: Streamed | None, item: Item, start: int) -> None:
        """streamed: None where nothing is left from `start`, the first byte wanted, on. Raises Mismatch."""
        self.item = item
        self.carried = Carried(modified_us=item.modified_us, created_us=item.created_us)
        self._streamed = streamed
        self._skip = start - _first(streamed.answer, start) if streamed is not None else 0
        self._left = (item.size or 0) - start

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """See the contract."""
        if self._streamed is None:
            return
        async for chunk in self._streamed.chunks():
            piece = memoryview(chunk)[self._skip :]
            self._skip -= len(chunk) - len(piece)
            if len(piece) > self._left:
                raise ShortRead(f"{self.item.path}: more bytes came than the {self.item.size} that were listed")
            self._left -= len(piece)
            if piece:
                yield piece
        if self._left or self._skip:
            raise ShortRead(f"{self.item.path}: the answer ended {self._left} bytes early")


def _first(answer: Answer, asked_from: int) -> int:
    """The first byte that the answer holds. A range that was not heard gives the whole file (T10)."""
    if answer.status != 206:
        return 0
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if not found or int(found[1]) != asked_from or int(found[2]) != int(found[3]) - 1:
        raise Mismatch(f"another part of the file came than the one from byte {asked_from} on")
    return asked_from
