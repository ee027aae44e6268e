"""Folders below the root, and what stands at a path: asked in whatever way the server understands."""

import re
from collections import OrderedDict
from functools import partial

from haulage.model.errors import Conflict, Denied, Gone, HaulageError, NameRefused, RootGone
from haulage.model.item import Item, Kind
from haulage.services.ftp.asking import entries
from haulage.services.ftp.lists import Entry, facts, time_us
from haulage.services.ftp.replies import PASSING, LinkLost, Negative, meaning
from haulage.services.ftp.wire import Wire
from haulage.services.links import Links, Progress, parts_of

MOST_KNOWN = 20_000


def revision_of(size: int | None, time: str, unique: str) -> str:
    """Size, second of the last change, and the server's own mark of the file where it tells one (Q5)."""
    return f"{size}-{time}-{unique}" if unique else f"{size}-{time}"


def item_of(path: str, entry: Entry) -> Item:
    """An entry as an item."""
    modified_us = time_us(entry.time) if entry.time else entry.guess_us
    if entry.kind == "file":
        time = entry.time or str(entry.guess_us)
        return Item(path, Kind.FILE, entry.size, modified_us, revision_of(entry.size, time, entry.unique))
    if entry.kind == "dir":
        return Item(path, Kind.FOLDER, modified_us=modified_us)
    leads = entry.leads.decode("utf-8", "backslashreplace")
    return Item(path, Kind.OTHER, modified_us=modified_us, note=f"{entry.kind} to {leads}" if leads else entry.kind)


