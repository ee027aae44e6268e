"""Dropbox's upload sessions: start, append, finish; in sequence or at once, one by one or in batches."""

from typing import Any

from haulage.sandbox.dropbox.jobs import Check, JobDesk
from haulage.sandbox.dropbox.model import Session
from haulage.sandbox.dropbox.transfer import Commit, ContentDesk
from haulage.sandbox.dropbox.wire import Arg, bad_input, failure, nested, route, tag_of, tagged
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call, Refusal

SESSION_SECONDS = 7 * 86400.0
LARGEST_BYTES = (1 << 41) - (1 << 22)
BLOCK_BYTES = 4 << 20
LARGEST_BATCH = 1000


class Start(Arg):
    """UploadSessionStartArg."""

    close: bool = False
    session_type: Any = None
    content_hash: str | None = None


class StartBatch(Arg):
    """UploadSessionStartBatchArg."""

    num_sessions: int
    session_type: Any = None


class Cursor(Arg):
    """UploadSessionCursor."""

    session_id: str
    offset: int


class Append(Arg):
    """UploadSessionAppendArg."""

    cursor: Cursor
    close: bool = False
    content_hash: str | None = None


class AppendEntry(Arg):
    """UploadSessionAppendBatchArgEntry."""

    cursor: Cursor
    length: int
    close: bool = False


class AppendBatch(Arg):
    """UploadSessionAppendBatchArg."""

    entries: list[AppendEntry]
    content_hash: str | None = None


class Finish(Arg):
    """UploadSessionFinishArg."""

    cursor: Cursor
    commit: Commit
    content_hash: str | None = None


class FinishBatch(Arg):
    """UploadSessionFinishBatchArg."""

    entries: list[Finish]


