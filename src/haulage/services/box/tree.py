"""Paths and the ids behind them: Box finds a folder by its name in the one above, and nowhere else."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from haulage.model.errors import Conflict, Denied, Gone, Mismatch, NameRefused, QuotaFull, RootGone, ScopeMissing
from haulage.services.box.calls import Calls
from haulage.services.box.items import FIELDS, Above, Entry, Items, Me, told_apart
from haulage.services.box.refusals import NameInUse

TOP = "0"
PAGE_ITEMS = 1000
FEW = 4  # attempts of the first call: a person waits for it


class Tree:
    """One location's folders. Paths are relative to the location's root."""

    def __init__(self, calls: Calls, folder: str) -> None:
        """folder: of the location's root, without slashes around it."""
        self._calls = calls
        self._folder = folder
        self._folders: dict[str, str] = {}
        self._made: dict[str, asyncio.Task[str]] = {}
        self._top: dict[str, Entry] | None = None
        self._named: dict[str, str] = {}
        self._asks_preflight = True

    async def root(self) -> str:
        """The id of the location's root. Raises RootGone."""
        if (known := self._folders.get("")) is None:
            try:
                known = await self._walk(TOP, self._folder, FEW)
            except Gone:
                raise RootGone(f"there is no folder {self._folder!r} in the Box") from None
            self._folders[""] = known
        return known

    async def lineage(self) -> list[str]:
        """Ids of the location's root and of what lies above it; "" before them where the root is not there yet."""
        at, missing = TOP, list[str]()
        for part in self._folder.split("/") if self._folder else ():
            found = await self.child(at, part)
            if found is None or found.type != "folder":
                missing = [""]
                break
            at = found.id
        path = f"folders/{at}?fields=id,path_collection"
        above = [] if at == TOP else (await self._calls.get("GetFolder", path, Above)).collection.entries
        me = (await self._calls.get("GetMe", "users/me?fields=id", Me)).id  # everybody has a root of that number
        ids = [at, *(one.id for one in reversed(above))]
        return missing + [f"{TOP} of {me}" if one == TOP else one for one in ids]

    async def make_root(self) -> bool:
        """See to the location's root, and what lies above it. Returns whether it is new."""
        at, new = TOP, False
        for part in self._folder.split("/"):
            at, new = await self._child_made(at, part)
        self._folders[""] = at
        return new

    async def folder(self, path: str) -> str:
        """The id of a folder. Raises Gone, RootGone."""
        if not path:
            return await self.root()
        if (known := self._folders.get(path)) is None:
            above, _, part = path.rpartition("/")
            known = self._folders[path] = await self._walk(await self.folder(above), part)
        return known

    def learn(self, listed: Mapping[str, str]) -> None:
        """Ids of folders that a listing showed: folders of others in somebody's root are found in no other way."""
        for path, folder_id in listed.items():
            self._folders.setdefault(path, folder_id)

    async def _walk(self, at: str, path: str, attempts: int | None = None) -> str:
        for part in path.split("/") if path else ():
            found = await self.child(at, part, attempts)
            if found is None or found.type != "folder":
                raise Gone(f"there is no folder {part!r}")
            at = found.id
        return at

    async def find(self, path: str) -> Entry | None:
        """What stands at a path now: its type and id. Raises Gone where the folder above it is not there."""
        above, _, part = path.rpartition("/")
        return await self.child(await self.folder(above), part)

    async def child(self, folder_id: str, part: str, attempts: int | None = None) -> Entry | None:
        """What a folder has under a name, however its case (Q6). Raises Gone where the folder is not there."""
        if part in ("", ".", ".."):
            return None
        if folder_id != TOP:
            return await self._own(folder_id, part, attempts)
        if self._top is not None and (known := self._top.get(part.lower())) is not None:
            return known
        if self._asks_preflight and (own := await self._own(TOP, part, attempts)) is not None:
            return own
        if self._top is None:
            await self.top()
        return (self._top or {}).get(part.lower())

    async def _own(self, folder_id: str, part: str, attempts: int | None) -> Entry | None:
        if not self._asks_preflight:
            return await self._listed(folder_id, part)
        body = {"name": part, "parent": {"id": folder_id}}
        try:
            await self._calls.send(
                "Preflight", "OPTIONS", "files/content", body, msgspec.Raw, repeatable=True, attempts=attempts
            )
        except NameInUse as error:
            if "id" in error.there:
                return msgspec.convert(error.there, Entry, strict=False)
            return await self._listed(folder_id, part)
        except NameRefused:
            return None
        except (Denied, ScopeMissing, QuotaFull):  # whoever may only read, or has no room, is not told who has a name
            self._asks_preflight = False
            return await self._listed(folder_id, part)
        return None

    async def top(self) -> list[Entry]:
        """All that stands in a user's root, each under a name of its own: there others' items stand beside one's own,
        also under the same names, and no check before an upload tells of them (Q12)."""
        entries: list[Entry] = []
        marker: str | None = None
        while True:
            page = await self.page(TOP, marker, PAGE_ITEMS)
            entries += page.entries
            if not page.marker:
                break
            if page.marker == marker:
                raise Mismatch("Box told to ask for the same page of the root again")
            marker = page.marker
        self._top = told_apart(entries)
        self._named = {one.id: one.name for one in entries}
        return list(self._top.values())

    def renamed(self, now: Entry) -> bool:
        """Whether what the root's listing showed has another name now."""
        return self._named.get(now.id, now.name) != now.name

    async def _listed(self, folder_id: str, part: str) -> Entry | None:
        wanted, marker = part.lower(), None
        while True:
            page = await self.page(folder_id, marker, PAGE_ITEMS)
            for one in page.entries:
                if one.name.lower() == wanted:
                    return one
            if not page.marker or page.marker == marker:
                return None
            marker = page.marker

    async def page(self, folder_id: str, marker: str | None, limit: int) -> Items:
        """A page of a folder's items."""
        behind = f"&marker={quote(marker, safe='')}" if marker else ""
        path = f"folders/{folder_id}/items?fields={FIELDS}&usemarker=true&limit={limit}{behind}"
        return await self._calls.get("ListItems", path, Items)

    async def ensure(self, path: str) -> str:
        """Make a folder and those above it, up to the root, which has to be there (F34). Returns its id."""
        if path and not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise NameRefused(f"{path!r} would become another name at the service")
        if not path or path in self._folders:
            return await self.folder(path)
        if (task := self._made.get(path)) is None:
            task = self._made[path] = asyncio.ensure_future(self._ensure(path))
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._made.pop(path, None)

    async def _ensure(self, path: str) -> str:
        above, _, part = path.rpartition("/")
        made, _ = await self._child_made(await self.ensure(above), part)
        self._folders[path] = made
        return made

    async def _child_made(self, folder_id: str, part: str) -> tuple[str, bool]:
        """A folder's child folder, and whether it is new: one call, whether it is there already or not."""
        body = {"name": part, "parent": {"id": folder_id}}
        try:
            return (await self._calls.send("CreateFolder", "POST", "folders", body, Entry, repeatable=True)).id, True
        except NameInUse as error:
            there = error.there
            if not there:
                found = await self._listed(folder_id, part)
                there = {"type": found.type, "id": found.id} if found is not None else {}
            if there.get("type") != "folder":
                raise Conflict(f"{part!r} is there, and no folder") from None
            return str(there["id"]), False

    def forget(self, path: str) -> None:
        """Something is not there any more, nor is what was below it."""
        self._top, self._named = None, {}
        self._folders = {one: known for one, known in self._folders.items() if not f"{one}/".startswith(f"{path}/")}

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._made.values():
            task.cancel()
