"""Writing content: in one request with its facts, or resumable, in chunks whose last one makes the file (Q9)."""

import base64
import mimetypes
import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import msgspec

from haulage.model.errors import Mismatch, OutcomeUnknown, SessionGone, Transient
from haulage.model.item import Carried
from haulage.services.contract import Json
from haulage.services.google.calls import JSON_TYPE, ORIGIN, UPLOAD, Calls, address, decoded
from haulage.services.google.exports import APPS
from haulage.services.google.files import FIELDS, File, time_text
from haulage.services.google.refusals import CHUNK, STATUS, BytesMissing
from haulage.services.google.traits import CHUNK_STEP_BYTES
from haulage.services.transport import Answer, Request

PLAIN_TYPE = "application/octet-stream"
ROUNDS = 4
_RANGE = re.compile(r"bytes=0-([0-9]+)")


def facts_of(name: str, carried: Carried) -> dict[str, Any]:
    """What a file's metadata is to say. A type of Google's own would make a document of it, and is left out."""
    told = (carried.content_type or "").partition(";")[0].strip().lower()
    if not told or told == PLAIN_TYPE or told.startswith(APPS) or "/" not in told:
        told = mimetypes.guess_type(name)[0] or PLAIN_TYPE
    facts = {"mimeType": told}
    if carried.modified_us is not None and (text := time_text(carried.modified_us)) is not None:
        facts["modifiedTime"] = text
    return facts