class Wrong(Exception):
    """The session cannot take that. error: the tag with what belongs to it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error[".tag"])
        self.error = error


class Sessions(ContentDesk, JobDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-upload_session-start."""

    def routes(self) -> list[Route]:
        """The routes."""
        name, source, write = "files/upload_session", "upload-session", "files.content.write"
        batch = f"{name}/finish_batch"
        return [
            route(f"{name}/start", source, Start, self.start, write, "upload"),
            route(f"{name}/start_batch", source, StartBatch, self.start_batch, write),
            route(f"{name}/append_v2", source, Append, self.append, write, "upload"),
            route(f"{name}/append_batch", source, AppendBatch, self.append_batch, write, "upload"),
            route(f"{name}/finish", source, Finish, self.finish, write, "upload"),
            route(f"{batch}_v2", source, FinishBatch, self.finish_batch, write),
            route(batch, source, FinishBatch, self.finish_batch_later, write),
            route(f"{batch}/check", source, Check, self.check, write),
        ]

    def _opened(self, call: Call, *, concurrent: bool) -> Session:
        self.store.state.made += 1
        text = self.world.ids.base64url("dropbox", "session", self.store.state.made, count=40)
        until = self.world.clock.now() + SESSION_SECONDS
        made = Session(f"pid_upload_session:{text}", call.event.actor, until, concurrent)
        self.store.state.sessions[made.id] = made
        return made

    async def start(self, call: Call, arg: Start) -> Any:
        """A new session, with its first bytes (of a concurrent one: none)."""
        kind = tag_of(arg.session_type) if arg.session_type is not None else "sequential"
        if kind not in ("sequential", "concurrent"):
            raise bad_input(call, 'HTTP header "Dropbox-API-Arg"', f"session_type: unknown tag {kind!r}")
        content = await self.received(call, arg.content_hash)
        if kind == "concurrent" and content.size:
            raise failure(call, tagged("concurrent_session_data_not_allowed"))
        if kind == "concurrent" and arg.close:
            raise failure(call, tagged("concurrent_session_close_not_allowed"))
        made = self._opened(call, concurrent=kind == "concurrent")
        if content.size:
            made.pieces[0], made.size = content, content.size
        made.closed = arg.close
        return {"session_id": made.id}

    def start_batch(self, call: Call, arg: StartBatch) -> Any:
        """Several new sessions."""
        if not 1 <= arg.num_sessions <= LARGEST_BATCH:
            raise bad_input(call, "request body", f"num_sessions: {arg.num_sessions} is not within range [1, 1000]")
        concurrent = tag_of(arg.session_type) == "concurrent"
        made = [self._opened(call, concurrent=concurrent).id for _ in range(arg.num_sessions)]
        return {"session_ids": made}

    def _session(self, call: Call, session_id: str) -> Session:
        """Raises Wrong."""
        found = self.store.state.sessions.get(session_id)
        lost = call.fault("session_lost") is not None
        if found is None or lost or found.account != call.event.actor or self.world.clock.now() > found.expires_at:
            raise Wrong(tagged("not_found"))
        return found

    def _take(self, call: Call, session: Session, offset: int, content: Content, *, close: bool) -> None:
        """Put bytes into a session. Raises Wrong."""
        if offset + content.size > LARGEST_BYTES:
            raise Wrong(tagged("too_large"))
        if session.closed and not (session.concurrent and not close and session.final < 0):
            raise Wrong(tagged("closed"))
        if session.concurrent:
            if offset % BLOCK_BYTES:
                raise Wrong(tagged("concurrent_session_invalid_offset"))
            if content.size % BLOCK_BYTES and not close:
                raise Wrong(tagged("concurrent_session_invalid_data_size"))
        elif offset != session.size:
            raise Wrong(tagged("incorrect_offset", correct_offset=session.size))
        if content.size and call.fault("part_lost") is None:
            session.pieces[offset] = content
        session.size = max(session.size, offset + content.size)
        if close:
            session.closed, session.final = True, offset + content.size

    async def append(self, call: Call, arg: Append) -> Any:
        """The next bytes, or of a concurrent session any."""
        content = await self.received(call, arg.content_hash)
        try:
            session = self._session(call, arg.cursor.session_id)
            self._append(call, session, arg.cursor.offset, content, close=arg.close)
        except Wrong as wrong:
            raise failure(call, wrong.error) from None
        return None

    def _append(self, call: Call, session: Session, offset: int, content: Content, *, close: bool) -> None:
        """Raises Wrong. Of a concurrent session the last part may come before others do."""
        if session.concurrent and session.closed and not close and offset + content.size <= session.final:
            if offset % BLOCK_BYTES:
                raise Wrong(tagged("concurrent_session_invalid_offset"))
            session.pieces[offset] = content
            return
        if session.concurrent and session.closed:
            raise Wrong(tagged("closed"))
        self._take(call, session, offset, content, close=close)

    async def append_batch(self, call: Call, arg: AppendBatch) -> Any:
        """Bytes for several sessions, one behind the other."""
        content = await self.received(call, arg.content_hash)
        if sum(one.length for one in arg.entries) != content.size:
            raise failure(call, tagged("length_mismatch"))
        made, at = [], 0
        for one in arg.entries:
            piece = self.world.contents.cut(content, at, at + one.length)
            at += one.length
            try:
                session = self._session(call, one.cursor.session_id)
                self._append(call, session, one.cursor.offset, piece, close=one.close)
                made.append(tagged("success"))
            except Wrong as wrong:
                made.append(tagged("failure", failure=wrong.error))
        return {"entries": made}

    def _whole(self, session: Session, offset: int) -> Content:
        """All bytes of a session, at whose end `offset` must be. Raises Wrong."""
        pieces = [session.pieces[at] for at in sorted(session.pieces)]
        have = sum(one.size for one in pieces)
        if session.concurrent:
            if not session.closed:
                raise Wrong(tagged("concurrent_session_not_closed"))
            if have != session.final:
                raise Wrong(tagged("concurrent_session_missing_data"))
        if offset != session.size:
            wrong = {"incorrect_offset": tagged("incorrect_offset", correct_offset=session.size)}
            raise Wrong(tagged("lookup_failed", lookup_failed=wrong["incorrect_offset"]))
        return self.world.contents.join(pieces)

    async def finish(self, call: Call, arg: Finish) -> Any:
        """The last bytes, and where the file goes. What was taken is kept where the commit fails."""
        self.check_commit(call, arg.commit, field="commit.path")
        view = self.view(call)
        content = await self.received(call, arg.content_hash)
        try:
            try:
                session = self._session(call, arg.cursor.session_id)
                if session.concurrent and content.size:
                    raise failure(call, tagged("concurrent_session_data_not_allowed"))
                if content.size:
                    self._take(call, session, arg.cursor.offset, content, close=False)
            except Wrong as wrong:
                raise Wrong(tagged("lookup_failed", lookup_failed=wrong.error)) from None
            whole = self._whole(session, arg.cursor.offset + content.size)
        except Wrong as wrong:
            raise failure(call, wrong.error) from None
        await self.hashed([whole])
        if session.id not in self.store.state.sessions:  # finished by another call, while this one was hashing
            raise failure(call, nested("lookup_failed", "not_found"))
        made = await self.write(call, view, arg.commit, whole)
        del self.store.state.sessions[session.id]
        return made

    async def finish_batch(self, call: Call, arg: FinishBatch) -> Any:
        """Several closed sessions at once: each succeeds or fails on its own."""
        if not 1 <= len(arg.entries) <= LARGEST_BATCH:
            raise bad_input(call, "request body", f"entries: list must have 1 to {LARGEST_BATCH} items")
        for number, one in enumerate(arg.entries):
            self.check_commit(call, one.commit, "rpc", f"entries[{number}].commit.path")
        self.calm(call)
        return {"entries": [await self._finished(call, one) for one in arg.entries]}

    async def _finished(self, call: Call, one: Finish) -> dict[str, Any]:
        view = self.view(call)
        try:
            try:
                session = self._session(call, one.cursor.session_id)
                if not session.closed and not session.concurrent:
                    raise Wrong(tagged("not_closed"))
            except Wrong as wrong:
                raise Wrong(tagged("lookup_failed", lookup_failed=wrong.error)) from None
            whole = self._whole(session, one.cursor.offset)
        except Wrong as wrong:
            return tagged("failure", failure=wrong.error)
        await self.hashed([whole])
        if session.id not in self.store.state.sessions:
            return tagged("failure", failure=nested("lookup_failed", "not_found"))
        try:
            made = await self.write(call, view, one.commit, whole)
        except Failed as failed:
            return tagged("failure", failure=failed.error)
        del self.store.state.sessions[session.id]
        return tagged("success", **made)

    async def finish_batch_later(self, call: Call, arg: FinishBatch) -> Any:
        """The same as a job."""
        outcome = await self.finish_batch(call, arg)
        return self.launched(call, "finish_batch", tagged("complete", **outcome))

    def write_failed(self, call: Call, *tags: str) -> Refusal:
        """Here a union lies under `path`; in a batch it belongs to one entry."""
        return Failed(call, nested("path", *tags))


class Failed(Refusal):
    """The route's error for one entry. error: as it stands in the entry."""

    def __init__(self, call: Call, error: dict[str, Any]) -> None:
        super().__init__(failure(call, error).answer)
        self.error = error
