"""Looking for files by name: questions about one folder are asked together, since each costs 100 units (Q13)."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from urllib.parse import quote

from haulage.model.errors import HaulageError, Transient
from haulage.services.google.calls import Calls
from haulage.services.google.exports import Exports
from haulage.services.google.files import FIELDS, File, Files
from haulage.services.google.names import file_part, names_of

SHARED = ""  # in place of a folder's id: what others have shared with the person
ORPHANS = "?"  # likewise: what is the person's own, and lies in no folder that they can see (Q20)
_WHERE = {SHARED: "sharedWithMe = true", ORPHANS: "'me' in owners"}
MOST_NAMES, MOST_CHARACTERS = 40, 4000  # of names as an address has them: long addresses are refused (Q13)


def quoted(text: str) -> str:
    """A text in a question."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Lookups:
    """Questions to files.list. drive_id: of the shared drive in which everything lies; "" in My Drive."""

    def __init__(self, calls: Calls, exports: Exports) -> None:
        self.exports = exports
        self._calls = calls
        self._waiting: dict[str, dict[str, asyncio.Future[list[File]]]] = defaultdict(dict)
        self._working: dict[str, asyncio.Task[None]] = {}
        self.drive_id = self.root_id = ""

    async def page(self, folder_id: str, token: str | None, size: int, more: str = "", order: str = "") -> Files:
        """One page of the folder's children that are not in the trash. Raises Gone."""
        where = _WHERE.get(folder_id) or f"{quoted(folder_id)} in parents"
        query = {
            "q": f"{where} and trashed = false{more}",
            "pageSize": str(size),
            "fields": f"nextPageToken,incompleteSearch,files({FIELDS})",
            "includeItemsFromAllDrives": "true",
        }
        if self.drive_id:
            query |= {"corpora": "drive", "driveId": self.drive_id}
        if order:
            query["orderBy"] = order
        if token is not None:
            query["pageToken"] = token
        found = await self._calls.get("ListFiles", "files", query, Files)
        if folder_id == ORPHANS:
            found.files = [one for one in found.files if not one.parents and one.id != self.root_id]
        return found

    async def named(self, folder_id: str, part: str) -> list[File]:
        """The children whose names become this part, of whatever kind. Raises Gone."""
        waiting = self._waiting[folder_id]
        if (answer := waiting.get(part)) is None:
            answer = waiting[part] = asyncio.get_running_loop().create_future()
        if folder_id not in self._working:
            self._working[folder_id] = asyncio.create_task(self._work(folder_id))
        return await asyncio.shield(answer)

    async def _work(self, folder_id: str) -> None:
        """Ask until nobody waits: those who come while a question is under way share the next one."""
        try:
            while waiting := self._waiting.pop(folder_id, {}):
                asked: dict[str, asyncio.Future[list[File]]] = {}
                length = 0
                for part, answer in waiting.items():
                    length += self._length(part)
                    if asked and (len(asked) == MOST_NAMES or length > MOST_CHARACTERS):
                        self._waiting[folder_id][part] = answer
                    else:
                        asked[part] = answer
                await self._ask(folder_id, asked)
        finally:
            del self._working[folder_id]

    def _length(self, part: str) -> int:
        """How much of an address the names take up that become this part."""
        return sum(len(quote(f" or name = {quoted(name)}", safe="")) for name in names_of(part, self.exports) or ())

    async def _ask(self, folder_id: str, asked: dict[str, asyncio.Future[list[File]]]) -> None:
        found: dict[str, list[File]] = {part: [] for part in asked}
        try:
            async for file in self._found(folder_id, list(asked)):
                if (part := file_part(file, self.exports)) in found:
                    found[part].append(file)
        except HaulageError as error:
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # whoever asked may have gone away
            return
        for part, answer in asked.items():
            answer.set_result(found[part])

    async def _found(self, folder_id: str, parts: list[str]) -> AsyncIterator[File]:
        names = [names_of(part, self.exports) for part in parts]
        more = ""
        if None not in names:
            every = " or ".join(f"name = {quoted(name)}" for some in names for name in some or ())
            more = f" and ({every})"
        token: str | None = None
        while True:
            page = await self._page(folder_id, token, more)
            for file in page.files:
                yield file
            token = page.next_token
            if token is None:
                return

    async def _page(self, folder_id: str, token: str | None, more: str) -> Files:
        page = await self.page(folder_id, token, 1000, more)
        if page.incomplete:
            raise Transient("Google: the answer to a look-up is incomplete, by its own word")
        if page.next_token is not None and page.next_token == token:
            raise Transient("Google: the answer to a look-up leads in a circle")
        return page

    async def close(self) -> None:
        """Stop asking."""
        for task in list(self._working.values()):
            task.cancel()
        for answer in (one for waiting in self._waiting.values() for one in waiting.values()):
            answer.cancel()
