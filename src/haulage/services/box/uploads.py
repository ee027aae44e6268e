"""Writing content: in one request with its facts, or in a session whose parts the service sizes (Q7, Q8)."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from haulage.model.errors import Conflict, Mismatch, OutcomeUnknown, SessionGone
from haulage.model.item import Carried
from haulage.services.box.calls import NEW_FILE, NEW_VERSION, UPLOAD, Calls, decoded
from haulage.services.box.items import Entry, Uploaded, time_text
from haulage.services.box.refusals import ABORT, COMMIT, PART, PARTS, PartThere
from haulage.services.contract import Json
from haulage.services.transport import Request

PARTS_PAGE = 1000


class Opened(msgspec.Struct):
    """A new session. part_size: what the service wants, in bytes."""

    id: str
    part_size: int


class Part(msgspec.Struct):
    """A part that the service has."""

    part_id: str
    offset: int
    size: int
    sha1: str


class _Taken(msgspec.Struct):
    part: Part


class _Parts(msgspec.Struct):
    entries: list[Part]
    total_count: int


def dates_of(carried: Carried) -> dict[str, str]:
    """The times that a file is to have."""
    told = {"content_modified_at": carried.modified_us, "content_created_at": carried.created_us}
    known = {name: time_text(micros) for name, micros in told.items() if micros is not None and micros >= 0}
    return {name: text for name, text in known.items() if text is not None}


async def at_once(
    calls: Calls, file_id: str | None, facts: Mapping[str, Any], body: bytes | memoryview, sha1: str, etag: str | None
) -> Entry:
    """One request: a new file, or a new version of the one of that id, if it still has that etag."""
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n'
        f"{msgspec.json.encode(facts).decode()}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    whole = b"".join((head.encode(), body, f"\r\n--{boundary}--\r\n".encode()))
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-MD5": sha1, **calls.headers}
    headers |= {"If-Match": etag} if etag is not None else {}
    url = f"{UPLOAD}/files/{file_id}/content" if file_id else f"{UPLOAD}/files/content"
    operation = NEW_VERSION if file_id else NEW_FILE
    answer = await calls.transport.call(Request(operation, "POST", url, headers, whole, repeatable=False))
    return _only(decoded(answer, operation, Uploaded))


def _only(made: Uploaded) -> Entry:
    if len(made.entries) != 1:
        raise Mismatch("Box: the answer to an upload is about another number of files")
    return made.entries[0]


async def begin(calls: Calls, file_id: str | None, folder_id: str, name: str, size: int) -> Opened:
    """A session, for a new file or a new version."""
    if file_id is not None:
        url, body = f"{UPLOAD}/files/{file_id}/upload_sessions", dict[str, Any](file_size=size)
    else:
        url = f"{UPLOAD}/files/upload_sessions"
        body = {"file_size": size, "file_name": name, "folder_id": folder_id}
    return await calls.send("CreateUploadSession", "POST", url, body, Opened, repeatable=True)


def _address(state: Json, action: str = "") -> str:
    return f"{UPLOAD}/files/upload_sessions/{state['session']}{action}"


async def part(calls: Calls, state: Json, offset: int, body: memoryview, digest: str | None) -> list[Json]:
    """Send the bytes in as many parts as the service wants, side by side. Returns what the commit has to name."""
    step = int(state["part_bytes"])
    if offset % step:
        raise Mismatch(f"Box wants parts of {step} bytes, which byte {offset} begins none of")
    if digest is not None and len(body) > step and await asyncio.to_thread(_sha1, body) != digest:
        raise Mismatch("the bytes of a part are not those that its hash was made of")
    pieces = [(offset + at, body[at : at + step]) for at in range(0, len(body), step)]
    whole = digest if len(pieces) == 1 else None
    sending = [asyncio.ensure_future(_piece(calls, state, where, piece, whole)) for where, piece in pieces]
    try:
        return await asyncio.gather(*sending)
    finally:
        for one in sending:  # where one was refused, the others are of no use
            one.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


def _sha1(body: memoryview) -> str:
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()


async def _piece(calls: Calls, state: Json, offset: int, piece: memoryview, digest: str | None) -> Json:
    sha1 = digest if digest is not None else await asyncio.to_thread(_sha1, piece)
    headers = {
        "Content-Type": "application/octet-stream",
        "Digest": _digest(sha1),
        "Content-Range": f"bytes {offset}-{offset + len(piece) - 1}/{state['size']}",
        **calls.headers,
    }
    try:
        answer = await calls.transport.call(Request(PART, "PUT", _address(state), headers, piece))
        made = decoded(answer, PART, _Taken).part
    except PartThere:
        there = [one for one in await _there(calls, state) if one.offset == offset]
        if not there or there[0].size != len(piece) or there[0].sha1.lower() != sha1:
            raise SessionGone("the session has other bytes there, and takes none again") from None
        made = there[0]
    return {"part_id": made.part_id, "offset": made.offset, "size": made.size, "sha1": made.sha1}


def _digest(sha1: str) -> str:
    return "sha=" + base64.b64encode(bytes.fromhex(sha1)).decode()


async def _there(calls: Calls, state: Json) -> list[Part]:
    """All parts that the session has. Raises SessionGone."""
    found: list[Part] = []
    while True:
        url = _address(state, f"/parts?limit={PARTS_PAGE}&offset={len(found)}")
        page = await calls.get(PARTS, url, _Parts)
        found += page.entries
        if not page.entries or len(found) >= page.total_count:
            return found


async def held(calls: Calls, state: Json, wanted: int) -> dict[int, Json] | None:
    """Receipts of those of our parts (of `wanted` bytes) that the session has whole; None where it is gone."""
    try:
        there = {one.offset: one for one in await _there(calls, state)}
    except SessionGone:
        return None
    found, size, step = {}, int(state["size"]), int(state["part_bytes"])
    for number, first in enumerate(range(0, size, wanted), 1):
        last = min(first + wanted, size)
        pieces = [there[at] for at in range(first, last, step) if at in there]
        if sum(one.size for one in pieces) == last - first:
            found[number] = receipt_of(number, [msgspec.to_builtins(one) for one in pieces])
    return found


def receipt_of(number: int, pieces: list[Json]) -> Json:
    """What is kept of one of our parts."""
    return {"number": number, "size": sum(one["size"] for one in pieces), "parts": pieces}


async def commit(
    calls: Calls, state: Json, receipts: Sequence[Json], sha1: str, etag: str | None
) -> Entry:  # fmt: skip
    """The file that the parts make. Raises NameInUse, SessionGone, OutcomeUnknown.

    Box wants the same call again while it is not done (202), so whoever heard no answer may ask once more.
    """
    body = {"parts": [one for receipt in receipts for one in receipt["parts"]], "attributes": state["dates"]}
    headers = {"Digest": _digest(sha1)} | ({"If-Match": etag} if etag is not None else {})
    url = _address(state, "/commit")
    try:
        return _only(await calls.send(COMMIT, "POST", url, body, Uploaded, headers=headers))
    except OutcomeUnknown as unknown:
        try:
            return _only(await calls.send(COMMIT, "POST", url, body, Uploaded, headers=headers))
        except (Conflict, SessionGone):
            raise unknown from None


async def abort(calls: Calls, state: Json) -> None:
    """End the session; it being gone already is fine."""
    try:
        await calls.transport.call(Request(ABORT, "DELETE", _address(state), dict(calls.headers)))
    except SessionGone:
        return
