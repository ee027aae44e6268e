"""Delta: everything that is in a drive, and from then on what changed.

Source: the Graph page driveitem-delta; onedrive-api-docs issues for what it does not say.
A token is either a place in the enumeration (a slot, and the log's length when it began) or a place in the log.
"""

from bisect import bisect_left
from datetime import datetime

from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import addresses, errors
from haulage.sandbox.microsoft.files.desk import Desk, decoded
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.items import SHARED, Drive, Item
from haulage.sandbox.microsoft.files.paging import option, packed, selected, top, unpacked
from haulage.sandbox.microsoft.files.reading import Reading, damage
from haulage.sandbox.microsoft.files.routes import ITEM, READ, route
from haulage.sandbox.microsoft.files.showing import GRAPH, Document, Setting

LATEST = "latest"
APPLY = "resyncChangesApplyDifferences"
UPLOAD = "resyncChangesUploadDifferences"
RESYNC = "Resync required. Replace any local items with the server's version (including deletes) if you're sure."


class Place:
    """Where an enumeration or a run of changes goes on. slot: None in a run of changes."""

    __slots__ = ("seen", "slot")

    def __init__(self, slot: int | None, seen: int) -> None:
        self.slot = slot
        self.seen = seen

    def token(self, drive: Drive) -> str:
        """For a link."""
        return packed("D", drive.id[-8:], "" if self.slot is None else self.slot, self.seen)


class Delta:
    """Answers with changes. paths: parentReference tells paths too.

    The documentation says that it does not; rclone's tests show that it does at times. The default is as documented.
    """

    def __init__(self, desk: Desk, reading: Reading) -> None:
        self._desk = desk
        self._reading = reading
        self.paths = False

    def routes(self) -> list[Route]:
        """The one endpoint."""
        made = route("GET", f"{ITEM}/delta", "driveitem-delta", self._desk.handler(self.delta), READ, 1)
        made.details["units_without_token"] = 2
        return [made]

    async def delta(self, call: Call) -> Answer:
        """A page of an enumeration, or of changes since a token."""
        drive, folder = self._desk.find(call)
        if folder.parent and not drive.kind.folder_delta:
            raise Wrong(501, "notSupported", "view.delta can only be called on the root.")
        token = decoded(addresses.argument(call.path)) or option(call, "token")
        if token == LATEST:
            return self._answer(call, drive, [], Place(None, len(drive.log)), last=True)
        place = self._place(call, drive, token)
        if call.fault("cursor_loop") is not None:
            return self._answer(call, drive, [], place, last=False)
        if call.fault("page_empty") is not None:
            return self._answer(call, drive, [], place, last=False)
        documents, after, last = await self._page(call, drive, folder, place)
        if call.fault("page_missing") is not None and not last:
            _, after, last = await self._page(call, drive, folder, after)
        if call.fault("page_twice") is not None:
            after, last = place, False
        return self._answer(call, drive, documents, after, last=last)

    async def _page(self, call: Call, drive: Drive, folder: Item, place: Place) -> tuple[list[Document], Place, bool]:
        count = top(call)
        if place.slot is not None:
            items = [one for one in drive.slots[place.slot : place.slot + count] if one is not None]
            last = place.slot + count >= len(drive.slots)
            after = Place(None if last else place.slot + count, place.seen)
            shared: set[str] = set()
        else:
            names = drive.log[place.seen : place.seen + count]
            shared = {one.partition(" ")[0] for one in names if one.endswith(SHARED)}
            items = self._changed(call, drive, names)
            last = place.seen + count >= len(drive.log)
            after = Place(None, min(place.seen + count, len(drive.log)))
        if folder.parent:
            items = [one for one in items if one is folder or folder in drive.above_known(one)]
        return await self._documents(call, drive, items, shared), after, last

    def _changed(self, call: Call, drive: Drive, names: list[str]) -> list[Item]:
        """The items that changed, each once, and the folders above them; parents first."""
        lone = "deltaExcludeParent" in call.headers.get("Prefer", "")
        found = {drive.root.id: drive.root} if names else {}
        for name in dict.fromkeys(one.partition(" ")[0] for one in names):
            item = drive.items.get(name) or drive.gone.get(name)
            if item is None:  # deleted for good, and from the recycle bin too
                continue
            if item.id in drive.items and not lone:
                found |= {one.id: one for one in drive.above(item)}
            found[item.id] = item
        return sorted(found.values(), key=lambda one: (one.id not in drive.items, one.number))

    async def _documents(self, call: Call, drive: Drive, items: list[Item], shared: set[str]) -> list[Document]:
        prefer = call.headers.get("Prefer", "")
        if not drive.kind.sites and "AddToOneDrive" not in prefer:
            items = [one for one in items if one.target is None]
        live = [one for one in items if one.id in drive.items]
        await self._reading.prepare(drive, live)
        show, documents = self._desk.show, []
        settings: dict[str, Setting] = {}
        for item in items:
            if item.id not in drive.items:
                documents.append(show.deleted(drive, item))
                continue
            if (setting := settings.get(item.parent)) is None:
                setting = settings[item.parent] = show.setting(call, drive, item.parent, path=self.paths)
            document = show.item(drive, item, setting, delta=True)
            if item.id in shared and "deltashowsharingchanges" in prefer:
                document["@microsoft.graph.sharedChanged"] = "True"
            documents.append(document)
        damage(call, documents)
        return selected(call, documents)

    def _place(self, call: Call, drive: Drive, token: str | None) -> Place:
        """Where to go on. Raises Wrong where the token has expired or is none."""
        if call.fault("cursor_expired") is not None:
            raise self._expired(call)
        if not token:
            return Place(0, len(drive.log))
        try:
            kind, name, slot, seen = unpacked(token)
        except ValueError:
            kind = name = slot = seen = ""
        if kind == "D" and name == drive.id[-8:]:
            if int(seen) < drive.since:
                raise self._expired(call)
            return Place(int(slot) if slot else None, int(seen))
        at = _instant(token) if drive.kind.sites else None
        if at is not None:
            return Place(None, bisect_left(drive.times, at))
        if not drive.kind.sites:
            raise Wrong(500, "generalException", "An unspecified error has occurred.")
        raise errors.invalid("The provided token is malformed.", "invalidParameterFormat")

    def _expired(self, call: Call) -> Wrong:
        details = call.fault("cursor_expired") or {}
        inner = UPLOAD if details.get("upload") else APPLY
        return Wrong(410, "resyncRequired", RESYNC, inner, {"Location": self._link(call, "")})

    def _link(self, call: Call, token: str) -> str:
        """This delta's address with another token. It has the token in its query, which clients take it from."""
        base = call.path.split("(")[0]
        options = [f"{name}={value}" for name, value in call.query.items() if name in ("$top", "top", "$select")]
        options += [f"token={token}"] if token else []
        return f"{call.origin}{base}" + (f"?{'&'.join(options)}" if options else "")

    def _answer(self, call: Call, drive: Drive, documents: list[Document], place: Place, *, last: bool) -> Answer:
        kind = "@odata.deltaLink" if last else "@odata.nextLink"
        call.event.sights.append(Sight(drive.root.id))
        return self._desk.answer(
            call,
            {
                "@odata.context": f"{call.at(GRAPH)}/v1.0/$metadata#Collection(driveItem)",
                "value": documents,
                kind: self._link(call, place.token(drive)),
            },
        )


def _instant(token: str) -> float | None:
    """A timestamp in place of a token."""
    try:
        return datetime.fromisoformat(token).timestamp()
    except ValueError:
        return None
