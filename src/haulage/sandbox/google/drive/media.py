"""Getting bytes out: downloads, exports, export links, and downloads as long-running operations.

Sources: developers.google.com/workspace/drive/api/guides/{manage-downloads,ref-export-formats} (2026-08).
"""

from typing import Any

import msgspec

from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer, ranged, redirect
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.drive.access import Viewer, flag
from haulage.sandbox.google.drive.formats import EXPORTS
from haulage.sandbox.google.drive.model import FOLDER, ORGANIZER, SHORTCUT, SLIDES, VID, File, Revision
from haulage.sandbox.google.drive.office import make
from haulage.sandbox.google.drive.schema import OPERATION
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import KIND, bad_request, not_found, refuse, required
from haulage.sandbox.google.fields import parse, prune

READ = "drive drive.file drive.meet.readonly drive.readonly"
LARGEST_EXPORT = 10 << 20
TICKET_SECONDS = 600
OPERATION_SECONDS = 86_400
LINKS = (
    "/feeds/download/documents/export/Export", "/spreadsheets/export", "/feeds/download/presentations/Export",
    "/feeds/download/drawings/Export",
)  # fmt: skip
DOWNLOADS = {VID: "video/mp4"}
TYPES = "type.googleapis.com/google.apps.drive.v3."
ABUSIVE = "This file has been identified as malware or spam and cannot be downloaded."


class Ticket(msgspec.Struct):
    """An address that gives bytes to whoever has it. mime: of the export; "" for a file's own bytes."""

    file: str
    mime: str
    user: str
    ends: float
    polled: int = 0
    failed: bool = False
    revision: str = ""


