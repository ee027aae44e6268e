"""Resumable uploads: one address, chunks in order, and a service that can be asked how far it has come.

https://cloud.google.com/storage/docs/performing-resumable-uploads (2026-11).
"""

import base64
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from haulage.model.errors import Conflict, Mismatch, OutcomeUnknown, SessionGone, ShortRead, Transient
from haulage.model.item import Carried, Item, Written
from haulage.services.contract import Json, Precondition
from haulage.services.digests import base64_of
from haulage.services.gcs import traits
from haulage.services.gcs.carry import hashes_of, modified_us, resource_of
from haulage.services.gcs.judge import BEGIN, CANCEL, CHUNK, STATUS
from haulage.services.gcs.place import Place
from haulage.services.gcs.traits import CHUNK_STEP_BYTES
from haulage.services.gcs.wire import OBJECT_FIELDS, Object, read
from haulage.services.transport import Answer, Request, Transport

JSON_TYPE = {"Content-Type": "application/json; charset=UTF-8"}
ROUNDS = 4
_RANGE = re.compile(r"bytes=0-([0-9]+)")


def condition_query(condition: Precondition) -> str:
    """The query that makes a write conditional; "" for none."""
    if condition.absent:
        return "&ifGenerationMatch=0"
    return f"&ifGenerationMatch={quote(condition.revision, safe='')}" if condition.revision is not None else ""


def written_of(path: str, body: bytes, operation: str) -> Written:
    """What the answer to a finished write confirms. Raises OutcomeUnknown where it is no object's resource."""
    try:
        found = read(body, Object, operation)
    except Transient as error:
        raise OutcomeUnknown(error.message) from error
    size = int(found.size) if found.size is not None and found.size.isdecimal() else None
    return Written(path, found.generation, size, hashes_of(found), modified_us(found))


