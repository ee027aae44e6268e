"""Which way a WebDAV drive looks at a new file, against a server that says just what a case needs."""

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from haulage.model.errors import OutcomeUnknown
from haulage.model.item import Carried, Written
from haulage.services.contract import ABSENT, Precondition
from haulage.services.webdav.drive import CloudDrive, PlainDrive
from haulage.services.webdav.heads import FIRST_BY_PROPFIND, SAMPLES
from tests.unit.services.conftest import Scripted, Step
from tests.unit.services.test_webdav_drive import drive_on, listed

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
TIME_US = 1_700_000_000_000_000
LEARNT = FIRST_BY_PROPFIND + SAMPLES


@pytest.fixture
async def server(scripted: Callable[[], Awaitable[Scripted]]) -> Scripted:
    """One that says what it is told to."""
    return await scripted()


def told(server: Scripted, size: int = 1, etag: str = "e", date: str = DATE) -> list[Step]:
    """By PROPFIND."""
    inside = f'<d:getcontentlength>{size}</d:getcontentlength><d:getetag>"{etag}"</d:getetag>'
    return listed(server, ("/base/a", f"{inside}<d:getlastmodified>{date}</d:getlastmodified>"))


def head(server: Scripted, size: int = 1, etag: str | None = '"e"', date: str | None = DATE) -> list[Step]:
    """By HEAD: the length without a body."""
    fields = {"ETag": etag, "Last-Modified": date}
    return server.answer(200, Content_Length=str(size), **{name: value for name, value in fields.items() if value})


async def put(
    server: Scripted,
    drive: PlainDrive | CloudDrive,
    *looks: list[Step],
    size: int = 1,
    condition: Precondition = ABSENT,
) -> Written:
    """Write a file; after PUT and MOVE the server says `looks`."""
    done, before = server.answer(201), [] if condition.absent else [told(server, size)]
    server.say(done, *before, done, *looks)
    server.heard.clear()
    return await drive.put("a", bytes(size), Carried(), {}, condition)


def looked(server: Scripted) -> list[str]:
    return [heard.method for heard in server.heard if heard.method in ("PROPFIND", "HEAD")]


async def learnt(server: Scripted) -> PlainDrive | CloudDrive:
    """A drive on a server whose HEAD was found to be as good."""
    drive = drive_on(server)
    ways: Counter[str] = Counter()
    for _ in range(LEARNT):
        await put(server, drive, told(server), head(server))
        ways.update(looked(server))
    assert ways == {"PROPFIND": LEARNT, "HEAD": SAMPLES}
    return drive


async def test_a_head_that_is_as_good(server: Scripted) -> None:
    """Q21: after some files that were looked at both ways, HEAD alone tells of the next."""
    drive = await learnt(server)
    written = await put(server, drive, head(server, 5, 'W/"f"'), size=5)
    assert looked(server) == ["HEAD"]
    assert (written.size, written.revision, written.modified_us) == (5, "f", TIME_US)
    await drive.close()


@pytest.mark.parametrize(
    "fields",
    [{"size": 2}, {"etag": '"other"'}, {"etag": None}, {"date": None}, {"date": "Tue, 14 Nov 2023 22:13:21 GMT"}],
)
async def test_a_head_that_says_something_else(server: Scripted, fields: dict[str, str]) -> None:
    """Q21: it is not asked again."""
    drive = drive_on(server)
    for _ in range(FIRST_BY_PROPFIND):
        await put(server, drive, told(server))
    await put(server, drive, told(server), head(server, **fields))  # type: ignore[arg-type]
    assert looked(server) == ["PROPFIND", "HEAD"]
    for _ in range(2 * LEARNT):
        await put(server, drive, told(server))
        assert looked(server) == ["PROPFIND"]
    await drive.close()


async def test_a_head_that_is_refused(server: Scripted) -> None:
    """A server that knows no HEAD is none that cannot be written to."""
    drive = drive_on(server)
    for _ in range(FIRST_BY_PROPFIND):
        await put(server, drive, told(server))
    for status in (405, 401):
        assert (await put(server, drive, told(server), server.answer(status))).size == 1
    assert looked(server) == ["PROPFIND"]
    await drive.close()


async def test_what_head_does_not_confirm(server: Scripted) -> None:
    """Q21: PROPFIND decides of a file that is not as it was sent; a HEAD that was wrong is not asked again."""
    drive = await learnt(server)
    assert (await put(server, drive, head(server, 2), told(server, 2), size=3)).size == 2
    assert looked(server) == ["HEAD", "PROPFIND"]
    with pytest.raises(OutcomeUnknown):
        await put(server, drive, server.answer(404), server.answer(404), size=3)
    assert (await put(server, drive, head(server, 2), told(server, 3), size=3)).size == 3
    await put(server, drive, told(server))
    assert looked(server) == ["PROPFIND"]
    await drive.close()


async def test_what_head_is_never_asked(server: Scripted) -> None:
    """Nothing is learnt from an empty file; one that takes another's place is looked at as ever."""
    drive = drive_on(server)
    for _ in range(2 * LEARNT):
        await put(server, drive, told(server, 0), size=0)
        assert looked(server) == ["PROPFIND"]
    drive = await learnt(server)
    await put(server, drive, told(server), condition=Precondition(revision="e"))
    assert looked(server) == ["PROPFIND", "PROPFIND"]
    await drive.close()
