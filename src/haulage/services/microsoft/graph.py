"""Calls to Graph about one drive: addresses of items by path and id, and bodies decoded."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

import msgspec

from haulage import __version__
from haulage.model.errors import Gone, NameRefused, RootGone
from haulage.services.authorisation import Access
from haulage.services.bearer import Judge, decoded
from haulage.services.microsoft.places import EXAMPLES, Place, site_paths
from haulage.services.microsoft.refusals import reads
from haulage.services.transport import Answer, Request, Transport

GRAPH = "https://graph.microsoft.com/v1.0"
CONTENT_ORIGINS = (  # Q5: addresses that are their own permission, for bytes in both directions
    "https://*.sharepoint.com/",
    "https://*.1drv.com/",
    "https://api.onedrive.com/",
    "https://*.microsoftpersonalcontent.com/",
)
JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
AGENT = f"NONISV|Haulage|Haulage/{__version__}"  # Q18; an organisation's own registration is no vendor's
FEW = 4  # attempts of the first call: a person waits for it, and is told soon what cannot be reached
PAGE_BYTES = 64 * 1024 * 1024
UNITS_OF_A_WRITE = 2  # Q18
T = TypeVar("T")


class Quota(msgspec.Struct):
    """Room in a drive, in bytes; absent where the service does not say."""

    remaining: int | None = None
    total: int | None = None
    state: str | None = None

    @property
    def free(self) -> int | None:
        """Bytes that go in; None where that is not told. Libraries may tell zeros for all there is to tell (Q21)."""
        if self.state == "exceeded":
            return 0
        return max(0, self.remaining) if self.total and self.remaining is not None else None


class DriveFacts(msgspec.Struct):
    """A drive."""

    id: str
    kind: str = msgspec.field(name="driveType", default="")
    web_url: str | None = msgspec.field(name="webUrl", default=None)
    quota: Quota | None = None


class _Drives(msgspec.Struct):
    value: list[DriveFacts]


class _Site(msgspec.Struct):
    id: str


class Graph:
    """One drive as Graph addresses it. `locate` finds it; before that nothing else may be asked."""

    def __init__(self, access: Access, place: Place) -> None:
        self.transport = Transport(
            origins=(f"{GRAPH}/",),
            judge=Judge("Microsoft", reads),
            pacer=access.pacer,
            credentials=access.credentials,
            bare_origins=CONTENT_ORIGINS,
            route=access.route,
            spare=spare,
            agent=AGENT,
        )
        self._place = place
        self._drive = self.drive_id = ""
        self.personal = False
        self._folder = place.folder

    async def locate(self) -> DriveFacts:
        """The drive behind the location. Raises RootGone, NoLicence, Denied."""
        try:
            facts = await (self._library() if self._place.host else self._at(f"{GRAPH}{self._place.drive}"))
        except Gone as error:
            raise RootGone(f"there is no such drive or site ({error.message})", EXAMPLES) from None
        self._drive, self.drive_id = f"{GRAPH}/drives/{quote(facts.id, safe='')}", facts.id
        self.personal = facts.kind == "personal"
        return facts

    async def facts(self) -> DriveFacts:
        """The drive as it is now, once it is found."""
        return await self._at(self._drive)

    async def _at(self, url: str) -> DriveFacts:
        return await self.get("GetDrive", f"{url}?$select=id,driveType,webUrl,quota", DriveFacts, attempts=FEW)

    async def _library(self) -> DriveFacts:
        """The library of a site that the address leads to; what is left of the address is the folder."""
        host, parts = self._place.host, self._place.parts
        for path in site_paths(parts):
            try:
                address = f"{host}:/{quote(path)}" if path else host
                site = await self.get("GetSite", f"{GRAPH}/sites/{address}?$select=id", _Site, attempts=FEW)
            except Gone:
                continue
            if not parts or len(parts) == path.count("/") + bool(path):
                return await self._at(f"{GRAPH}/sites/{site.id}/drive")
            found = await self.get(
                "ListDrives", f"{GRAPH}/sites/{site.id}/drives?$select=id,driveType,webUrl,quota", _Drives
            )
            for facts in sorted(found.value, key=lambda one: -len(one.web_url or "")):
                folder = _below(facts.web_url or "", host, parts)
                if folder is not None:
                    self._folder = folder
                    return facts
        raise RootGone(f"no document library lies at https://{host}/{'/'.join(parts)}", EXAMPLES)

    def root(self) -> str:
        """The path in the drive at which the location begins."""
        return self._folder

    def path(self, path: str) -> str:
        """The path in the drive of a path in the location. Raises NameRefused for one that would lead elsewhere."""
        if path and not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise NameRefused(f"{path!r} would become another name at the service")
        return "/".join(part for part in (self._folder, path) if part)

    def url(self, path: str, action: str = "") -> str:
        """The address of what stands at a path of the location, and of something about it ("children")."""
        return self.whole_url(self.path(path), action)

    def whole_url(self, whole: str, action: str = "") -> str:
        """The same for a path in the drive."""
        behind = f"/{action}" if action else ""
        return f"{self._drive}/root:/{quote(whole)}:{behind}" if whole else f"{self._drive}/root{behind}"

    def by_id(self, item_id: str) -> str:
        """The address of an item by its id."""
        return f"{self._drive}/items/{quote(item_id, safe='')}"

    async def get(
        self,
        operation: str,
        url: str,
        kind: type[T],
        *,
        bare: bool = False,
        attempts: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """GET, decoded."""
        request = Request(
            operation,
            "GET",
            url,
            {"Accept": "application/json", **(headers or {})},
            largest_answer=PAGE_BYTES,
            attempts=attempts,
            bare=bare,
        )
        return self.decoded(await self.transport.call(request), operation, kind)

    async def send(
        self,
        operation: str,
        method: str,
        url: str,
        body: Any,
        headers: dict[str, str] | None = None,
        *,
        repeatable: bool = False,
    ) -> Answer:
        """Send JSON with credentials."""
        sent = msgspec.json.encode(body)
        return await self.transport.call(
            Request(operation, method, url, {**JSON_HEADERS, **(headers or {})}, sent, repeatable)
        )

    def decoded(self, answer: Answer, operation: str, kind: type[T]) -> T:
        """The answer's body. Raises Mismatch for another shape."""
        return decoded("Microsoft", answer.body, operation, kind)


def spare(answer: Answer) -> tuple[float, float] | None:
    """What is left of the application's minute, as calls that write, where Graph tells it (Q18)."""
    left, seconds = answer.headers.get("RateLimit-Remaining"), answer.headers.get("RateLimit-Reset")
    if left is None or seconds is None or not (left.isdecimal() and seconds.isdecimal()):
        return None
    return int(left) / UNITS_OF_A_WRITE, float(seconds)


def _below(web_url: str, host: str, parts: tuple[str, ...]) -> str | None:
    """What of the address lies below a library's own; None if it is another library's."""
    there = urlsplit(web_url)
    names = tuple(unquote(name) for name in there.path.split("/") if name)
    if (there.hostname or "").lower() != host.lower() or len(names) > len(parts):
        return None
    if [name.lower() for name in names] != [part.lower() for part in parts[: len(names)]]:
        return None
    return "/".join(parts[len(names) :])
