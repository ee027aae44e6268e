"""A tree on a WebDAV server as a drive: wire to model and back, nothing else."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec

from haulage.model.errors import (
    Changed,
    Denied,
    Gone,
    HaulageError,
    OutcomeUnknown,
    QuotaFull,
    Refused,
    RootGone,
    Transient,
)
from haulage.model.item import Carried, Item, Kind, Page
from haulage.services.contract import Pacer
from haulage.services.leftovers import Leftovers
from haulage.services.reading import StreamedContent
from haulage.services.spelling import OTHER_CASE, OTHER_FORM, SPELT, observed
from haulage.services.transport import Request
from haulage.services.webdav.chunks import Chunks
from haulage.services.webdav.connection import Connection
from haulage.services.webdav.folders import Folders
from haulage.services.webdav.heads import Heads
from haulage.services.webdav.judge import TRY_MOVE, Exists, IsFolder, NoParent, NoWebDav
from haulage.services.webdav.place import OURS
from haulage.services.webdav.reading import content_of, item_of
from haulage.services.webdav.streams import Stream, Streams
from haulage.services.webdav.traits import FLAVOURS
from haulage.services.webdav.wire import Entry

UNMOVABLE = {
    "s;p?l#i": ";?#",
    "b\\s": "\\",
    "t\tt": "\t\n\r",
    "c\x01\x7f": "".join(map(chr, (*range(1, 32), 127))),
}
"""Names that are tried, and what must not be in any where one is lost or refused: by servers that decode a Destination
before they take the address apart, take a backslash for a slash, or no control characters (Q18)."""
CHECK_ATTEMPTS = 3  # a person waits for the answer


class _Drive:
    """What every flavour shares; see `contract.Drive`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._folders = Folders(connection)
        self._heads = Heads(connection)
        self._leftovers = Leftovers()
        self._streams: dict[str, Stream] = {}
        self.identity = connection.place.identity
        self.calls: Mapping[str, int] = connection.transport.trace.calls
        self.traits = FLAVOURS[connection.place.flavour]

    # --- what is there

    async def check(self, *, write: bool, create: bool) -> None:
        """See `Drive.check`. To write, a folder of our own is made for a moment: it tells which names are one (Q10)."""
        place = self._connection.place
        try:
            there = await self._connection.look(place.root, folder=True, attempts=CHECK_ATTEMPTS)
        except NoWebDav as error:
            raise Refused(error.message, error.fix) from error
        if there is None and create and place.root != place.base:
            await self._make_root()
        elif there is None:
            raise RootGone(f"there is no folder {place.root or '/'!r} at {place.where}")
        elif not there.folder:
            raise RootGone(f"{place.root!r} at {place.where} is a file, not a folder")
        if write:
            await self._probe()

    async def _make_root(self) -> None:
        place = self._connection.place
        parts = place.root.removeprefix(place.base).strip("/").split("/")
        for count in range(1, len(parts) + 1):
            try:
                await self._connection.make(f"{place.base}/{'/'.join(parts[:count])}")
            except Exists:
                continue
            except NoParent as error:
                raise RootGone(f"there is no folder {place.base or '/'!r} at {place.where}") from error

    async def _probe(self) -> None:
        """Find out whether two names that differ in case, or in Unicode's form, are one here; and what a MOVE takes."""
        place = self._connection.place
        folder = place.path_of(self._leftovers.name("probe"))
        try:
            await self._connection.make(folder)
        except Denied as error:
            told = f"{place.where} does not let this user write below {place.root or '/'!r} ({error.message})"
            raise Denied(told, "Grant the user the right to write there, or choose another folder.") from error
        try:
            await self._connection.make(f"{folder}/{SPELT}")
            await self._try_to_move(folder)
            await asyncio.gather(*(self._try_name(folder, number, name) for number, name in enumerate(UNMOVABLE)))
            names = {entry.path.rpartition("/")[2] for entry in await self._connection.listing(folder)}
            form = await self._connection.look(f"{folder}/{OTHER_FORM}", folder=True) is not None
            case = await self._connection.look(f"{folder}/{OTHER_CASE}", folder=True) is not None
        finally:
            with suppress(HaulageError):
                await asyncio.shield(asyncio.ensure_future(self._connection.remove(folder, folder=True)))
        rules = observed(self.traits.names, names, other_form=form, other_case=case)
        lost = "".join(characters for name, characters in UNMOVABLE.items() if name not in names)
        rules = msgspec.structs.replace(rules, forbidden=rules.forbidden + lost)
        self.traits = msgspec.structs.replace(self.traits, names=rules)

    async def _put_tried(self, whole: str) -> None:
        url = self._connection.place.url(whole)
        await self._connection.call(Request("Put", "PUT", url, {"Content-Type": "application/octet-stream"}, b"x"))

    async def _try_name(self, folder: str, number: int, name: str) -> None:
        """Refused, or taken for another name: the listing tells."""
        with suppress(HaulageError):
            await self._put_tried(f"{folder}/{number}")
            await self._connection.move(f"{folder}/{number}", f"{folder}/{name}", {"Overwrite": "F"})

    async def _try_to_move(self, folder: str) -> None:
        """No file appears but by a MOVE. Raises Refused where the server does none, before anything is sent for it."""
        await self._put_tried(f"{folder}/tried")
        try:
            await self._connection.move(f"{folder}/tried", f"{folder}/moved", {"Overwrite": "F"}, TRY_MOVE)
        except (Transient, OutcomeUnknown):
            return  # trouble says nothing of what it can do
        except HaulageError as error:
            if not error.item_only and not isinstance(error, Refused):
                raise
            raise Refused(
                f"{self._connection.place.where} gives no file another name, without which half a file could be seen: "
                f"{error.message}",
                "Have the server's operator allow MOVE there.",
            ) from error

    async def page(self, folder: str, cursor: str | None) -> Page:
        """See `Drive.page`. The protocol has no pages: it is the whole folder."""
        whole = self._connection.place.path_of(folder)
        try:
            entries = await self._connection.listing(whole)
        except Gone as error:
            if not folder:
                raise RootGone(f"there is no folder {whole or '/'!r} at {self._connection.place.where}") from error
            raise
        page = await asyncio.to_thread(_page_of, entries, whole, folder, self._leftovers)
        if folder:
            self._folders.note(folder)
        for item in page.items:
            if item.kind == Kind.FOLDER:
                self._folders.note(item.path)
        return page

    async def item(self, path: str) -> Item | None:
        """See `Drive.item`."""
        try:
            found = await self._connection.look(self._connection.place.path_of(path))
        except (IsFolder, NoParent):
            return None
        return item_of(path, found) if found is not None and not found.folder else None

    # --- reading

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[StreamedContent]:
        """See `Drive.open`. Conditions are heeded by few servers, so the answer's own ETag is compared."""
        if start and start == item.size:
            now = await self._unchanged(item)
            yield StreamedContent(now, Carried(modified_us=now.modified_us), None, 0, 0)
            return
        whole = self._connection.place.path_of(item.path)
        for first in (start, 0):
            headers = {"Range": f"bytes={first}-"} if first else {}
            request = Request("Get", "GET", self._connection.place.url(whole), headers)
            async with self._connection.reads, self._connection.transport.stream(request) as streamed:
                if (content := content_of(item, streamed, start, partial(self._unchanged, item))) is not None:
                    yield content
                    return
        raise Transient("Get: the server answers a range that was not asked for")

    async def _unchanged(self, item: Item) -> Item:
        """The file as it is now. Raises Gone, and Changed where it is another revision than this one."""
        now = await self.item(item.path)
        if now is None:
            raise Gone("it is not there any more")
        if now.revision != item.revision:
            raise Changed("the file is another revision than the one that was listed")
        return now

    # --- writing

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """See `Drive.create_folder`. A folder's time is the server's own."""
        await self._folders.need(path)

    async def _room_for(self, size: int) -> None:
        """Raises QuotaFull where the server says that there is less room than that."""
        available = await self._connection.available_bytes(self._connection.place.root)
        if available is not None and available < size:
            raise QuotaFull(f"{self._connection.place.where} has room for {available} bytes, the file has {size}")

    def belongs_to(self, owner: str) -> None:
        """See `FindsLeftovers`."""
        self._leftovers.belong_to(owner)

    async def remove_leftovers(self) -> None:
        """See `FindsLeftovers`."""

        async def remove(path: str) -> None:
            whole = f"{self._connection.place.root}/{path}"
            await self._connection.remove(whole, folder=path.endswith(".probe"))

        await self._leftovers.removed_by(remove)

    async def close(self) -> None:
        """See `Drive.close`."""
        for stream in list(self._streams.values()):
            await stream.cancel()
        self._streams.clear()
        await self._connection.transport.close()


