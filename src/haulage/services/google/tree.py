"""Paths and the ids behind them: in Drive a folder is found by its name in the one above, and nowhere else."""

import asyncio
import re
from collections import OrderedDict
from contextlib import suppress
from urllib.parse import quote

from haulage.model.errors import (
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    RootGone,
    Transient,
)
from haulage.services.google.calls import Calls
from haulage.services.google.exports import Exports
from haulage.services.google.files import (
    FIELDS,
    FOLDER,
    Changes,
    File,
    Ids,
    Position,
    SharedDrive,
    SharedDrives,
    time_text,
)
from haulage.services.google.fresh import Fresh
from haulage.services.google.lookups import ORPHANS, SHARED, Lookups
from haulage.services.google.names import chosen, drive_at, untwinned
from haulage.services.google.places import EXAMPLES, Place
from haulage.services.google.refusals import IdInUse

ORPHANED = "Files without a folder"
_ORPHANED = re.compile(rf"{ORPHANED}( \(\d+\))?")
MOST_FILES_KNOWN = 100_000
IDS_AT_ONCE, IDS_LEFT = 200, 50  # so many are asked for when no more than so many are left
FEW = 4  # attempts of the first call: a person waits for it


class _InTheTrash(Transient):
    """What was made is there from the beginning, since it lies in a folder that is."""


