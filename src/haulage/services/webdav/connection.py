"""The verbs of WebDAV at one place, over the shared transport."""

import asyncio
from collections.abc import Mapping

from haulage.model.errors import Gone, HaulageError, Transient
from haulage.services.authorisation import Route
from haulage.services.contract import Pacer
from haulage.services.transport import Answer, Request, Transport
from haulage.services.webdav.auth import Login
from haulage.services.webdav.judge import DestinationRefused, IsFolder, Judge
from haulage.services.webdav.place import Place, encoded
from haulage.services.webdav.wire import PROPERTIES, PROPERTIES_AND_CHECKSUMS, QUOTA, Entry, multistatus

LARGEST_LISTING_BYTES = 256 * 1024 * 1024
CALLS_AT_ONCE = 16
"""Small servers leave what is more without an answer, and are no quicker for it (Q20)."""


class Connection:
    """Makes no call yet. Paths are whole paths on the server, decoded. Raises Refused."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer) -> None:
        self.place = Place(settings, root)
        username, password = settings.get("username") or "", settings.get("password") or ""
        encrypted = self.place.origin.startswith("https")
        login = Login(username, password, settings.get("auth") or "auto", encrypted=encrypted)
        self.transport = Transport(
            origins=(self.place.origin + "/",),
            sign=login.sign,
            judge=Judge(self.place, login),
            pacer=pacer,
            ca_file=settings.get("ca_file") or None,
            route=Route(ca_pem=settings.get("ca_certificate") or None),
        )
        self._before = ""
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self.reads = asyncio.Semaphore(CALLS_AT_ONCE)
        """Of their own: a read may have to wait for a write here, and no write ever waits for a read."""
        self._asks = PROPERTIES_AND_CHECKSUMS if self.place.flavour == "owncloud" else PROPERTIES

    async def call(self, request: Request) -> Answer:
        """Send it when it is its turn. A piped body waits for none: its pieces may be held up by others that do."""
        if request.piped is not None:
            return await self.transport.call(request)
        async with self._turns:
            return await self.transport.call(request)

    async def look(self, whole: str, *, folder: bool = False, attempts: int | None = None) -> Entry | None:
        """What is there now; None where there is nothing."""
        try:
            found = await self._propfind(whole, "0", self._asks, folder, attempts)
        except IsFolder:
            return Entry(whole, folder=True)  # told by sending on to the same address with a slash (Apache)
        except Gone:
            return None
        if not found or found[0].status == 404:
            return None
        return found[0]

    async def listing(self, whole: str) -> list[Entry]:
        """The folder itself and what is in it. Raises Gone."""
        return await self._propfind(whole, "1", self._asks, True, None)

    async def available_bytes(self, whole: str) -> int | None:
        """How much room there is; None where the server does not say. Negative values are its ways to say so."""
        try:
            found = await self._propfind(whole, "0", QUOTA, True, None)
        except HaulageError as error:
            if not error.item_only or isinstance(error, Transient):
                raise
            return None
        text = found[0].available if found else ""
        return int(text) if text.isdecimal() else None

    async def _propfind(self, whole: str, depth: str, body: bytes, folder: bool, attempts: int | None) -> list[Entry]:
        headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}
        request = Request("Propfind", "PROPFIND", self.place.url(whole, folder=folder), headers, body)
        request.largest_answer, request.attempts = LARGEST_LISTING_BYTES, attempts
        return multistatus((await self.call(request)).body)

    async def make(self, whole: str, headers: Mapping[str, str] | None = None) -> None:
        """Make one folder. Raises Exists, NoParent, Denied."""
        await self.call(Request("Mkcol", "MKCOL", self.place.url(whole, folder=True), dict(headers or {})))

    async def remove(self, whole: str, *, folder: bool = False) -> bool:
        """Remove what is ours; it being gone already is fine. Returns whether it was there."""
        try:
            await self.call(Request("Delete", "DELETE", self.place.url(whole, folder=folder), {}))
        except Gone:
            return False
        return True

    async def move(self, whole: str, to: str, headers: Mapping[str, str], operation: str = "Move") -> Answer:
        """Give a file its name. Raises Conflict, OutcomeUnknown, DestinationRefused.

        The destination is a path: a server behind a proxy does not know by which name it is called. Some take nothing
        but a whole address (Apache), and behind a proxy that ends TLS one of http: what works is remembered (Q22).
        """
        origin, refused = self.place.origin, []
        for before in dict.fromkeys((self._before, "", origin, origin.replace("https:", "http:", 1))):
            along = {"Destination": before + encoded(to), **headers}
            try:
                answer = await self.call(Request(operation, "MOVE", self.place.url(whole), along, repeatable=False))
            except DestinationRefused as error:
                refused.append(error)
                continue
            self._before = before
            return answer
        raise refused[0]
