"""The upload endpoints: media alone, multipart, and resumable.

Source: developers.google.com/workspace/drive/api/guides/manage-uploads (2026-08).
"""

import asyncio
from typing import Any
from urllib.parse import urlencode

import msgspec

from haulage.sandbox.frame.budgets import Budgets
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.caller import caller_of
from haulage.sandbox.google.drive.access import Viewer, flag
from haulage.sandbox.google.drive.documents import imported
from haulage.sandbox.google.drive.formats import IMPORTS
from haulage.sandbox.google.drive.items import Items, media_type
from haulage.sandbox.google.drive.model import EDITORS, File, Session
from haulage.sandbox.google.drive.multipart import Related
from haulage.sandbox.google.drive.resource import needs_hashes, plan, render
from haulage.sandbox.google.drive.schema import DEFAULT_FILE, FILE
from haulage.sandbox.google.drive.sessions import TEXT, Sessions
from haulage.sandbox.google.drive.store import AT_ONCE_BYTES, Store
from haulage.sandbox.google.errors import KIND, bad_request, no_file_permission, quota, refuse
from haulage.sandbox.google.fields import parse

CREATE = "drive drive.appdata drive.file"
UPDATE = "drive drive.appdata drive.file drive.metadata drive.scripts"
HOST = "www.googleapis.com"
PATHS = ("/upload/drive/v3/files", "/resumable/upload/drive/v3/files")
DAILY = "bytes uploaded and copied per user"
WALL = "User rate limit exceeded."  # of the day's upload; the other limits have capitals (rclone, drive.go)
UNCONVERTIBLE = "The requested conversion is not supported."