class Media:
    """Handlers of downloads and exports."""

    def __init__(self, world: World, store: Store) -> None:
        self._ids = world.ids
        self._clock = world.clock
        self._contents = world.contents
        self._store = store
        self._count = 0
        self._tickets: dict[str, Ticket] = {}

    def routes(self) -> list[Route]:
        """Its endpoints."""
        host, cost, path = "www.googleapis.com", {"cost": "download"}, "/drive/v3/files/{fileId}"
        running = "/drive/v3/operations/{name}"
        return [
            Route("GET", host, path + "/export", "drive.files.export", "export", self.export, READ, cost),
            Route("POST", host, path + "/download", "drive.files.download", "downloads", self.download, READ, cost),
            Route("GET", host, running, "drive.operations.get", "operations", self.operation, READ),
            *(
                Route("GET", "docs.google.com", one, "exportLinks", "export", self.link, READ, cost)
                for one in LINKS
            ),
            Route("GET", "*.googleusercontent.com", "/docs/securesc/{ticket}", "downloadUri", "downloads", self.ticket),
        ]  # fmt: skip

    def content(self, viewer: Viewer, file: File, version: Revision | None = None) -> Answer:
        """?alt=media: an item's bytes, or the range of them that is wanted. Raises Refusal."""
        if file.native:
            message = "Only files with binary content can be directly downloaded. Use Export with Docs Editors files."
            raise refuse(403, "fileNotDownloadable", message, location="alt")
        self._may(viewer, file)
        key, mime = (file.content, file.mime) if version is None else (version.content, version.mime)
        name = self._store.revision_id(file) if version is None else version.id
        return self._bytes(viewer.call, file, key, mime, name)

    def _bytes(self, call: Call, file: File, key: str, mime: str, version: str) -> Answer:
        if call.fault("download_quota") is not None:
            message = "The download quota for this file has been exceeded."
            raise refuse(403, "downloadQuotaExceeded", message, domain="usageLimits")
        headers = {"Content-Type": mime, "Content-Disposition": "attachment", "Vary": "Origin, X-Origin"}
        return ranged(call, self._contents.of_key(key), Sight(file.id, version), headers)

    def _may(self, viewer: Viewer, file: File) -> None:
        if not viewer.may_download(file) or viewer.call.fault("denied") is not None:
            raise refuse(403, "cannotDownloadFile", "This file cannot be downloaded by the user.")
        if file.flag("flagged"):
            allowed = file.owner == viewer.me or (file.drive and viewer.rank(file) >= ORGANIZER)
            if not flag(viewer.call, "acknowledgeAbuse") or not allowed:
                raise refuse(403, "cannotDownloadAbusiveFile", ABUSIVE)

    # native documents

    def made(self, viewer: Viewer, file: File, mime: str) -> bytes:
        """A native document in another format. Raises Refusal for one that it cannot be had in."""
        if not file.native or file.mime in (FOLDER, SHORTCUT):
            message = "Export only supports Docs Editors files."
            raise refuse(403, "fileNotExportable", message)
        if mime not in EXPORTS.get(file.mime, {}):
            raise bad_request("The requested conversion is not supported.", "convertTo")
        self._may(viewer, file)
        bulk = int(file.get("bulk", 0))
        filler = b"".join(self._contents.read(self._contents.drawn(bulk))) if bulk else b""
        body = make(mime, file.name, self._store.text(file), filler)
        sight = Sight(file.id, self._store.revision_id(file), "", len(body), 0, len(body))
        viewer.call.event.sights.append(sight)
        return body

    def export(self, call: Call) -> Answer:
        """GET /drive/v3/files/{fileId}/export: at most 10 MB, and never a part of it."""
        viewer = Viewer(self._store, call)
        file = viewer.file(call.params["fileId"], drives=True)
        if not call.query.get("mimeType"):
            raise required("mimeType")
        body = self.made(viewer, file, call.query["mimeType"])
        if len(body) > LARGEST_EXPORT or call.fault("export_too_large") is not None:
            raise refuse(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
        return Answer(200, {"Content-Type": call.query["mimeType"]}, body)

    def link(self, call: Call) -> Answer:
        """An export link at docs.google.com; for documents and spreadsheets it leads on to another host."""
        viewer = Viewer(self._store, call)
        file = viewer.file(call.query.get("id", ""), drives=True)
        formats = EXPORTS.get(file.mime, {})
        wanted = call.query.get("exportFormat") or call.query.get("format", "")
        mime = next((kind for kind, word in formats.items() if word == wanted), "")
        if not mime:
            raise bad_request("The requested conversion is not supported.", "exportFormat")
        if file.mime == SLIDES or not file.mime.endswith(("document", "spreadsheet")):
            return Answer(200, {"Content-Type": mime}, self.made(viewer, file, mime))
        self.made(viewer, file, mime)
        call.event.sights.pop()
        return redirect(self._address(call, self._ticket(viewer, file, mime)), 307)

    def _ticket(self, viewer: Viewer, file: File, mime: str) -> str:
        self._count += 1
        name = self._ids.base64url("google", "ticket", self._count, count=60)
        self._tickets[name] = Ticket(file.id, mime, viewer.me, self._clock.now() + TICKET_SECONDS)
        if len(self._tickets) > 10_000:
            del self._tickets[next(iter(self._tickets))]
        return name

    def _address(self, call: Call, ticket: str) -> str:
        return f"{call.at('doc-0s-1k-docs.googleusercontent.com')}/docs/securesc/{ticket}"

    def ticket(self, call: Call) -> Answer:
        """The bytes behind an address that was given out."""
        ticket = self._tickets.get(call.params["ticket"])
        file = self._store.find(ticket.file) if ticket else None
        if ticket is None or file is None or ticket.ends <= self._clock.now():
            return Answer(403, {"Content-Type": "text/html"}, b"<title>Error 403 (Forbidden)!!1</title>")
        call.event.actor = self._store.accounts.by_key[ticket.user].email
        if not ticket.mime:
            return self._bytes(call, file, file.content, file.mime, self._store.revision_id(file))
        if ticket.mime == "video/mp4":
            content = self._contents.drawn(file.size or 1024, 1)
            return self._bytes(call, file, content.key, ticket.mime, self._store.revision_id(file))
        bulk = int(file.get("bulk", 0))
        filler = b"".join(self._contents.read(self._contents.drawn(bulk))) if bulk else b""
        body = make(ticket.mime, file.name, self._store.text(file), filler)
        sight = Sight(file.id, self._store.revision_id(file), "", len(body), 0, len(body))
        call.event.sights.append(sight)
        return Answer(200, {"Content-Type": ticket.mime}, body)

    # long-running

    def download(self, call: Call) -> Answer:
        """POST /drive/v3/files/{fileId}/download: at once for bytes, later for what has to be made."""
        viewer = Viewer(self._store, call)
        file = viewer.file(call.params["fileId"], drives=True)
        self._may(viewer, file)
        mime = "" if file.blob else call.query.get("mimeType") or _default(file)
        if file.native and mime not in EXPORTS.get(file.mime, {}) and mime != DOWNLOADS.get(file.mime):
            raise bad_request("The requested conversion is not supported.", "convertTo")
        name = self._ticket(viewer, file, mime)
        self._tickets[name].ends = self._clock.now() + OPERATION_SECONDS
        self._tickets[name].failed = call.fault("async_failure") is not None
        return self._told(call, name, done=file.blob and not self._tickets[name].failed)

    def operation(self, call: Call) -> Answer:
        """GET /drive/v3/operations/{name}"""
        name = call.params["name"]
        ticket = self._tickets.get(name)
        if ticket is None or ticket.ends <= self._clock.now():
            raise not_found(name)
        ticket.polled += 1
        return self._told(call, name, done=True)

    def _told(self, call: Call, name: str, *, done: bool) -> Answer:
        ticket = self._tickets[name]
        told: dict[str, Any] = {"name": name, "metadata": {"@type": TYPES + "DownloadFileMetadata"}}
        if done:
            told["done"] = True
        if done and ticket.failed:
            told["error"] = {"code": 13, "message": "Internal error encountered.", "details": []}
        elif done:
            told["response"] = {
                "@type": TYPES + "DownloadFileResponse", "downloadUri": self._address(call, name),
                "partialDownloadAllowed": not ticket.mime,
            }  # fmt: skip
        mask = parse(call.query["fields"], OPERATION) if "fields" in call.query else None
        return json_answer(prune(told, mask), kind=KIND)


def _default(file: File) -> str:
    """The format in which a native document comes when none is named."""
    if file.mime in DOWNLOADS:
        return DOWNLOADS[file.mime]
    words = {"document": "docx", "spreadsheet": "xlsx", "presentation": "pptx", "drawing": "png"}
    wanted = words.get(file.mime.rpartition(".")[2], "json")
    return next((kind for kind, word in EXPORTS.get(file.mime, {}).items() if word == wanted), "")
