"""What HEAD tells of a file that was just written: less work for both sides than PROPFIND, where it says the same."""

from haulage.model.errors import HaulageError
from haulage.services.transport import Request
from haulage.services.webdav.connection import Connection
from haulage.services.webdav.wire import Entry, bare, date_us

FIRST_BY_PROPFIND = 8
SAMPLES = 3


class Heads:
    """Finds out whether a server's HEAD is as good as its PROPFIND, and asks the one that costs less (Q21).

    It only ever confirms: what it does not say in full, or says otherwise than expected, PROPFIND decides.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._looked = 0
        self._agreed = 0
        self._refuted = False

    async def look(self, whole: str, size: int) -> Entry | None:
        """What is there of a new file of that size; None where nothing is."""
        trusted = self._agreed >= SAMPLES and not self._refuted
        head = await self._head(whole) if trusted else None
        if head is not None and head.size == size:
            return head
        there = await self._connection.look(whole)
        if there is None or there.folder or there.size != size:
            return there
        self._looked += 1
        if trusted:
            self._refuted = True
        elif size and self._looked > FIRST_BY_PROPFIND and not self._refuted:
            self._sample(there, await self._head(whole))
        return there

    def _sample(self, there: Entry, head: Entry | None) -> None:
        if head is None or (head.size, head.modified_us, head.etag) != (there.size, there.modified_us, there.etag):
            self._refuted = True
        else:
            self._agreed += 1

    async def _head(self, whole: str) -> Entry | None:
        """None where it does not tell size, date and ETag, whatever the reason: then PROPFIND is asked."""
        request = Request("Head", "HEAD", self._connection.place.url(whole), {"Cache-Control": "no-cache"})
        request.attempts = 2  # the first may be the one that the server asks a password of
        try:
            headers = (await self._connection.call(request)).headers
        except HaulageError:
            return None
        length, etag = headers.get("Content-Length", ""), bare(headers.get("ETag", ""))
        modified_us = date_us(headers.get("Last-Modified", ""))
        if not length.isdecimal() or not etag or modified_us is None:
            return None
        return Entry(whole, size=int(length), modified_us=modified_us, etag=etag)