class Uploads:
    """The part of a drive that uploads in parts.

    State: {"path", "attempt", "size", "part_bytes", "session" (path and query of the upload's address)}.
    A receipt: {"number", "size"}, the last one also "tail": the bytes that are kept back for `finish` (base64, at most
    256 KiB), because the file is there as soon as the last byte is.
    """

    _place: Place
    _transport: Transport
    _held: dict[str, int]
    """How many bytes the service holds, by session: as far as this process has heard."""

    async def item(self, path: str) -> Item | None:
        """See `Drive.item`."""
        raise NotImplementedError

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """See `Drive.begin`. The condition is bound to the upload: the service looks at it when the last byte comes."""
        name = quote(self._place.name_of(path), safe="")
        query = f"uploadType=resumable&name={name}&fields={OBJECT_FIELDS}{condition_query(condition)}"
        body = msgspec.json.encode(resource_of(carried, {}))
        headers = JSON_TYPE | {"X-Upload-Content-Length": str(size)}
        answer = await self._transport.call(Request(BEGIN, "POST", self._place.upload_url(query), headers, body))
        session = self._place.session_of(answer.headers.get("Location", ""))
        if not session:
            raise Transient(f"{BEGIN}: the answer names no upload")
        self._held[session] = 0
        return {
            "path": path,
            "attempt": attempt,
            "size": size,
            "part_bytes": traits.part_bytes(size),
            "session": session,
        }

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """See `Drive.put_part`. What the service holds already is not sent again; a gap is refused."""
        receipt: Json = {"number": number, "size": len(body)}
        end = offset + len(body)
        if end == state["size"]:
            kept = len(body) % CHUNK_STEP_BYTES or min(CHUNK_STEP_BYTES, len(body))
            receipt["tail"] = base64.b64encode(body[len(body) - kept :]).decode()
            end -= kept
        await self._send(state, offset, body, end)
        return receipt

    async def _send(self, state: Json, offset: int, body: memoryview, end: int) -> None:
        """Send what the service lacks of the bytes up to `end`; `body` begins at `offset`.

        It may keep fewer bytes than it was sent, and an answer may be lost: then it is asked, and goes on from there.
        """
        session = state["session"]
        held = self._held.get(session)
        for _ in range(ROUNDS):
            if held is None:
                held = await self._ask(state)
            if held is None:
                raise SessionGone("the upload is over, or no longer known")
            if held < offset:
                raise Mismatch(f"a part begins at byte {offset}, and the service holds {held}")
            if held >= end:
                return
            before = held
            answer = await self._chunk(state, held, body[held - offset : end - offset], {})
            held = None if answer is None else self._note(session, answer)
            if held is not None and held <= before:
                break
        raise Transient("the service takes no more bytes of the upload")

    async def _chunk(self, state: Json, first: int, body: bytes | memoryview, headers: dict[str, str]) -> Answer | None:
        """Send bytes of the file from `first` on; None where nobody knows what became of them."""
        headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{state['size']}"
        request = Request(CHUNK, "PUT", self._place.base + state["session"], headers, body, repeatable=False)
        try:
            return await self._transport.call(request)
        except OutcomeUnknown:
            self._held.pop(state["session"], None)
            return None

    def _note(self, session: str, answer: Answer) -> int:
        """How many bytes the service holds, as its answer says. A whole file is no answer to bytes before its end."""
        if answer.status != 308:
            raise SessionGone("the service ended the upload before its last byte")
        match = _RANGE.fullmatch(answer.headers.get("Range", ""))
        self._held[session] = int(match[1]) + 1 if match else 0
        return self._held[session]

    async def _ask(self, state: Json) -> int | None:
        """How many bytes the service holds; None where the upload is over or gone."""
        headers = {"Content-Range": f"bytes */{state['size']}"}
        request = Request(STATUS, "PUT", self._place.base + state["session"], headers, b"")
        try:
            answer = await self._transport.call(request)
            return self._note(state["session"], answer)
        except SessionGone:
            self._held.pop(state["session"], None)
            return None

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """See `Drive.parts`. Whole parts only: what is held of the next one is gone on with by `put_part`."""
        held = await self._ask(state)
        if held is None:
            return None
        count = held // state["part_bytes"]
        return {number: {"number": number, "size": state["part_bytes"]} for number in range(1, count + 1)}

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """See `Drive.finish`. The service checks the CRC32C of the whole before the object is there."""
        total = sum(receipt["size"] for receipt in receipts)
        numbers = [receipt["number"] for receipt in receipts]
        if total != state["size"] or numbers != list(range(1, len(numbers) + 1)):
            raise ShortRead(f"the parts hold {total} bytes of {state['size']} in {len(numbers)} parts")
        await self._still(state, condition)
        tail = base64.b64decode(receipts[-1]["tail"])
        headers = {"X-Goog-Hash": f"crc32c={base64_of(digests['crc32c'])}"} if "crc32c" in digests else {}
        answer = await self._chunk(state, total - len(tail), tail, headers)
        if answer is None:
            raise OutcomeUnknown(f"{CHUNK}: the answer to the last bytes was lost")
        if answer.status == 308:
            held = self._note(state["session"], answer)
            raise Transient(f"{CHUNK}: the service holds {held} bytes of {total} after the last one was sent")
        self._held.pop(state["session"], None)
        return written_of(state["path"], answer.body, CHUNK)

    async def _still(self, state: Json, condition: Precondition) -> None:
        """Look before the last byte is sent, too: the condition was given when the upload began. Raises Conflict."""
        if condition == Precondition():
            return
        there = await self.item(state["path"])
        if (condition.absent and there is not None) or (
            condition.revision is not None and (there is None or there.revision != condition.revision)
        ):
            raise Conflict("something else is there than what was expected")

    async def abort(self, state: Json) -> None:
        """See `Drive.abort`. An upload that nobody heard the address of holds no byte, and ends by itself in a week."""
        session = state.get("session")
        if not session:
            return
        self._held.pop(session, None)
        try:
            await self._transport.call(Request(CANCEL, "DELETE", self._place.base + session, {}, b""))
        except SessionGone:
            return
