"""What a streamed answer gives of a file: counted against what was promised, whatever else came with it."""

from collections.abc import AsyncIterator, Awaitable, Callable

from haulage.model.errors import ShortRead
from haulage.model.item import Carried, Item
from haulage.services.transport import Streamed


class StreamedContent:
    """See `contract.Content`. skip: bytes of the answer that were not asked for. expected: bytes to hand out.

    unchanged: called when all bytes are here, before the last are handed out. Raises Changed.
    """

    def __init__(
        self,
        item: Item,
        carried: Carried,
        streamed: Streamed | None,
        skip: int,
        expected: int,
        unchanged: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.item = item
        self.carried = carried
        self._streamed = streamed
        self._skip = skip
        self._expected = expected
        self._unchanged = unchanged

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """See `Content.chunks`. Bodies without a length are counted as well (T11)."""
        if self._streamed is None:
            return
        skip, left = self._skip, self._expected
        async for chunk in self._streamed.chunks():
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            piece: bytes | memoryview = memoryview(chunk)[skip:] if skip else chunk
            skip = 0
            left -= len(piece)
            if left < 0:
                raise ShortRead(f"the body is longer than the {self.item.size} bytes that were promised")
            if not left:
                await self._end()
            yield piece
        if left:
            raise ShortRead(f"the body ended {left} bytes early of {self.item.size}")
        await self._end()

    async def _end(self) -> None:
        check, self._unchanged = self._unchanged, None
        if check is not None:
            await check()


def content_range(text: str) -> tuple[int, int, str | None]:
    """First and last byte and whole size of "bytes 3-10/11"; the size is None for "*". (-1, -1, None) if malformed."""
    unit, _, rest = text.partition(" ")
    span, _, size = rest.partition("/")
    first, _, last = span.partition("-")
    if unit != "bytes" or not (first.isdecimal() and last.isdecimal()):
        return -1, -1, None
    return int(first), int(last), size if size.isdecimal() else None
