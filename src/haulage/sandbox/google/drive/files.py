"""drive.files but for lists, uploads and exports."""

from typing import Any

from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.google.drive.access import APP_DATA, Viewer, flag
from haulage.sandbox.google.drive.documents import imported
from haulage.sandbox.google.drive.formats import IMPORTS
from haulage.sandbox.google.drive.items import Items
from haulage.sandbox.google.drive.listing import SCOPES as READ
from haulage.sandbox.google.drive.media import Media
from haulage.sandbox.google.drive.model import EDITORS, File
from haulage.sandbox.google.drive.resource import needs_hashes, plan, render
from haulage.sandbox.google.drive.schema import DEFAULT_FILE, FILE, GENERATED_IDS
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.drive.uploads import CREATE, UNCONVERTIBLE, UPDATE, Uploads, split
from haulage.sandbox.google.errors import KIND, bad_parameter, bad_request, error, invalid, refuse
from haulage.sandbox.google.fields import parse, prune

HOST = "www.googleapis.com"
PATH = "/drive/v3/files"
MOST_IDS, FEWEST_IDS = 1000, 10
DELETE = "drive drive.appdata drive.file"
COPY = "drive drive.appdata drive.file drive.photos.readonly"


class Files:
    """Handlers of single items."""

    def __init__(self, store: Store, items: Items, media: Media, uploads: Uploads) -> None:
        self._store = store
        self._items = items
        self._media = media
        self._uploads = uploads

    def routes(self) -> list[Route]:
        """Its endpoints."""
        one, read, change = PATH + "/{fileId}", {"cost": "read"}, {"cost": "modify"}
        return [
            Route("GET", HOST, PATH + "/generateIds", "drive.files.generateIds", "files", self.generate, DELETE),
            Route("DELETE", HOST, PATH + "/trash", "drive.files.emptyTrash", "files", self.empty, "drive", change),
            Route("GET", HOST, one, "drive.files.get", "files", self.get, READ, read),
            Route("POST", HOST, PATH, "drive.files.create", "files", self.create, CREATE, change),
            Route("PATCH", HOST, one, "drive.files.update", "files", self.update, UPDATE, change),
            Route("DELETE", HOST, one, "drive.files.delete", "files", self.delete, DELETE, change),
            Route("POST", HOST, one + "/copy", "drive.files.copy", "files", self.copy, COPY, change),
            Route("GET", HOST, one + "/listLabels", "drive.files.listLabels", "labels", self.labels, READ),
        ]

    async def get(self, call: Call) -> Answer:
        """GET /drive/v3/files/{fileId}: facts, or with ?alt=media the bytes."""
        viewer = Viewer(self._store, call)
        if call.query.get("alt") == "media":  # bytes of shared drives come without supportsAllDrives (rclone reads so)
            return self._media.content(viewer, viewer.file(call.params["fileId"], drives=True))
        file = viewer.file(call.params["fileId"])
        if flag(call, "acknowledgeAbuse"):
            message = "The acknowledgeAbuse parameter is only applicable when alt=media."
            raise refuse(403, "invalidAbuseAcknowledgment", message, location="acknowledgeAbuse")
        call.event.sights.append(Sight(file.id, str(file.version)))
        return await self._told(viewer, file)

    async def _told(self, viewer: Viewer, file: File) -> Answer:
        chosen = plan(parse(viewer.call.query.get("fields", DEFAULT_FILE), FILE))
        if needs_hashes(chosen):
            await self._store.hash([file])
        return json_answer(render(viewer, file, chosen), kind=KIND)

    async def _body(self, call: Call, *, making: bool) -> dict[str, Any]:
        body = await call.json(lambda why: error(400, "parseError", "Parse Error"))
        return self._items.checked(body, making=making)

    async def create(self, call: Call) -> Answer:
        """POST /drive/v3/files: metadata only."""
        viewer = Viewer(self._store, call)
        body = await self._body(call, making=True)
        parse(call.query.get("fields", DEFAULT_FILE), FILE)
        file = self._items.prepare(viewer, body)
        self._items.check_room(viewer, file, 0)
        self._items.create(viewer, file)
        return await self._told(viewer, file)

    async def update(self, call: Call) -> Answer:
        """PATCH /drive/v3/files/{fileId}: metadata, and moves by addParents and removeParents."""
        viewer = Viewer(self._store, call)
        file = viewer.file(call.params["fileId"])
        body = await self._body(call, making=False)
        parse(call.query.get("fields", DEFAULT_FILE), FILE)
        self._items.update(viewer, file, body)
        self._items.move(viewer, file, split(call.query.get("addParents")), split(call.query.get("removeParents")))
        return await self._told(Viewer(self._store, call), file)

    def delete(self, call: Call) -> Answer:
        """DELETE /drive/v3/files/{fileId}"""
        viewer = Viewer(self._store, call)
        self._items.delete(viewer, viewer.file(call.params["fileId"]))
        return Answer(204)

    def empty(self, call: Call) -> Answer:
        """DELETE /drive/v3/files/trash"""
        self._items.empty_trash(Viewer(self._store, call), call.query.get("driveId", ""))
        return Answer(204)

    async def copy(self, call: Call) -> Answer:
        """POST /drive/v3/files/{fileId}/copy; another native type converts."""
        viewer = Viewer(self._store, call)
        source = viewer.file(call.params["fileId"])
        body = await self._body(call, making=True)
        parse(call.query.get("fields", DEFAULT_FILE), FILE)
        file = self._items.copy_of(viewer, source, body)
        contents = self._store.contents
        content = contents.of_key(source.content) if source.content else None
        if file.mime in EDITORS and source.blob:
            if file.mime not in IMPORTS.get(source.mime, ()):
                raise bad_request(UNCONVERTIBLE, "convertTo")
            content = contents.of(imported(source.mime, contents.whole(contents.of_key(source.content))).encode())
        elif file.native and content is None:
            content = contents.of(self._store.text(source).encode())
        size = content.size if content else 0
        self._items.check_room(viewer, file, size)
        self._uploads.charge(viewer, size)
        self._items.create(viewer, file, content, "copy")
        return await self._told(viewer, file)

    def generate(self, call: Call) -> Answer:
        """GET /drive/v3/files/generateIds"""
        count = int(call.query.get("count", FEWEST_IDS))
        if not 1 <= count <= MOST_IDS:
            raise bad_parameter(f"Invalid value '{count}'. Values must be within the range: [1, {MOST_IDS}]", "count")
        space = call.query.get("space", "drive")
        if space not in ("drive", "appDataFolder"):
            raise invalid("space")
        if space == "appDataFolder" and APP_DATA not in call.caller.scopes:
            raise refuse(403, "insufficientScopes", "The granted scopes do not give access to the space.")
        if call.query.get("type", "files") not in ("files", "shortcuts"):
            raise invalid("type")
        ids = [self._store.fresh_id() for _ in range(count)]
        self._store.generated.update(ids)
        told = {"kind": "drive#generatedIds", "space": space, "ids": ids}
        mask = parse(call.query["fields"], GENERATED_IDS) if "fields" in call.query else None
        return json_answer(prune(told, mask), kind=KIND)

    def labels(self, call: Call) -> Answer:
        """GET /drive/v3/files/{fileId}/listLabels: there are none here."""
        Viewer(self._store, call).file(call.params["fileId"], drives=True)
        return json_answer({"kind": "drive#labelList"}, kind=KIND)