class Uploads:
    """Writes content in one person's name."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._held: dict[str, int] = {}

    async def at_once(self, file_id: str | None, facts: Mapping[str, Any], body: bytes | memoryview) -> File:
        """One request: a new file (facts say under which id), or the new content of the one of that id.

        Raises IdInUse where an earlier request, whose answer was lost, has made it; OutcomeUnknown for an update.
        """
        boundary = secrets.token_hex(16)
        head = (
            f"--{boundary}\r\nContent-Type: {JSON_TYPE}\r\n\r\n{msgspec.json.encode(facts).decode()}\r\n"
            f"--{boundary}\r\nContent-Type: {facts['mimeType']}\r\n\r\n"
        )
        whole = b"".join((head.encode(), body, f"\r\n--{boundary}--\r\n".encode()))
        headers = {"Content-Type": f"multipart/related; boundary={boundary}", "Accept": "application/json"}
        method, url = _target(file_id, "multipart")
        operation = "CreateFile" if file_id is None else "UpdateFile"
        request = Request(operation, method, url, headers, whole, repeatable=file_id is None)
        return decoded(await self._calls.transport.call(request), operation, File)

    async def begin(self, file_id: str | None, facts: Mapping[str, Any], size: int) -> str:
        """A session: the path and query of its address, which is its own permission. Likewise new, or an update."""
        method, url = _target(file_id, "resumable")
        headers = {
            "Content-Type": JSON_TYPE,
            "X-Upload-Content-Type": facts["mimeType"],
            "X-Upload-Content-Length": str(size),
        }
        answer = await self._calls.transport.call(
            Request("BeginUpload", method, url, headers, msgspec.json.encode(facts))
        )
        location = answer.headers.get("Location", "")
        if not location:
            raise Transient("Google: the answer to BeginUpload tells of no upload: somebody else gave it")
        if not location.startswith(f"{ORIGIN}/"):
            raise Mismatch("Google: the answer to BeginUpload names no address of its own to upload to")
        session = location.removeprefix(ORIGIN)
        self._held[session] = 0
        return session

    async def part(self, state: Json, offset: int, body: memoryview) -> Json:
        """Send one part, but for its last bytes where it is the last of all: they make the file, in `finish`."""
        receipt: Json = {"size": len(body)}
        sent = len(body)
        if offset + len(body) == state["size"]:
            kept = len(body) % CHUNK_STEP_BYTES or min(CHUNK_STEP_BYTES, len(body))
            receipt["tail"] = base64.b64encode(body[len(body) - kept :]).decode()
            sent -= kept
        sent -= sent % CHUNK_STEP_BYTES
        await self._send(state, offset, body[:sent])
        return receipt

    async def _send(self, state: Json, offset: int, body: memoryview) -> None:
        """Send what the service lacks of these bytes: it may have some already, and may keep fewer than were sent."""
        session, end = state["session"], offset + len(body)
        held = self._held.pop(session, None)
        for _ in range(ROUNDS):
            if held is None:
                held = await self._asked(state)
            if held < offset:
                raise SessionGone(f"the upload stands at byte {held}, before the part from {offset} on")
            if held >= end:
                self._held[session] = held
                return
            try:
                answer = await self._put(state, held, body[held - offset :])
                held = _stored(answer)
            except (OutcomeUnknown, BytesMissing):
                held = None
        raise Transient("Google takes no more bytes of the upload")

    async def _put(self, state: Json, first: int, body: bytes | memoryview) -> Answer:
        last = first + len(body) - 1
        headers = {"Content-Range": f"bytes {first}-{last}/{state['size']}", "Content-Type": PLAIN_TYPE}
        request = Request(CHUNK, "PUT", f"{ORIGIN}{state['session']}", headers, body, repeatable=False)
        return await self._calls.transport.call(request)

    async def _status(self, state: Json) -> Answer:
        headers = {"Content-Range": f"bytes */{state['size']}"}
        return await self._calls.transport.call(Request(STATUS, "PUT", f"{ORIGIN}{state['session']}", headers, b""))

    async def _asked(self, state: Json) -> int:
        return _stored(await self._status(state))

    async def held(self, state: Json) -> Mapping[int, Json] | None:
        """Receipts of the whole parts that the session has; None where it is gone, or has become a file."""
        try:
            held = self._held[state["session"]] = await self._asked(state)
        except SessionGone:
            return None
        size = int(state["part_bytes"])
        return {number: {"number": number, "size": size} for number in range(1, held // size + 1)}

    async def finish(self, state: Json, tail: bytes) -> File:
        """Send the last bytes. Where the answer is lost, the session is asked. Raises OutcomeUnknown, Transient."""
        self._held.pop(state["session"], None)
        try:
            answer = await self._put(state, state["size"] - len(tail), tail)
        except OutcomeUnknown:
            answer = await self._status(state)
        if answer.status == 308:
            raise Transient(f"Google holds {_stored(answer)} bytes of {state['size']} after the last one was sent")
        try:
            return decoded(answer, CHUNK, File)
        except (Mismatch, Transient) as error:  # it may have been made a file of, whoever answered
            raise OutcomeUnknown(error.message) from error

    def forget(self, state: Json) -> None:
        """It is not gone on with."""
        self._held.pop(state.get("session", ""), None)


def whole_receipts(state: Json) -> dict[int, Json]:
    """Receipts of all parts of an upload that has become a file: there is nothing left to send."""
    size, step = int(state["size"]), int(state["part_bytes"])
    lengths = [min(step, size - first) for first in range(0, size, step)]
    return {number: {"number": number, "size": length} for number, length in enumerate(lengths, 1)}


def _target(file_id: str | None, kind: str) -> tuple[str, str]:
    query = _query(kind)
    return ("POST", f"{UPLOAD}{query}") if file_id is None else ("PATCH", f"{UPLOAD}/{quote(file_id, safe='')}{query}")


@cache
def _query(kind: str) -> str:
    return address("", {"uploadType": kind, "fields": FIELDS})


def _stored(answer: Answer) -> int:
    """How many bytes the session has, as its answer says.

    Raises SessionGone where it has become a file; Transient where somebody else answered, for no file is told of.
    """
    if answer.status != 308:
        decoded(answer, CHUNK, File)
        raise SessionGone("the upload has come to its end already")
    found = _RANGE.fullmatch(answer.headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0
