"""Which revision an answer is of."""

import pytest
from multidict import CIMultiDict

from haulage.model.errors import Changed, HaulageError, ShortRead
from haulage.model.item import Item, Kind
from haulage.services.transport import Answer, RateWatchdog, Streamed, Trace
from haulage.services.transport.limits import limits
from haulage.services.webdav.reading import content_of, item_of, revision_of
from haulage.services.webdav.wire import Entry

DATE, STAMP = "Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000_000_000


async def read(item: Item, status: int = 200, start: int = 0, **headers: str) -> object:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    streamed = Streamed(Answer(status, named), None, Trace(), RateWatchdog(limits({})))  # type: ignore[arg-type] # unread

    async def unasked() -> None:
        raise AssertionError("the answer says which revision it is")

    return content_of(item, streamed, start, unasked)


def listed(etag: str | None, modified_us: int | None = STAMP, size: int = 10) -> Item:
    return item_of("a", Entry("/a", size=size, modified_us=modified_us, etag=etag))


async def test_what_is_the_same_revision() -> None:
    """Q7: the ETag, the mark of a weak one left out; where there is none, time and size."""
    assert await read(listed("x"), Content_Length="10", ETag='W/"x"') is not None
    assert await read(listed(None), Content_Length="10", Last_Modified=DATE) is not None
    assert await read(listed(None), Content_Length="10", Last_Modified=DATE, ETag='"here alone"') is not None
    assert revision_of(Entry("/a", size=10)) is None


@pytest.mark.parametrize(
    ("item", "headers", "kind"),
    [
        (listed("x"), {"Content_Length": "10", "ETag": '"y"', "Last_Modified": DATE}, Changed),
        (listed(None), {"Content_Length": "10", "Last_Modified": "Tue, 14 Nov 2023 22:13:21 GMT"}, Changed),
        (listed(None), {"Content_Length": "11", "Last_Modified": DATE}, Changed),
        (listed("x"), {"Content_Length": "11", "ETag": '"x"'}, ShortRead),
    ],
)
async def test_what_is_another(item: Item, headers: dict[str, str], kind: type[HaulageError]) -> None:
    """Never read as if it were the one that was listed."""
    with pytest.raises(kind):
        await read(item, **headers)


async def test_ranges() -> None:
    """A server that does not know them sends the whole; one that answers another is not believed."""
    item = listed("x")
    assert await read(item, 206, 4, Content_Range="bytes 4-9/10", ETag='"x"') is not None
    assert await read(item, 206, 4, Content_Range="bytes 3-9/10", ETag='"x"') is None
    assert await read(item, 206, 4, Content_Range="bytes 4-8/10", ETag='"x"') is None
    assert await read(item, 200, 4, Content_Length="10", ETag='"x"') is not None
    assert item.kind == Kind.FILE