class PlainDrive(_Drive, Streams):
    """A tree on a server of which nothing else is known."""


class CloudDrive(_Drive, Chunks):
    """The files of a user of Nextcloud or ownCloud."""


def _page_of(entries: list[Entry], whole: str, folder: str, leftovers: Leftovers) -> Page:
    """The children as items. Deeper ones, of servers that take Depth 1 for more, are left out (Q3).

    The folder itself is among them, mostly; behind a proxy its address may be another than the one that was asked for:
    then the shortest is taken for it, if all others begin with it.
    """
    own = whole
    if entries and not any(entry.path == whole for entry in entries):
        shortest = min((entry.path for entry in entries), key=len)
        below = sum(entry.path.startswith(shortest + "/") for entry in entries)
        foreign = not any(entry.path.startswith(whole + "/") for entry in entries)
        own = shortest if foreign and below == len(entries) - 1 else whole
    items: list[Item] = []
    trouble: list[str] = []
    seen: set[str] = set()
    for entry in entries:
        if entry.path == own or entry.status == 404:
            continue
        name = entry.path.removeprefix(own + "/")
        if name == entry.path:
            trouble.append("it holds a name from elsewhere")
        elif entry.slash:
            trouble.append("it holds a name with a slash in it, which cannot be asked for")
        elif "/" not in name and name in seen:
            trouble.append("it holds a name twice")
        elif OURS.fullmatch(name):
            leftovers.saw(folder, name)
        elif "/" not in name:
            seen.add(name)
            items.append(item_of(f"{folder}/{name}" if folder else name, entry))
            if entry.status is not None and entry.status >= 300:
                trouble.append(f"it says {entry.status} for one of its entries")
    if not entries:
        raise Transient("the listing does not hold the folder itself")
    if len(entries) == 1 and entries[0].path == own and not entries[0].folder:
        raise Gone("it is a file, and not a folder")
    why = f"the listing cannot be right: {trouble[0]}" if trouble else None
    return Page(items, None, not trouble, why)


def open_drive(settings: Mapping[str, str], root: str, pacer: Pacer) -> PlainDrive | CloudDrive:
    """The drive at a path below the address; makes no call. Raises Refused."""
    connection = Connection(settings, root, pacer)
    return PlainDrive(connection) if connection.place.flavour == "plain" else CloudDrive(connection)


async def folders_at_the_top(settings: Mapping[str, str], pacer: Pacer) -> list[str]:
    """The folders at the address, by name. Raises AuthLost, Denied, Unreachable, Refused."""
    drive = open_drive(settings, "", pacer)
    try:
        await drive.check(write=False, create=False)
        page = await drive.page("", None)
    finally:
        await drive.close()
    return sorted(item.path for item in page.items if item.kind == Kind.FOLDER)
