"""drive.revisions: the versions of an item that are still kept.

Source: developers.google.com/workspace/drive/api/reference/rest/v3/revisions, …/guides/manage-revisions (2026-08).
"""

from typing import Any

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.google.drive.about import user_of
from haulage.sandbox.google.drive.access import Viewer
from haulage.sandbox.google.drive.items import MOST_FOREVER
from haulage.sandbox.google.drive.listing import SCOPES as READ
from haulage.sandbox.google.drive.media import Media
from haulage.sandbox.google.drive.model import FOLDER, SHORTCUT, File, Revision
from haulage.sandbox.google.drive.resource import export_links, instant
from haulage.sandbox.google.drive.schema import DEFAULT_REVISION, DEFAULT_REVISION_LIST, REVISION, REVISION_LIST
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import KIND, bad_parameter, bad_request, error, refuse, unwritable
from haulage.sandbox.google.fields import Mask, parse, prune
from haulage.sandbox.google.paging import page_token, place

PATH = "/drive/v3/files/{fileId}/revisions"
WRITE = "drive drive.appdata drive.file"
TOKEN_SECONDS = 6 * 3600
WRITABLE = frozenset({"keepForever", "publishAuto", "published", "publishedOutsideDomain", "kind", "id"})


class Revisions:
    """Handlers of revisions."""

    def __init__(self, store: Store, media: Media) -> None:
        self._store = store
        self._media = media

    def routes(self) -> list[Route]:
        """Its endpoints."""
        host, one, source, change = "www.googleapis.com", PATH + "/{revisionId}", "revisions", {"cost": "modify"}
        return [
            Route("GET", host, PATH, "drive.revisions.list", source, self.listed, READ, {"cost": "list"}),
            Route("GET", host, one, "drive.revisions.get", source, self.get, READ, {"cost": "read"}),
            Route("PATCH", host, one, "drive.revisions.update", source, self.update, WRITE, change),
            Route("DELETE", host, one, "drive.revisions.delete", source, self.delete, WRITE, change),
        ]

    def _open(self, call: Call) -> tuple[Viewer, File]:
        viewer = Viewer(self._store, call)
        file = viewer.file(call.params["fileId"], drives=True)
        if file.mime in (FOLDER, SHORTCUT):
            raise refuse(403, "revisionsNotSupported", "The file does not support revisions.")
        viewer.need(file, viewer.may_edit(file) or not file.drive)
        return viewer, file

    def _all(self, file: File) -> list[Revision]:
        head = Revision(
            self._store.revision_id(file), file.modified, file.by, file.content, file.size, file.mime,
            file.get("original", file.name), bool(file.get("forever")),
        )  # fmt: skip
        return [*file.older, head]

    def _one(self, call: Call, file: File) -> Revision:
        wanted = call.params["revisionId"]
        for one in self._all(file):
            if one.id == wanted or (wanted == "head" and one.id == self._store.revision_id(file)):
                return one
        raise refuse(404, "notFound", f"Revision not found: {wanted}.", location="revisionId")

    async def listed(self, call: Call) -> Answer:
        """GET revisions, the oldest first."""
        viewer, file = self._open(call)
        size = int(call.query.get("pageSize", 200))
        if not 1 <= size <= 1000:
            raise bad_parameter(f"Invalid value '{size}'. Values must be within the range: [1, 1000]", "page_size")
        mask = parse(call.query.get("fields", DEFAULT_REVISION_LIST), REVISION_LIST)
        found = self._all(file)
        begin = place(call.query.get("pageToken", ""), file.id, viewer.now, TOKEN_SECONDS)
        told: dict[str, Any] = {"kind": "drive#revisionList"}
        told["revisions"] = [self._told(viewer, file, one) for one in found[begin : begin + size]]
        if begin + size < len(found):
            told["nextPageToken"] = page_token(file.id, begin + size, viewer.now)
        return json_answer(prune(told, mask), kind=KIND)

    async def get(self, call: Call) -> Answer:
        """GET revisions/{revisionId}, or with ?alt=media its bytes."""
        viewer, file = self._open(call)
        found = self._one(call, file)
        if call.query.get("alt") == "media":
            old = found.id != self._store.revision_id(file) and not found.forever
            if old and call.fault("revision_restricted") is not None:
                raise refuse(403, "download_restricted_for_revision", "The revision cannot be downloaded.")
            return self._media.content(viewer, file, found)
        return self._answer(viewer, file, found)

    def _answer(self, viewer: Viewer, file: File, found: Revision) -> Answer:
        mask: Mask = parse(viewer.call.query.get("fields", DEFAULT_REVISION), REVISION)
        return json_answer(prune(self._told(viewer, file, found), mask), kind=KIND)

    def _told(self, viewer: Viewer, file: File, found: Revision) -> dict[str, Any]:
        told: dict[str, Any] = {
            "kind": "drive#revision", "id": found.id, "mimeType": found.mime, "modifiedTime": instant(found.made),
        }  # fmt: skip
        account = self._store.accounts.by_key.get(found.by)
        if account is not None:
            told["lastModifyingUser"] = user_of(account, viewer.me)
        if file.blob:
            told |= {
                "keepForever": found.forever, "originalFilename": found.name, "size": str(found.size),
                "md5Checksum": self._store.digest(found.content, "md5"),
            }  # fmt: skip
        else:
            told |= {"published": False, "publishAuto": False}
            if (links := export_links(viewer, file)) is not None:
                told["exportLinks"] = {kind: f"{link}&revision={found.id}" for kind, link in links.items()}
        return told

    async def update(self, call: Call) -> Answer:
        """PATCH revisions/{revisionId}: keepForever, which cannot be taken back."""
        viewer, file = self._open(call)
        viewer.need(file, viewer.may_edit(file))
        found = self._one(call, file)
        body = await call.json(lambda why: error(400, "parseError", "Parse Error")) or {}
        for name in body:
            if name not in WRITABLE:
                raise unwritable(name)
        if "keepForever" in body:
            if found.forever and not body["keepForever"]:
                message = "The keepForever field of a revision cannot be set to false."
                raise refuse(400, "illegalKeepForeverModification", message)
            if sum(one.forever for one in self._all(file)) >= MOST_FOREVER and not found.forever:
                raise bad_request("The limit of revisions that are kept forever is reached.")
            self._keep(file, found, bool(body["keepForever"]))
            self._store.touched(file)
        return self._answer(viewer, file, found)

    def _keep(self, file: File, found: Revision, forever: bool) -> None:
        found.forever = forever
        if found.id == self._store.revision_id(file):
            file.put("forever", forever or None)

    def delete(self, call: Call) -> Answer:
        """DELETE revisions/{revisionId}: of bytes only, and never the last one."""
        viewer, file = self._open(call)
        viewer.need(file, viewer.may_edit(file))
        found = self._one(call, file)
        if file.native or not file.older:
            raise bad_request("Only revisions of files with binary content can be deleted, but not the last one.")
        if found.id == self._store.revision_id(file):
            newest = file.older[-1]
            file.mime = newest.mime
            self._store.change(file, content=newest.content, size=newest.size, older=file.older[:-1])
            file.modified = newest.made
        else:
            file.older = tuple(one for one in file.older if one.id != found.id)
        self._store.touched(file)
        self._store.note(call.event, "content", file)
        return Answer(204)
