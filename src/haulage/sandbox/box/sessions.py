"""Box's chunked uploads: sessions, parts, commit."""

import asyncio
import base64
import binascii
import re
from typing import Any

from haulage.sandbox.box.desk import UPLOAD, paged
from haulage.sandbox.box.errors import inner, refuse, wrong
from haulage.sandbox.box.model import Part, Session
from haulage.sandbox.box.texts import dated
from haulage.sandbox.box.uploads import UploadDesk
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer

SESSION_SECONDS = 7 * 86400.0
MIB = 1 << 20
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
MISSING = {"folder_id": "missing_destination", "file_size": "missing_file_size", "file_name": "missing_file_name"}


def part_bytes(size: int) -> int:
    """How large the parts of a file of that size are: the server decides."""
    return (8 if size < 1 << 30 else 32 if size < 4 << 30 else 64) * MIB


class Sessions(UploadDesk):
    """Source: developer.box.com/guides/uploads/chunked, reference/resources/upload-session."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        base = "/api/2.0/files/upload_sessions"
        one, old = f"{base}/{{id}}", "/api/2.0/files/{file}/upload_sessions"
        name, source = "files_upload_sessions", "upload-session"
        return [
            Route("POST", UPLOAD, base, f"post_{name}", source, self.open),
            Route("POST", UPLOAD, old, "post_files_id_upload_sessions", source, self.open_version),
            Route("PUT", UPLOAD, one, f"put_{name}_id", source, self.part),
            Route("GET", UPLOAD, one, f"get_{name}_id", source, self.status),
            Route("DELETE", UPLOAD, one, f"delete_{name}_id", source, self.abort),
            Route("GET", UPLOAD, f"{one}/parts", f"get_{name}_id_parts", source, self.parts),
            Route("POST", UPLOAD, f"{one}/commit", f"post_{name}_id_commit", source, self.commit),
            Route("POST", UPLOAD, f"{one}/plan", f"post_{name}_id_plan", source, self.plan),
        ]

    async def open(self, call: Call) -> Answer:
        """A session for a new file; checks all that a preflight checks."""
        document = await self.document(call)
        for field, code in MISSING.items():
            if document.get(field) in (None, ""):
                raise refuse(call, 400, code)
        wanted = {**document, "name": document["file_name"], "parent": {"id": str(document["folder_id"])}}
        size = self._large(call, document)
        parent, name = self.check(call, wanted)
        return self._opened(call, Session("", self.user(call), parent.id, name, size, part_bytes(size), 0.0))

    async def open_version(self, call: Call) -> Answer:
        """A session for a new version."""
        document = await self.document(call)
        if document.get("file_size") in (None, ""):
            raise refuse(call, 400, "missing_file_size")
        size = self._large(call, document)
        item, name = self.check_version(call, call.params["file"], {**document, "name": document.get("file_name")})
        made = Session("", self.user(call), item.parent, name, size, part_bytes(size), 0.0, file=item.id)
        return self._opened(call, made)

    def _large(self, call: Call, document: dict[str, Any]) -> int:
        size = document["file_size"]
        smallest = self.store.smallest_session_bytes
        if not isinstance(size, int) or size < smallest:
            raise refuse(call, 400, "file_size_too_small", f"The file is smaller than {smallest} bytes")
        return size

    def _opened(self, call: Call, session: Session) -> Answer:
        self.store.state.made += 1
        session.id = self.world.ids.hex("box", "session", self.store.state.made, count=32).upper()
        session.part_size = self.store.part_bytes or session.part_size
        session.expires_at = self.world.clock.now() + SESSION_SECONDS
        self.store.state.sessions[session.id] = session
        return json_answer(self._shape(call, session), 201)

    def _shape(self, call: Call, session: Session) -> dict[str, Any]:
        base = f"{call.at(UPLOAD)}/api/2.0/files/upload_sessions/{session.id}"
        words = {"list_parts": "parts", "commit": "commit", "log_event": "log", "plan": "plan"}
        ends = {"upload_part": base, "abort": base, "status": base} | {k: f"{base}/{v}" for k, v in words.items()}
        return {
            "type": "upload_session",
            "id": session.id,
            "session_expires_at": dated(session.expires_at),
            "part_size": session.part_size,
            "total_parts": -(-session.size // session.part_size),
            "num_parts_processed": len(session.parts),
            "session_endpoints": ends,
        }

    def _session(self, call: Call) -> Session:
        """The session of the call. Raises Refusal."""
        found = self.store.state.sessions.get(call.params["id"])
        if found is None or call.fault("session_lost") is not None:
            raise refuse(call, 404, "not_found")
        if found.user != self.user(call):
            raise refuse(call, 403, "forbidden")
        if self.world.clock.now() > found.expires_at:
            raise refuse(call, 410, "session_expired")
        return found

    def _range(self, call: Call, session: Session) -> tuple[int, int]:
        """Offset and size of the part that is sent. Raises Refusal."""
        found = CONTENT_RANGE.fullmatch(call.headers.get("Content-Range", "").strip())
        if not found:
            raise refuse(call, 400, "bad_request", "The header Content-Range is missing or malformed")
        first, last, total = map(int, found.groups())
        size = last + 1 - first
        if total != session.size or last >= session.size or size < 1:
            raise refuse(call, 416, "range_not_satisfiable", "The part is not within the session's file")
        whole = size == session.part_size or last + 1 == session.size
        if first % session.part_size or not whole or size > session.part_size:
            raise refuse(call, 400, "invalid_part_size", "The part must begin and end where the session's parts do")
        return first, size

    async def part(self, call: Call) -> Answer:
        """Take one part; what was taken does not change any more."""
        session = self._session(call)
        offset, size = self._range(call, session)
        told = self._digest(call)
        if offset in session.parts:
            raise refuse(call, 409, "range_overlaps_existing_part")
        draft = await call.draft(self.world.contents)
        if draft.size != size:
            raise refuse(call, 400, "bad_request", "The body is not as long as the header Content-Range says")
        content = draft.content()
        await asyncio.to_thread(self.world.contents.hash, content, "sha1")
        digest = self.world.contents.digest(content, "sha1")
        if digest != told:
            raise refuse(call, 412, "precondition_failed", "The part is not what its header Digest says")
        if offset in session.parts:
            raise refuse(call, 409, "range_overlaps_existing_part")
        part_id = self.world.ids.hex("box", "part", session.id, offset, count=8).upper()
        made = Part(part_id, offset, content, digest.hex())
        if call.fault("part_lost") is None:
            session.parts[offset] = made
        return json_answer({"part": _shown(made)})

    def _digest(self, call: Call) -> bytes:
        """The SHA-1 of the header `Digest: sha=BASE64`. Raises Refusal."""
        kind, _, text = call.headers.get("Digest", "").partition("=")
        try:
            digest = base64.b64decode(text, validate=True)
        except binascii.Error:
            digest = b""
        if kind.strip().lower() != "sha" or len(digest) != 20:
            raise refuse(call, 400, "bad_digest", "The header Digest must be sha= and a SHA-1 in base64")
        return digest

    def status(self, call: Call) -> Answer:
        """How far it is."""
        return json_answer(self._shape(call, self._session(call)))

    def parts(self, call: Call) -> Answer:
        """The parts that were taken, by offset."""
        session = self._session(call)
        limit, offset = self.limit(call, 1000), self.offset(call)
        shown = [_shown(session.parts[at]) for at in sorted(session.parts)]
        return json_answer(paged(shown[offset : offset + limit], len(shown), offset, limit))

    async def commit(self, call: Call) -> Answer:
        """Make the file of its parts: 201, or 202 while the service is still at it and wants to be asked again."""
        session = self._session(call)
        document = await self.document(call)
        told = self._digest(call)
        if session.done:
            return await self._again(call, session)
        parts = self._all(call, session, document.get("parts"))
        session.asked += 1
        if (session.asked == 1 and self._slow(session)) or call.fault("not_ready") is not None:
            return Answer(202, {"Retry-After": "1"})
        content = self.world.contents.join([one.content for one in parts])
        await self.hashed([content])
        if self.world.contents.digest(content, "sha1") != told:
            raise refuse(call, 400, "bad_digest")
        if session.done:  # by another commit, while this one was hashing
            return await self._again(call, session)
        return await self._finish(call, session, content, inner(call, document, "attributes"))

    async def _again(self, call: Call, session: Session) -> Answer:
        """What was answered to the commit that made the file."""
        found = self.store.find(session.done)
        if found is None:
            raise refuse(call, 404, "not_found")
        return await self.listed(call, found)

    def _slow(self, session: Session) -> bool:
        """Whether the service takes its time over this one, as it does now and then: one in four."""
        return self.world.ids.number("box", "commit", session.id, below=4) == 0

    def _all(self, call: Call, session: Session, told: Any) -> list[Part]:
        """The parts, where those that the client names are those that there are, and complete. Raises Refusal."""
        by_id = {one.id: one for one in session.parts.values()}
        for one in told if isinstance(told, list) else []:
            if not isinstance(one, dict):
                raise wrong(call, "parts", "is no list of parts")
            part = by_id.get(str(one.get("part_id", "")))
            if part is None or (part.offset, part.content.size) != (one.get("offset"), one.get("size")):
                raise refuse(call, 400, "parts_mismatch", f"No matching part found on server for {one}")
        parts = [session.parts[at] for at in sorted(session.parts)]
        named = len(told) if isinstance(told, list) else 0
        if sum(one.content.size for one in parts) != session.size or named != len(parts):
            raise refuse(call, 400, "parts_mismatch", "The parts do not make up the whole file")
        return parts

    async def _finish(self, call: Call, session: Session, content: Content, attributes: dict[str, Any]) -> Answer:
        dates = self.dates(call, attributes)
        wanted = {"name": session.name, "parent": {"id": session.folder}, "size": session.size}
        if session.folder.startswith("0/"):
            wanted["parent"] = {"id": "0"}
        try:
            if session.file:
                item, name = self.check_version(call, session.file, wanted)
                self.matches(call, item)
                made = self.replace(call, item, name, content, dates)
            else:
                parent, name = self.check(call, wanted)
                made = self.create(call, parent, name, content, dates)
        except Refusal:
            session.asked = 0
            raise
        session.done = made.id
        return await self.listed(call, made)

    def abort(self, call: Call) -> Answer:
        """Give it up."""
        session = self._session(call)
        del self.store.state.sessions[session.id]
        return Answer(204)

    async def plan(self, call: Call) -> Answer:
        """Which parts the service has already, from other files: none."""
        session = self._session(call)
        document = await self.document(call)
        return json_answer({"upload_session_id": session.id, "hits": [], "misses": document.get("parts", [])})


def _shown(part: Part) -> dict[str, Any]:
    return {"part_id": part.id, "offset": part.offset, "size": part.content.size, "sha1": part.sha1}
