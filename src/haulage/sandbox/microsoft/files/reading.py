"""Items as they are: one, the children of a folder, and what a search finds."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import addresses, errors
from haulage.sandbox.microsoft.files.desk import Desk, decoded
from haulage.sandbox.microsoft.files.items import Drive, Item
from haulage.sandbox.microsoft.files.paging import listing, option, selected, sliced
from haulage.sandbox.microsoft.files.routes import ITEM, READ, route
from haulage.sandbox.microsoft.files.showing import Document

AT_ONCE_BYTES = 256 << 10  # hashing these takes less than handing them to a thread
ORDERS: dict[str, Callable[[Item], Any]] = {
    "name": lambda one: one.name.lower(),
    "size": lambda one: one.size,
    "lastModifiedDateTime": lambda one: one.modified,
}


class Reading:
    """Answers with items."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What is read of items."""
        made = self._desk.handler
        return [
            route("GET", ITEM, "driveitem-get", made(self.item), READ),
            route("GET", f"{ITEM}/children", "driveitem-list-children", made(self.children), READ, 2),
            route("GET", f"{ITEM}/search", "driveitem-search", made(self.search), READ, 2),
        ]

    async def item(self, call: Call) -> Answer:
        """One item, by id or path; `$select`, `$expand=children`, If-None-Match."""
        drive, item = self._desk.find(call)
        if call.headers.get("If-None-Match") in self._desk.tags(drive, item):
            return Answer(304)
        shown = await self.shown(call, drive, item)
        if "children" in (option(call, "expand") or "") and item.folder:
            shown["children"] = await self.rows(call, drive, item, list(drive.children(item.id)))
        return self._desk.answer(call, selected(call, [shown])[0])

    async def shown(self, call: Call, drive: Drive, item: Item) -> Document:
        """The document of one item, with its context."""
        await self.prepare(drive, [item])
        context = self._desk.context(call, f"drives('{drive.id}')/items/$entity")
        show = self._desk.show
        shown = show.item(drive, item, show.setting(call, drive, item.parent))
        call.event.sights.append(Sight(item.id))
        damage(call, [shown])
        return {"@odata.context": context, **shown}

    async def prepare(self, drive: Drive, items: Iterable[Item]) -> None:
        """Compute the hashes that are to be shown and were not yet, without holding up other calls."""
        contents = self._desk.world.contents
        wanted = ("quickxor", *drive.kind.hashes)
        todo = [one.content for one in items if one.content and not contents.hashed(one.content, *wanted)]
        for content in todo:
            if content.size <= AT_ONCE_BYTES:
                contents.hash(content, *wanted)
            else:
                await asyncio.to_thread(contents.hash, content, *wanted)

    async def rows(self, call: Call, drive: Drive, folder: Item, items: list[Item]) -> list[Document]:
        """The documents of a folder's items."""
        await self.prepare(drive, items)
        show = self._desk.show
        setting = show.setting(call, drive, folder.id)
        shown = [show.item(drive, one, setting) for one in items]
        damage(call, shown)
        return shown

    async def children(self, call: Call) -> Answer:
        """A page of a folder's children, by name; `$top`, `$select`, `$orderby`."""
        drive, folder = self._desk.find(call)
        if "permissions" in (option(call, "expand") or ""):
            raise errors.invalid("Permissions cannot be expanded on children.")
        if option(call, "filter") is not None:
            raise errors.Wrong(501, "notSupported", "$filter is not supported on this API.")
        held = self._ordered(call, drive, folder)
        context = self._desk.context(call, f"drives('{drive.id}')/items('{folder.id}')/children")
        document = listing(call, context, lambda start, count: _page(drive, folder, held, start, count))
        document["value"] = selected(call, await self.rows(call, drive, folder, document["value"]))
        call.event.sights.append(Sight(folder.id))
        return self._desk.answer(call, document)

    def _ordered(self, call: Call, drive: Drive, folder: Item) -> list[Item] | None:
        """The children in an order of its own, or without those that are listed late; None for all by name."""
        asked, late = option(call, "orderby") or "", call.fault("listed_late")
        name, _, direction = asked.strip().partition(" ")
        if name and name not in ORDERS:
            raise errors.invalid(f"The property '{name}' cannot be used in the $orderby query option.")
        if late is None and (not name or (name == "name" and direction != "desc")):
            return None
        held = list(drive.children(folder.id)) if folder.id in drive.folders else []
        if late is not None:
            held = [one for one in held if one.born <= call.event.time - float(late.get("seconds", 30))]
        return sorted(held, key=ORDERS[name or "name"], reverse=direction == "desc")

    async def search(self, call: Call) -> Answer:
        """The items below one whose name holds the words."""
        drive, folder = self._desk.find(call)
        words = (decoded(addresses.argument(call.path)) or call.query.get("q", "")).lower().split()
        found = [one for one in drive.below(folder) if one.parent and all(word in one.name.lower() for word in words)]
        document = listing(call, self._desk.context(call, "Collection(driveItem)"), sliced(found))
        await self.prepare(drive, document["value"])
        show = self._desk.show
        shown = [show.item(drive, one, show.setting(call, drive, one.parent)) for one in document["value"]]
        document["value"] = selected(call, shown)
        return self._desk.answer(call, document)


def _page(drive: Drive, folder: Item, held: list[Item] | None, start: str, count: int) -> tuple[list[Item], str]:
    """So many children from a position on (a name, or a number where the order is another), and the next position."""
    if held is not None:
        at = int(start or 0)
        return held[at : at + count], str(at + count) if at + count < len(held) else ""
    if (inside := drive.folders.get(folder.id)) is None:
        return [], ""
    at = bisect_right(inside.order, start) if start else 0
    keys = inside.order[at : at + count]
    return [inside.entries[key] for key in keys], keys[-1] if at + count < len(inside.order) else ""


def damage(call: Call, shown: list[Document]) -> None:
    """Hashes that are wrong or absent, where the fault plan says so."""
    wrong, absent = call.fault("checksum_wrong"), call.fault("checksum_absent")
    if wrong is None and absent is None:
        return
    for one in shown:
        if absent is not None and "file" in one:
            one["file"] = {"mimeType": one["file"]["mimeType"]}
        elif "hashes" in one.get("file", {}):
            right = one["file"]["hashes"]["quickXorHash"]
            lie = ("C" if right[0] == "B" else "B") + right[1:]
            one["file"] = {**one["file"], "hashes": {"quickXorHash": lie}}