class Tree:
    """The folders of one root."""

    def __init__(self, links: Links[Wire], base: str, root: str) -> None:
        self._links = links
        self._inside = "/".join(part for part in (base.removeprefix("~").strip("/"), root) if part)
        self._at_home = base.startswith("~")
        self._known: OrderedDict[str, None] = OrderedDict()

    def at(self, wire: Wire, path: str) -> str:
        """The absolute path on the server. Raises NameRefused."""
        below = "/".join(part for part in (self._inside, "/".join(parts_of(path))) if part)
        home = wire.home.rstrip("/") if self._at_home else ""
        return f"{home}/{below}" if below else home or "/"

    async def folder(self, path: str) -> None:
        """The folder must be there. Raises Gone, RootGone."""
        for below in ("", path) if path else ("",):
            if below not in self._known:
                await self._links.call("look", below, partial(self._enter, below))

    async def make(self, path: str) -> None:
        """The folder, made with those above it where they are missing; the root never is."""
        await self.folder("")
        parts = parts_of(path)
        for count in range(1, len(parts) + 1):
            below = "/".join(parts[:count])
            if below not in self._known:
                await self._make_one(below)

    def learn(self, path: str) -> None:
        """It is a folder."""
        self._known[path] = None
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Something was not where it had been: look again."""
        self._known.clear()

    async def enter(self, wire: Wire, path: str) -> None:
        """CWD: whether the folder is there. Raises Gone, RootGone."""
        try:
            await wire.ask("CWD", self.at(wire, path))
        except Negative as error:
            if error.reply.code in PASSING:
                raise
            missing = RootGone if not path else Gone
            raise missing(
                f"there is no folder {(path or self.at(wire, path))!r} ({error.reply.code} {error.reply.text})"
            ) from error
        self.learn(path)

    async def _enter(self, path: str, wire: Wire, _: Progress) -> None:
        await self.enter(wire, path)

    async def _make_one(self, path: str) -> None:
        async def make(wire: Wire, _: Progress) -> None:
            try:
                await self.enter(wire, path)
            except Gone:
                try:
                    await wire.ask("MKD", self.at(wire, path))
                except Negative as refused:
                    try:
                        await self.enter(wire, path)  # somebody else was faster
                    except Gone:
                        raise not_made(path, refused) from refused

        try:
            await self._links.call("make folder", path, make)
        except (Denied, NameRefused) as error:
            if await self.look(path) is not None:
                raise Conflict(f"{path!r} is no folder at the destination") from error
            raise
        self.learn(path)

    async def look(self, path: str) -> Item | None:
        """What stands at the path; None where nothing does. Raises what else the server says."""
        return await self._links.call("look", path, lambda wire, _: self.look_on(wire, path))

    async def look_on(self, wire: Wire, path: str) -> Item | None:
        """The same, on a connection that is held already."""
        where = self.at(wire, path)
        if "MLST" in wire.features:
            return await self._by_facts(wire, where, path)
        if not {"SIZE", "MDTM"} <= wire.features.keys():
            return await self._by_listing(wire, path)
        await wire.binary()
        await wire.send("SIZE", where)
        await wire.send("MDTM", where)
        size, time = await _answer(wire, "SIZE"), await _answer(wire, "MDTM")
        if size is not None and size.isdigit() and time is not None:
            return item_of(path, Entry(b"", "file", int(size), time.partition(".")[0]))
        return await self._by_trying(wire, where, path)

    async def _by_facts(self, wire: Wire, where: str, path: str) -> Item | None:
        try:
            reply = await wire.ask("MLST", where)
        except Negative as error:
            if error.reply.code in PASSING:
                raise
            return await self._by_trying(wire, where, path)
        told = next((line for line in reply.lines[1:] if b"=" in line), None)
        if told is None:
            raise LinkLost("MLST told no facts")
        # The path in the answer is spelt in the server's own way; the facts alone count.
        entry = facts(told.strip().partition(b" ")[0] + b" x")
        return Item(path, Kind.FOLDER) if entry is None else item_of(path, entry)

    async def _by_listing(self, wire: Wire, path: str) -> Item | None:
        """Servers that describe no single path (RFC 959 has no verb for it): so what is beside it is listed (Q5)."""
        if not path:
            return Item(path, Kind.FOLDER)
        found = await self._listed(wire, path)
        return None if found is None else item_of(path, found)

    async def size_listed(self, wire: Wire, path: str) -> int | None:
        """The size of one of our unfinished files, where the server does not know SIZE; None where it is not there."""
        found = await self._listed(wire, path)
        return None if found is None else found.size

    async def is_listed(self, wire: Wire, path: str) -> bool:
        """Whether the folder above shows anything of that name."""
        return await self._listed(wire, path) is not None

    async def _listed(self, wire: Wire, path: str) -> Entry | None:
        above, _, name = path.rpartition("/")
        try:
            await self.enter(wire, above)
        except Gone:
            return None
        beside = await entries(wire, self.at(wire, above), above, ours=True)
        return next((entry for entry in beside if wire.read(entry.name) == name), None)

    async def _by_trying(self, wire: Wire, where: str, path: str) -> Item | None:
        """A path that the server did not describe: it exists if it may be renamed, and is a folder if it is entered."""
        try:
            await wire.ask("RNFR", where)
        except Negative as error:
            if error.reply.code in PASSING:
                raise
            return None
        try:
            await wire.ask("CWD", where)
        except Negative as error:
            raise HaulageError(f"{path!r} is there, and the server does not say what ({error.reply.text})") from error
        return Item(path, Kind.FOLDER)


def not_made(path: str, refused: Negative) -> HaulageError:
    """Why a folder was not made. The number is mostly 550 whatever the reason is; a missing folder it never means."""
    error = meaning(refused, path)
    if not isinstance(error, Gone | Conflict):
        return error
    about_name = re.search(r"name|character|invalid", refused.reply.text, re.IGNORECASE)
    return (NameRefused if about_name else Denied)(f"{path!r}: {error.message}")


async def _answer(wire: Wire, verb: str) -> str | None:
    """The text of a 213; None where it is refused."""
    try:
        return (await wire.hear(verb)).text.strip()
    except Negative as error:
        if error.reply.code in PASSING:
            raise
        return None
