"""Resumable uploads that are on their way.

Source: developers.google.com/workspace/drive/api/guides/manage-uploads#resumable (2026-08); what happens to a gap:
google-apis-rs#438.
"""

import re

from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.drive.model import Session

GRAIN = 262_144
SESSION_SECONDS = 7 * 86_400
RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
GAP = (
    "Invalid request.  According to the Content-Range header, the upload offset is {offset} byte(s), which exceeds "
    "already uploaded size of {stored} byte(s)."
)
SMALL = (
    "Invalid request.  The number of bytes uploaded is required to be equal or greater than 262144, except for the "
    "final request (it's recommended to be the exact multiple of 262144).  The received request contained {size} "
    "bytes, which does not meet this requirement."
)


class Sessions:
    """The open sessions, and how bytes get into them. No byte of one is visible as a file before the last is there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0
        self.open: dict[str, Session] = {}

    def begin(self, **facts: object) -> Session:
        """A new session."""
        self._count += 1
        name = "AHmUCY0" + self._world.ids.base64url("google", "session", self._count, count=80)
        ends = self._world.clock.now() + SESSION_SECONDS
        made = Session(id=name, ends=ends, **facts)  # type: ignore[arg-type]  # the rest of Session's own fields
        self.open[name] = made
        return made

    def find(self, name: str) -> Session | None:
        """The session of that name; those of last week are forgotten."""
        found = self.open.get(name)
        if found is not None and found.ends <= self._world.clock.now():
            del self.open[name]
            return None
        return found

    async def take(self, call: Call, session: Session) -> Answer | None:
        """Store what a request brings. None: all is there; else what is answered meanwhile."""
        told = call.headers.get("Content-Range")
        if told is None:
            await self._store(call, session, 0)
            session.total = session.stored
            return None
        found = RANGE.fullmatch(told.strip())
        if found is None:
            return Answer(400, dict(TEXT), b"Failed to parse Content-Range header.")
        first, last, total = found.groups()
        if total != "*":
            if session.total not in (-1, int(total)):
                return Answer(400, dict(TEXT), b"Invalid request.  The total size differs from what was said before.")
            session.total = int(total)
        if first is None:
            await call.body()
            return None if session.stored == session.total else incomplete(call, session)
        return await self._part(call, session, int(first), int(last))

    async def _part(self, call: Call, session: Session, first: int, last: int) -> Answer | None:
        if first > session.stored:
            text = GAP.format(offset=first, stored=session.stored)
            return Answer(503, dict(TEXT), text.encode())
        final = session.total >= 0 and last + 1 >= session.total
        if not final and last + 1 - first < GRAIN:
            return Answer(400, dict(TEXT), SMALL.format(size=last + 1 - first).encode())
        kept = session.stored
        if call.fault("part_lost") is not None:
            await call.body(1 << 40)
            session.stored = max(session.stored, last + 1)
        else:
            await self._store(call, session, first)
        if final and session.stored == session.total:
            return None
        if not final:
            self._cut(session, max(kept, session.stored // GRAIN * GRAIN))
        return incomplete(call, session)

    async def _store(self, call: Call, session: Session, first: int) -> None:
        """Add the body's bytes behind those that are there; bytes that are there already are skipped."""
        contents, skip = self._world.contents, session.stored - first
        try:
            async for chunk in call.chunks():
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                piece, skip = chunk[skip:], 0
                session.extents.append((contents.spool(piece), len(piece)))
                session.stored += len(piece)
        except ConnectionError:
            self._cut(session, session.stored // GRAIN * GRAIN)
            raise

    def _cut(self, session: Session, size: int) -> None:
        """Forget what lies behind so many bytes."""
        if size < session.stored:
            content = self._world.contents.cut(self.content(session), 0, size)
            session.extents, session.stored = list(content.extents), size

    def content(self, session: Session) -> Content:
        """What was stored."""
        extents: list[tuple[int, int]] = []
        for offset, length in session.extents:
            if extents and sum(extents[-1]) == offset:
                extents[-1] = (extents[-1][0], extents[-1][1] + length)
            else:
                extents.append((offset, length))
        size = sum(length for _, length in extents)
        return self._world.contents.join([Content("part", size, tuple(extents))])


def incomplete(call: Call, session: Session) -> Answer:
    """308, with the range that is stored; none if nothing is. Clients that cannot have a 308 get it in a header."""
    headers = {"X-GUploader-UploadID": session.id, "Content-Length": "0"}
    if session.stored:
        headers["Range"] = f"bytes=0-{session.stored - 1}"
    if call.headers.get("X-GUploader-No-308", "").lower() == "yes":
        return Answer(200, {**headers, "X-HTTP-Status-Code-Override": "308"})
    return Answer(308, headers)