class Uploads:
    """Handlers of the upload endpoints."""

    def __init__(self, world: World, store: Store, items: Items) -> None:
        self._world = world
        self._store = store
        self._items = items
        self.sessions = Sessions(world)
        self.budgets: Budgets | None = None

    def routes(self) -> list[Route]:
        """Its endpoints; chunks of a session come to the path at which it was begun, by PUT or POST."""
        made, cost = [], {"cost": "modify"}
        for path in PATHS:
            made.append(Route("POST", HOST, path, "drive.files.create", "uploads", self.create, CREATE, cost))
            made.append(Route("PUT", HOST, path, "drive.files.create", "uploads", self.create, CREATE, cost))
            for method in ("PATCH", "PUT", "POST"):
                one = path + "/{fileId}"
                made.append(Route(method, HOST, one, "drive.files.update", "uploads", self.update, UPDATE, cost))
        return made

    async def create(self, call: Call) -> Answer:
        """POST /upload/drive/v3/files"""
        return await self._upload(call, "")

    async def update(self, call: Call) -> Answer:
        """PATCH /upload/drive/v3/files/{fileId}"""
        return await self._upload(call, call.params["fileId"])

    def session_of(self, call: Call) -> Session | None:
        """The session that a request goes on with; its address is itself the proof of who sends it."""
        return self.sessions.find(call.query["upload_id"]) if "upload_id" in call.query else None

    async def _upload(self, call: Call, file_id: str) -> Answer:
        if "upload_id" in call.query:
            return await self._go_on(call)
        kind = call.headers.get("Content-Type", "")
        way = call.query.get("uploadType") or ("multipart" if kind.startswith("multipart/") else "media")
        if way == "resumable":
            return await self._begin(call, file_id)
        if way == "multipart":
            related = Related(kind, self._world.contents)
            content = await related.read(call.chunks())
            return await self._finish(call, file_id, _metadata(related.metadata), content, related.mime)
        if way != "media":
            raise bad_request(f"Invalid upload type: {way}", "uploadType")
        draft = await call.draft(self._world.contents)
        return await self._finish(call, file_id, {}, draft.content(), kind)

    # one request

    async def _finish(self, call: Call, file_id: str, body: Any, content: Content, mime: str) -> Answer:
        """The bytes are all there: make the file, or give it a new version. Nothing is changed by what is refused."""
        viewer = Viewer(self._store, call)
        metadata = self._items.checked(body, making=not file_id)
        chosen = plan(parse(call.query.get("fields", DEFAULT_FILE), FILE))
        if content.size > AT_ONCE_BYTES:
            await asyncio.to_thread(self._world.contents.hash, content, "md5", "sha1", "sha256")
        if file_id:
            file = self._changed(viewer, viewer.file(file_id), metadata, content, mime)
        else:
            file = self._made(viewer, metadata, content, mime)
        if needs_hashes(chosen):
            await self._store.hash([file])
        return json_answer(render(viewer, file, chosen), kind=KIND)

    def _made(self, viewer: Viewer, metadata: dict[str, Any], content: Content, mime: str) -> File:
        wanted = {"mimeType": media_type(mime, str(metadata.get("name") or "")), **metadata}
        file = self._items.prepare(viewer, wanted)
        if file.native:
            content = self._converted(file.mime, media_type(mime, file.name), content)
        self._items.check_room(viewer, file, content.size)
        self.charge(viewer, content.size)
        self._items.create(viewer, file, content)
        if flag(viewer.call, "keepRevisionForever"):
            file.put("forever", True)
        return file

    def _changed(self, viewer: Viewer, file: File, metadata: dict[str, Any], content: Content, mime: str) -> File:
        self.check_change(viewer, file, content.size)
        kind = str(metadata.get("mimeType") or media_type(mime, file.name))
        if file.native:
            content = self._converted(file.mime, media_type(mime, file.name), content)
        self.charge(viewer, content.size)
        if metadata:
            self._items.update(viewer, file, metadata)
        forever = flag(viewer.call, "keepRevisionForever")
        timed = bool(metadata.get("modifiedTime"))
        self._items.replace(viewer, file, content, kind, timed=timed, forever=forever)
        query = viewer.call.query
        self._items.move(viewer, file, split(query.get("addParents")), split(query.get("removeParents")))
        return file

    def check_change(self, viewer: Viewer, file: File, size: int) -> None:
        """Raise Refusal where an item cannot get new content from this caller."""
        viewer.need(file, viewer.may_edit(file) and not file.folder)
        if file.flag("locked") or viewer.call.fault("locked") is not None:
            raise no_file_permission(file.id)
        self._items.check_room(viewer, file, size - file.size)

    def _converted(self, mime: str, source: str, content: Content) -> Content:
        """The text of a native document, from uploaded bytes. Raises Refusal for what cannot be converted."""
        if mime not in EDITORS or mime not in IMPORTS.get(source, ()):
            raise bad_request(UNCONVERTIBLE, "convertTo")
        contents = self._world.contents
        return contents.of(imported(source, contents.whole(content)).encode())

    def charge(self, viewer: Viewer, size: int) -> None:
        """Take bytes from what the user may upload in a day."""
        wall = viewer.call.fault("daily_limit") is not None
        if self.budgets is not None and not wall:
            wall = bool(self.budgets.charge(DAILY, viewer.me, size, viewer.call.event.time))
        if wall:
            raise Refusal(quota("userRateLimitExceeded", WALL, 403, None))

    # several requests

    async def _begin(self, call: Call, file_id: str) -> Answer:
        viewer = Viewer(self._store, call)
        metadata = self._items.checked(_metadata(await call.body()), making=not file_id)
        parse(call.query.get("fields", DEFAULT_FILE), FILE)
        total = int(call.headers.get("X-Upload-Content-Length") or -1)
        mime = call.headers.get("X-Upload-Content-Type", "")
        if file_id:
            self.check_change(viewer, viewer.file(file_id), max(total, 0))
        else:
            probe = self._items.prepare(viewer, {"mimeType": media_type(mime, ""), **metadata})
            self._items.check_room(viewer, probe, max(total, 0))
        caller = caller_of(call)
        session = self.sessions.begin(
            user=caller.account.key, client=caller.client, project=caller.project, scopes=sorted(caller.scopes),
            file=file_id, metadata=metadata, query=dict(call.query), mime=mime, total=total,
        )  # fmt: skip
        location = f"{call.at(HOST)}{call.path}?{urlencode({**call.query, 'upload_id': session.id})}"
        return Answer(200, {"Location": location, "X-GUploader-UploadID": session.id, "Content-Type": "text/plain"})

    async def _go_on(self, call: Call) -> Answer:
        session = self.session_of(call)
        if session is None or call.fault("session_lost") is not None:
            if session is not None:
                del self.sessions.open[session.id]
            await call.body(1 << 40)
            return Answer(404, dict(TEXT), b"Not Found")
        call.query = {**session.query, **{name: call.query[name] for name in ("fields",) if name in call.query}}
        if session.done:
            await call.body(1 << 40)
            return await self._again(call, session)
        unfinished = await self.sessions.take(call, session)
        if unfinished is not None:
            return unfinished
        content = self.sessions.content(session)
        answer = await self._finish(call, session.file, session.metadata, content, session.mime)
        session.done = session.file or call.event.changes[0].item
        return answer

    async def _again(self, call: Call, session: Session) -> Answer:
        """The file, for who asks once more because the answer was lost."""
        viewer = Viewer(self._store, call)
        chosen = plan(parse(call.query.get("fields", DEFAULT_FILE), FILE))
        return json_answer(render(viewer, viewer.file(session.done), chosen), kind=KIND)


def split(text: str | None) -> list[str]:
    """IDs with commas between them."""
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def _metadata(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refuse(400, "parseError", "Parse Error") from None
