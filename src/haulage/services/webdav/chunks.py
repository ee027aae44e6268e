"""Large files on Nextcloud and ownCloud: chunks in a folder of the upload's own, put together by the server.

https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html (2026-11).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from haulage.model.errors import Conflict, Gone, Mismatch, OutcomeUnknown, SessionGone, ShortRead
from haulage.model.item import Carried, Written
from haulage.services.contract import Json, Precondition
from haulage.services.transport import Request
from haulage.services.webdav.judge import Exists, NoParent
from haulage.services.webdav.place import encoded, unfinished
from haulage.services.webdav.reading import revision_of
from haulage.services.webdav.sending import Sending


class Chunks(Sending):
    """The part of a cloud drive that uploads in parts. State: {"path", "attempt", "size", "headers"}.

    A receipt: {"number", "size"}.
    """

    async def _room_for(self, size: int) -> None:
        """Raise QuotaFull where the server says that there is no room; the whole drive knows how to ask."""
        raise NotImplementedError

    def _folder(self, state: Json) -> str:
        """Of this attempt at this file: all of a user's uploads lie side by side."""
        place = self._connection.place
        return place.uploads(unfinished(f"{state['attempt']} {place.path_of(state['path'])}").removeprefix("."))

    def _along(self, state: Json) -> dict[str, str]:
        """What goes with every call of an upload: where the file is to be, and how long it is (Q12)."""
        destination = encoded(self._connection.place.path_of(state["path"]))
        return {"Destination": self._connection.place.origin + destination, "OC-Total-Length": str(state["size"])}

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """See `Drive.begin`. The condition is for `finish` alone."""
        await self._folders.need(path.rpartition("/")[0])
        await self._room_for(size)
        state = {"path": path, "attempt": attempt, "size": size, "headers": self._headers(carried, {})}
        with suppress(Exists):  # its answer was lost the first time: nobody else's attempt has this name
            await self._connection.make(self._folder(state), self._along(state))
        return state

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See `Drive.put_part`."""
        url = self._connection.place.url(f"{self._folder(state)}/{number:05d}")
        headers = {**self._along(state), "Content-Type": "application/octet-stream"}
        try:
            await self._connection.call(Request("PutChunk", "PUT", url, headers, body))
        except NoParent as error:
            raise SessionGone("the server has forgotten the upload") from error
        return {"number": number, "size": len(body)}

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """See `Drive.parts`."""
        try:
            entries = await self._connection.listing(self._folder(state))
        except Gone:
            return None
        names = ((entry.path.rpartition("/")[2], entry.size) for entry in entries if not entry.folder)
        found = {int(name): size for name, size in names if len(name) == 5 and name.isdecimal() and size is not None}
        return {number: {"number": number, "size": found[number]} for number in sorted(found)}

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.finish`. The chunks that the server holds are counted before it puts them together."""
        total = sum(receipt["size"] for receipt in receipts)
        numbers = [receipt["number"] for receipt in receipts]
        if total != state["size"] or numbers != list(range(1, len(numbers) + 1)):
            raise ShortRead(f"the parts hold {total} bytes of {state['size']} in {len(numbers)} parts")
        held = await self.parts(state)
        if held is None:
            raise SessionGone("the server has forgotten the upload")
        if {number: part["size"] for number, part in held.items()} != {one["number"]: one["size"] for one in receipts}:
            raise Mismatch("the server holds other chunks than those that were sent")
        await self._still(state["path"], condition)
        headers = {**self._along(state), **state["headers"], **self._headers(Carried(), digests)}
        headers["Overwrite"] = "F" if condition.absent else "T"
        if condition.revision is not None:  # RFC 4918, 10.4: a condition on another address than the one that is called
            headers["If"] = f'<{headers["Destination"]}> (["{condition.revision}"])'
        await self._assemble(state, headers)
        return await self._confirmed(state["path"], digests)

    async def _assemble(self, state: Json, headers: dict[str, str]) -> None:
        """Raises Conflict, SessionGone, OutcomeUnknown: it may go on after the answer was given up (Q13)."""
        url = self._connection.place.url(f"{self._folder(state)}/.file")
        try:
            await self._connection.call(Request("Assemble", "MOVE", url, headers, repeatable=False))
        except SessionGone as error:
            raise OutcomeUnknown(error.message) from error

    async def _still(self, path: str, condition: Precondition) -> None:
        """Look before the chunks are put together, too. Raises Conflict."""
        if condition == Precondition():
            return
        there = await self._connection.look(self._connection.place.path_of(path))
        if (condition.absent and there is not None) or (
            condition.revision is not None and (there is None or revision_of(there) != condition.revision)
        ):
            raise Conflict("something else is there than what was expected")

    async def abort(self, state: Json) -> None:
        """See `Drive.abort`. The folder of chunks is the attempt's own; a finished upload has none any more."""
        await self._connection.remove(self._folder(state), folder=True)