class Tree:
    """One location's folders. Paths are relative to the location's root."""

    def __init__(self, calls: Calls, place: Place, exports: Exports) -> None:
        self.lookups = Lookups(calls, exports)
        self.exports = exports
        self.fresh = Fresh()
        self.taken: set[str] = set()
        self._calls = calls
        self._place = place
        self._top: str | None = None
        self._folders: dict[str, str] = {}
        self._files: OrderedDict[str, str] = OrderedDict()
        self._made: dict[str, asyncio.Task[str]] = {}
        self._ids: list[str] = []
        self._asking: asyncio.Task[None] | None = None

    @property
    def _named(self) -> str:
        """What of a position says in which forms documents come: chosen anew, they have other names."""
        return f"{','.join(self.exports.endings)} "

    @property
    def is_all(self) -> bool:
        """Whether the location is somebody's whole My Drive."""
        return self._place.space == "mine" and not self._place.folder

    def within_itself(self, folder: str, found: File) -> bool:
        """Whether a folder that lies in `folder` is one of those above it: what it holds would never come to an end."""
        parts = folder.split("/") if folder else []
        above = ("/".join(parts[:count]) for count in range(len(parts) + 1))
        return found.is_folder and found.id in {self._folders.get(one) for one in above}

    async def root(self) -> str:
        """The id of the location's root. Raises RootGone."""
        if (known := self._folders.get("")) is None:
            try:
                known = self._folders[""] = await self._walk(await self.top(), self._place.folder)
            except Gone:
                raise RootGone(f"there is no folder {self._place.text!r} in the Drive", EXAMPLES) from None
        return known

    async def lineage(self) -> list[str]:
        """Ids of the location's root and of what lies above it; "" before them where the root is not there yet."""
        at, parts = await self.top(), self._place.folder.split("/") if self._place.folder else []
        for part in parts:
            child = await self._child(at, part)
            if child is None or not child.is_folder:
                return ["", *await self._above(at)]
            at = child.id
        return await self._above(at)

    async def _above(self, folder_id: str) -> list[str]:
        """A folder and those above it, as far as this account sees them."""
        found: dict[str, None] = {}
        waiting = [folder_id] if folder_id != SHARED else []
        while waiting:
            if (one := waiting.pop(0)) not in found:
                found[one] = None
                with suppress(Gone):  # of another person, who shared what lies in it alone
                    waiting += (await self.get(one)).parents
        return list(found)

    async def make_root(self) -> bool:
        """See to the location's root, and what lies above it. Returns whether it is new."""
        at, new = await self.top(), False
        for part in self._place.folder.split("/"):
            at, new = await self._child_made(at, part) if part else (at, new)
        self._folders[""] = at
        return new

    async def top(self) -> str:
        """The id of the space in which the location lies. Raises RootGone, Refused."""
        if self._top is None:
            place = self._place
            if place.space == "drive":
                self._top = self.lookups.drive_id = await self._shared_drive(place.name)
            elif place.space == "id":
                found = await self._by_address(place.name)
                self._top, self.lookups.drive_id = found.id, found.drive_id or ""
            else:
                self._top = (await self.get("root", attempts=FEW)).id if place.space == "mine" else SHARED
                self.lookups.root_id = self._top
        return self._top

    async def _shared_drive(self, name: str) -> str:
        found: list[SharedDrive] = []
        token = ""
        while True:
            query = {
                "pageSize": "100",
                "fields": "nextPageToken,drives(id,name)",
                **({"pageToken": token} if token else {}),
            }
            page = await self._calls.get("ListDrives", "drives", query, SharedDrives, attempts=FEW)
            found += page.drives
            token = page.next_token or ""
            if not token:
                break
        if (drive := drive_at(name, found)) is None:
            raise RootGone(f"there is no shared drive {name!r}", EXAMPLES)
        return drive.id

    async def _by_address(self, folder_id: str) -> File:
        try:
            found = await self.get(folder_id, attempts=FEW)
        except Gone:
            raise RootGone("there is no folder at this address, or it is not shared with this account") from None
        if found.trashed or not found.is_folder:
            raise RootGone(f"at this address lies {'what is in the trash' if found.trashed else 'no folder'}")
        return found

    async def get(self, file_id: str, *, attempts: int | None = None) -> File:
        """A file by its id, in the trash or not. Raises Gone."""
        path = f"files/{quote(file_id, safe='')}"
        return await self._calls.get("GetFile", path, {"fields": FIELDS}, File, attempts=attempts)

    async def folder(self, path: str) -> str:
        """The id of a folder. Raises Gone, RootGone."""
        if not path or (known := self._folders.get(path)) is None:
            if not path:
                return await self.root()
            if "" in path.split("/"):
                raise Gone(f"there is no folder {path!r}: a name cannot be empty")
            above, _, part = path.rpartition("/")
            try:
                known = await self._walk(await self.folder(above), part)
            except Gone:
                if not (self.is_all and _ORPHANED.fullmatch(path)):
                    raise
                known = ORPHANS
            self._folders[path] = known
        return known

    async def _walk(self, at: str, path: str) -> str:
        for part in path.split("/") if path else ():
            found = await self._child(at, part)
            if found is None or not found.is_folder:
                raise Gone(f"there is no folder {part!r}")
            at = found.id
        return at

    async def find(self, path: str) -> File | None:
        """What stands at a path now, asked of the service. Raises Gone where the folder above it is not there."""
        above, _, part = path.rpartition("/")
        leads_nowhere = "" in path.split("/")
        found = None if leads_nowhere else await self._child(await self.folder(above), part)
        if found is not None:
            self.note(path, found)
        return found

    async def _child(self, folder_id: str, part: str) -> File | None:
        if not part:
            return None
        found = chosen(part, await self.lookups.named(folder_id, part), self.exports)
        if found is None and (plain := untwinned(part)):
            found = chosen(part, await self.lookups.named(folder_id, plain), self.exports)
        if found is not None and found.is_folder:
            self.fresh.seen(found.id)
        return found

    def note(self, path: str, found: File) -> None:
        """Remember whose path that is."""
        if found.is_folder:
            self.fresh.seen(found.id)
            self._folders[path] = found.id
            return
        self._files[path] = found.id
        if len(self._files) > MOST_FILES_KNOWN:
            self._files.popitem(last=False)

    def forget(self, path: str) -> None:
        """It may be another one now, or none."""
        self._files.pop(path, None)

    async def file_id(self, path: str) -> str:
        """The id of the file that was last seen at a path. Raises Gone."""
        if (known := self._files.get(path)) is not None:
            return known
        found = await self.find(path)
        if found is None:
            raise Gone(f"{path}: it is not there any more")
        return found.id

    async def ensure(self, path: str) -> str:
        """Make a folder and those above it, up to the root, which has to be there (F34). Returns its id."""
        if path and "" in path.split("/"):
            raise NameRefused(f"{path!r} holds an empty name")
        if not path or self._folders.get(path) not in (None, ORPHANS):
            return await self.folder(path)
        if (task := self._made.get(path)) is None:
            task = self._made[path] = asyncio.ensure_future(self._ensure(path))
        try:
            known = await asyncio.shield(task)
        finally:
            if task.done():
                self._made.pop(path, None)
        self._folders[path] = known
        return known

    async def _ensure(self, path: str) -> str:
        above, _, part = path.rpartition("/")
        folder_id = await self.ensure(above)
        try:
            made, _ = await self._child_made(folder_id, part)
            return made
        except _InTheTrash:
            raise self.taken_away(path) from None

    def taken_away(self, path: str) -> Transient:
        """Somebody took away a folder above it: looked for anew, all those are made again that are not there."""
        parts = path.split("/")
        self.taken.add(parts[0])
        for count in range(1, len(parts) + 1):
            if (known := self._folders.pop("/".join(parts[:count]), None)) is not None:
                self.fresh.end(known)
        return Transient(f"{path}: its folder was taken away meanwhile, or put into the trash")

    async def _child_made(self, folder_id: str, part: str) -> tuple[str, bool]:
        """A folder's child, and whether it is new: made if it is not there. Of two made at once, one remains."""
        self.fresh.writes(folder_id, part)
        found, made = None if self.fresh.alone(folder_id, part) else await self._child(folder_id, part), None
        if found is None:
            found = made = await self.create(folder_id, {"name": part, "mimeType": FOLDER})
            if not self.fresh.alone(folder_id, part):
                found = chosen(part, await self.lookups.named(folder_id, part), self.exports) or made
            if found.id != made.id:
                self.fresh.end(made.id)
                self.fresh.seen(found.id)
                await self.remove(made.id)
        if not found.is_folder:
            raise Conflict(f"{part!r} is there, and no folder")
        if found.trashed:
            raise _InTheTrash(f"{part!r} was made in a folder that is in the trash")
        return found.id, made is not None and made.id == found.id

    async def create(self, folder_id: str, facts: dict[str, object]) -> File:
        """Make a folder, under an id of its own: sent again, it makes no second one (Q8)."""
        file_id = await self.new_id(folder_id)
        self.fresh.begin(file_id)
        body = {**facts, "id": file_id, "parents": [folder_id]}
        try:
            return await self._calls.send("CreateFile", "POST", "files", {"fields": FIELDS}, body, File)
        except IdInUse:
            return await self.get(file_id)

    async def new_id(self, folder_id: str) -> str:
        """An id that no file has yet, for a file in that folder. Raises Denied where nothing can be made."""
        if folder_id in (SHARED, ORPHANS):
            raise Denied("what others have shared, or what lies in no folder, cannot be written to", EXAMPLES)
        while not self._ids:
            await asyncio.shield(self._ids_asked())
        new_id = self._ids.pop()
        if len(self._ids) < IDS_LEFT:  # nobody is to wait for them
            self._ids_asked()
        return new_id

    def _ids_asked(self) -> asyncio.Task[None]:
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._more_ids())
            self._asking.add_done_callback(_heard)
        return self._asking

    async def _more_ids(self) -> None:
        query = {"count": str(IDS_AT_ONCE), "type": "files"}
        try:
            told = (await self._calls.get("GenerateIds", "files/generateIds", query, Ids)).ids
            if not told:
                raise Mismatch("Google: the answer to GenerateIds holds no id")
            self._ids += told
        finally:
            self._asking = None

    async def set_time(self, file_id: str, modified_us: int) -> File:
        """Set when a folder or document was changed last."""
        text = time_text(modified_us)
        return await (self.get(file_id) if text is None else self._update(file_id, {"modifiedTime": text}))

    async def trash(self, file_id: str) -> None:
        """Take away what something newer takes the place of; a person can take it back."""
        await self._update(file_id, {"trashed": True})

    async def _update(self, file_id: str, facts: dict[str, object]) -> File:
        path = f"files/{quote(file_id, safe='')}"
        return await self._calls.send("UpdateFile", "PATCH", path, {"fields": FIELDS}, facts, File)

    async def same_named(self, path: str) -> list[File]:
        """All that stand at a path but for the pieces of ids."""
        above, _, part = path.rpartition("/")
        return await self.lookups.named(await self.folder(above), part)

    async def move(self, found: File, path: str, to: str) -> File:
        """Give what stands at `path` another place and name. Raises Conflict where something is there."""
        above, _, name = to.rpartition("/")
        folder_id = await self.ensure(above)
        self.fresh.writes(folder_id, name)
        if await self.find(to) is not None:
            raise Conflict(f"{to}: something is there already")
        query = {"fields": FIELDS}
        if (now := await self.folder(path.rpartition("/")[0])) != folder_id:
            query |= {"addParents": folder_id, "removeParents": now}
        where = f"files/{quote(found.id, safe='')}"
        body = {"name": self.exports.name(name, found.mime_type)}
        moved = await self._calls.send("MoveFile", "PATCH", where, query, body, File, repeatable=False)
        self.forget(path)
        if found.is_folder:
            self._folders = {one: known for one, known in self._folders.items() if not f"{one}/".startswith(f"{path}/")}
            self._files.clear()
        self.note(to, moved)
        return moved

    async def position(self) -> str:
        """Where the record of changes stands. A shared drive has its own (Q15). With the names that things have now."""
        await self.root()
        query = {"driveId": self.lookups.drive_id} if self.lookups.drive_id else {}
        told = await self._calls.get("GetStartPageToken", "changes/startPageToken", query, Position)
        return self._named + told.token

    async def quiet_since(self, position: str) -> str | None:
        """The position now, if nothing happened since that one; None if something did, or it is not known any more."""
        if not position.startswith(self._named):
            return None
        position = position.removeprefix(self._named)
        await self.root()
        query = {"pageSize": "1", "fields": "nextPageToken,newStartPageToken,changes(fileId)"}
        if self.lookups.drive_id:
            query |= {"driveId": self.lookups.drive_id, "includeItemsFromAllDrives": "true"}
        try:
            while True:
                found = await self._calls.get("ListChanges", "changes", {**query, "pageToken": position}, Changes)
                if found.changes or found.next_token == position:
                    return None
                if found.next_token is None:
                    return None if found.new_token is None else self._named + found.new_token
                position = found.next_token
        except HaulageError as error:
            if type(error) is not HaulageError and not isinstance(error, Gone):
                raise
            return None

    async def remove(self, file_id: str) -> None:
        """Take back what this drive itself has just made."""
        try:
            await self._calls.delete(file_id)
        except Gone:
            return

    async def close(self) -> None:
        """Stop what is under way."""
        for task in (*self._made.values(), *((self._asking,) if self._asking else ())):
            task.cancel()
        await self.lookups.close()


def _heard(asked: "asyncio.Task[None]") -> None:
    """Where nobody waits for the ids, what went wrong is told to whoever needs the next one and asks again."""
    if not asked.cancelled():
        asked.exception()
