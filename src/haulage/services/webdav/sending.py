"""How a file gets to its name: in one request where the server makes it appear whole, else under another name first."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from haulage.model.errors import Conflict, HaulageError, Mismatch, OutcomeUnknown, Transient
from haulage.model.item import Carried, Written
from haulage.services.contract import Precondition
from haulage.services.leftovers import Leftovers
from haulage.services.transport import Piped, Request
from haulage.services.webdav.connection import Connection
from haulage.services.webdav.folders import Folders
from haulage.services.webdav.heads import Heads
from haulage.services.webdav.judge import NoParent
from haulage.services.webdav.place import unfinished
from haulage.services.webdav.reading import hashes_of, revision_of
from haulage.services.webdav.wire import Entry


class Sending:
    """The part of a drive that writes."""

    _connection: Connection
    _folders: Folders
    _heads: Heads
    _leftovers: Leftovers

    def _headers(self, carried: Carried, digests: Mapping[str, str]) -> dict[str, str]:
        """What goes along with a file, on a PUT or on the MOVE that makes it. Times before 1970 are not taken (Q9)."""
        headers = {}
        if carried.modified_us is not None and carried.modified_us >= 1_000_000:
            headers["X-OC-Mtime"] = str(carried.modified_us // 1_000_000)
        if self._connection.place.flavour == "owncloud" and "sha1" in digests:
            headers["OC-Checksum"] = f"SHA1:{digests['sha1']}"
        return headers

    async def _put(self, whole: str, body: bytes | memoryview | Piped, headers: dict[str, str], operation: str) -> None:
        headers = {"Content-Type": "application/octet-stream", **headers}
        url = self._connection.place.url(whole)
        if isinstance(body, Piped):
            request = Request(operation, "PUT", url, headers, repeatable=False, piped=body)
        else:
            again = not {"If-Match", "If-None-Match"} & headers.keys()
            request = Request(operation, "PUT", url, headers, body, repeatable=again)
        await self._connection.call(request)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.put`. What the server confirms is what it says of the file afterwards."""
        place = self._connection.place
        whole, headers = place.path_of(path), self._headers(carried, digests)
        if place.flavour == "plain":
            hidden = self._beside(path, self._leftovers.name())
            try:
                await self._put_into(path, hidden, body, headers)
                await self._appear(hidden, path, headers, condition)
            except BaseException:
                await self._clean(hidden)
                raise
            return await self._confirmed(path, digests, len(body) if condition.absent else None)
        await self._put_into(path, whole, body, headers | conditions(condition))
        return await self._confirmed(path, digests)

    async def _put_into(self, path: str, whole: str, body: bytes | memoryview, headers: dict[str, str]) -> None:
        """PUT, its folder made before; once more where the folder that was thought to be there is not."""
        above = path.rpartition("/")[0]
        await self._folders.need(above)
        try:
            await self._put(whole, body, headers, "Put")
        except NoParent:
            self._folders.forget(above)
            await self._folders.need(above)
            await self._put(whole, body, headers, "Put")

    def _hidden(self, path: str, attempt: str) -> str:
        """Where a large file stands until it is whole: under a name that is bound to the attempt."""
        return self._beside(path, unfinished(attempt))

    def _beside(self, path: str, name: str) -> str:
        above = path.rpartition("/")[0]
        return self._connection.place.path_of(f"{above}/{name}" if above else name)

    async def _appear(self, hidden: str, path: str, headers: Mapping[str, str], condition: Precondition) -> None:
        """Give the file its name. Raises Conflict.

        Where the answer is lost, the hidden name tells what became of it: it is gone if the file has its own.
        """
        whole = self._connection.place.path_of(path)
        if condition.revision is not None:
            there = await self._connection.look(whole)
            if there is None or there.folder or revision_of(there) != condition.revision:
                raise Conflict("it is no longer what was expected")
        elif not condition.absent and (there := await self._connection.look(whole)) is not None and there.folder:
            raise Conflict("a folder stands where the file is to be")  # MOVE would replace it with all that is in it
        headers = {"Overwrite": "F" if condition.absent else "T", **headers}
        try:
            await self._connection.move(hidden, whole, headers)
        except (OutcomeUnknown, Transient) as error:
            await self._lost(hidden, whole, condition, error)

    async def _lost(self, hidden: str, whole: str, condition: Precondition, error: HaulageError) -> None:
        """Find out what became of a move whose answer was lost, or was trouble (Q19); returns if it was done."""
        if await self._connection.look(hidden) is None:
            if isinstance(error, OutcomeUnknown):
                return
            raise OutcomeUnknown(error.message) from error
        if condition.absent and await self._connection.look(whole) is not None:
            raise Conflict("something of that name has come into being") from error
        raise Transient(f"the file did not get its name ({error.message})") from error

    async def _clean(self, hidden: str) -> None:
        """Remove an attempt's own file, even while being cancelled; an error there is not the one that counts."""
        with suppress(HaulageError):
            await asyncio.shield(asyncio.ensure_future(self._connection.remove(hidden)))

    async def _confirmed(self, path: str, digests: Mapping[str, str], new_bytes: int | None = None) -> Written:
        """What the server says of the file that was written. Raises OutcomeUnknown where it is not there.

        new_bytes: its size, where nothing was there before and size, date and ETag are all that is wanted.
        """
        whole = self._connection.place.path_of(path)
        there = await (self._connection.look(whole) if new_bytes is None else self._heads.look(whole, new_bytes))
        if there is None or there.folder:
            raise OutcomeUnknown("the file is not there after it was written")
        hashes = self._checked(there, digests)
        return Written(path, revision_of(there), there.size, hashes, there.modified_us)

    def _checked(self, there: Entry, digests: Mapping[str, str]) -> dict[str, str]:
        """Hashes that the server itself stands for: ownCloud's alone, which refuses what does not fit (Q11)."""
        if self._connection.place.flavour != "owncloud":
            return {}
        hashes = hashes_of(there)
        if "sha1" in digests and hashes.get("sha1", digests["sha1"]) != digests["sha1"]:
            raise Mismatch(f"the server has SHA-1 {hashes['sha1']}, sent was {digests['sha1']}")
        return hashes


def conditions(condition: Precondition) -> dict[str, str]:
    """The headers that make a PUT conditional, where the server heeds them."""
    if condition.absent:
        return {"If-None-Match": "*"}
    return {"If-Match": f'"{condition.revision}"'} if condition.revision is not None else {}
