"""Reading a document of Google's own: it is made a file in another form while it is read (Q17)."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import msgspec

from haulage.model.errors import Blocked, Denied, Gone, HaulageError, ShortRead, Transient
from haulage.model.item import Carried, Item
from haulage.services.google.account import DRIVE
from haulage.services.google.calls import EDITORS, Calls, address
from haulage.services.google.exports import APPS, FORMS, MIME, PDF, TAIL_BYTES, title, whole
from haulage.services.google.files import File
from haulage.services.google.refusals import EXPORT, LINK, TooLargeToExport
from haulage.services.transport import Request, Streamed

IDENTITY = {"Accept-Encoding": "identity"}
_Way = Callable[[Calls, str, str], AbstractAsyncContextManager[Streamed]]
_CONTENT = re.compile(r"https://[\w.-]+\.googleusercontent\.com/")
_REFUSED = (TooLargeToExport, Denied, Gone)
LARGE = "Open it in Google's editor and download it there, or split it; then copy the file by hand."


class _Links(msgspec.Struct):
    """files.get?fields=exportLinks"""

    links: Mapping[str, str] = msgspec.field(name="exportLinks", default={})


class Exported:
    """A document being read as a file. Its end is looked at, since nobody tells how long it is."""

    def __init__(self, streamed: Streamed, item: Item, ending: str) -> None:
        self.item = item
        self.carried = Carried(item.modified_us, item.created_us, MIME[ending])
        self._streamed, self._ending = streamed, ending

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """See the contract."""
        tail, count = b"", 0
        async for chunk in self._streamed.chunks():
            count += len(chunk)
            tail = (tail + chunk)[-TAIL_BYTES:]
            yield chunk
        if not whole(self._ending, tail, count):
            raise ShortRead(f"{self.item.path}: the export ended after {count} bytes, before its end")


@asynccontextmanager
async def exported(calls: Calls, found: File, item: Item) -> AsyncIterator[Exported]:
    """The document in the form that its path says, else as PDF; up to 10 MB in one way, above that in another.

    Raises Blocked where it can be had in none of these. A passing trouble never leads to another form.
    """
    wanted = item.path.rpartition(".")[2].lower()
    ways: list[tuple[str, _Way, tuple[type[HaulageError], ...]]] = [
        (wanted, _at_once, (TooLargeToExport,)),
        (wanted, _by_link, _REFUSED),
    ]
    if wanted != PDF and PDF in FORMS[found.mime_type.removeprefix(APPS)]:
        ways += [(PDF, _at_once_or_not, (*_REFUSED, Transient)), (PDF, _by_link, _REFUSED)]
    told = ""
    for ending, way, goes_on in ways:
        opened = AsyncExitStack()
        async with opened:
            try:
                streamed = await opened.enter_async_context(way(calls, found.id, ending))
            except goes_on as error:
                told = error.message
                continue
            yield Exported(streamed, _told(item, found, wanted, ending), ending)
            return
    forms = " nor as ".join(dict.fromkeys(ending for ending, _, _ in ways))
    raise Blocked(f"{title(found.mime_type)} that Google exports neither as {forms} ({told})", LARGE)


def _told(item: Item, found: File, wanted: str, ending: str) -> Item:
    path = item.path if ending == wanted else f"{item.path.rpartition('.')[0]}.{ending}"
    instead = "" if ending == wanted else f", since it is too large to be had as {wanted}"
    return msgspec.structs.replace(item, path=path, note=f"{title(found.mime_type)}, exported as {ending}{instead}")


@asynccontextmanager
async def _at_once(calls: Calls, file_id: str, ending: str, attempts: int | None = None) -> AsyncIterator[Streamed]:
    url = address(f"{DRIVE}/files/{quote(file_id, safe='')}/export", {"mimeType": MIME[ending]})
    async with calls.transport.stream(Request(EXPORT, "GET", url, IDENTITY, attempts=attempts)) as streamed:
        yield streamed


def _at_once_or_not(calls: Calls, file_id: str, ending: str) -> AbstractAsyncContextManager[Streamed]:
    """The same of what was too large in another form: a bare 500 says that it is so in this one too."""
    return _at_once(calls, file_id, ending, 2)


@asynccontextmanager
async def _by_link(calls: Calls, file_id: str, ending: str) -> AsyncIterator[Streamed]:
    """An address of Google's editors. It may lead on to one that is its own permission, and gets no token."""
    told = await calls.get("GetFile", f"files/{quote(file_id, safe='')}", {"fields": "exportLinks"}, _Links)
    if not (url := told.links.get(MIME[ending], "")).startswith(f"{EDITORS}/"):
        raise TooLargeToExport("Google: there is no address to export it from")
    bare = False
    for _ in range(3):
        async with calls.transport.stream(Request(LINK, "GET", url, IDENTITY, bare=bare)) as streamed:
            if streamed.answer.status == 200:
                yield streamed
                return
            url, bare = streamed.answer.headers.get("Location", ""), True
        if not _CONTENT.match(url):  # a page to sign in at, mostly
            break
    raise Denied("Google: the address to export from leads elsewhere")
