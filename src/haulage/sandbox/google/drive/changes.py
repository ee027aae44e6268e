"""drive.changes: what happened since, to a person's items or in one shared drive.

Sources: developers.google.com/workspace/drive/api/reference/rest/v3/changes, …/guides/about-changes (2026-08).
"""

from typing import Any

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.google.drive.access import Viewer, flag
from haulage.sandbox.google.drive.drives import resource
from haulage.sandbox.google.drive.listing import NEEDS_FLAGS
from haulage.sandbox.google.drive.listing import SCOPES as READ
from haulage.sandbox.google.drive.model import Entry, File
from haulage.sandbox.google.drive.resource import Plan, instant, needs_hashes, plan, render
from haulage.sandbox.google.drive.schema import CHANGE_LIST, DEFAULT_CHANGE_LIST, START_TOKEN
from haulage.sandbox.google.drive.store import Log, Store
from haulage.sandbox.google.errors import KIND, bad_parameter, drive_not_found, invalid, refuse, required
from haulage.sandbox.google.fields import Mask, parse, prune


class Changes:
    """Handlers of changes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """Its endpoints."""
        host, path, source = "www.googleapis.com", "/drive/v3/changes", "changes"
        start = path + "/startPageToken"
        return [
            Route("GET", host, path, "drive.changes.list", source, self.listed, READ, {"cost": "list"}),
            Route("GET", host, start, "drive.changes.getStartPageToken", source, self.start, READ, {"cost": "read"}),
        ]

    def _log(self, viewer: Viewer) -> tuple[Log, str]:
        """The log that is meant, and the ID of its shared drive if it is one's."""
        call = viewer.call
        drive_id = call.query.get("driveId") or call.query.get("teamDriveId", "")
        if not drive_id:
            return self._store.log(viewer.me), ""
        if not viewer.supports_drives():
            raise refuse(403, "supportsTeamDrivesRequired", NEEDS_FLAGS, location="supportsAllDrives")
        if drive_id not in self._store.drives or not viewer.member(drive_id):
            raise drive_not_found(drive_id)
        return self._store.log(drive_id), drive_id

    def start(self, call: Call) -> Answer:
        """GET /drive/v3/changes/startPageToken"""
        log, _ = self._log(Viewer(self._store, call))
        told = {"kind": "drive#startPageToken", "startPageToken": str(log.last + 1)}
        mask = parse(call.query["fields"], START_TOKEN) if "fields" in call.query else None
        return json_answer(prune(told, mask), kind=KIND)

    async def listed(self, call: Call) -> Answer:
        """GET /drive/v3/changes: exactly one of nextPageToken and newStartPageToken."""
        viewer = Viewer(self._store, call)
        log, drive_id = self._log(viewer)
        token = call.query.get("pageToken", "")
        if not token:
            raise required("pageToken")
        if not token.isdigit() or int(token) > log.last + 1 or call.fault("cursor_expired") is not None:
            raise invalid("pageToken")
        size = int(call.query.get("pageSize", 100))
        if size < 1:
            raise bad_parameter(f"Invalid value '{size}'. Values must be within the range: [1, 1000]", "page_size")
        mask = parse(call.query.get("fields", DEFAULT_CHANGE_LIST), CHANGE_LIST)
        entries, rest = self._page(viewer, log, int(token), min(size, 1000), drive_id)
        told: dict[str, Any] = {"kind": "drive#changeList"}
        if call.fault("page_twice") is not None and rest:
            rest = int(token)
        told |= {"nextPageToken": str(rest)} if rest else {"newStartPageToken": str(log.last + 1)}
        told["changes"] = await self._told(viewer, entries, mask)
        return json_answer(prune(told, mask and {name: None for name in mask}), kind=KIND)

    def _page(self, viewer: Viewer, log: Log, first: int, size: int, drive_id: str) -> tuple[list[Entry], int]:
        """Entries from that number on, and the number of the next one (0: there is none)."""
        entries: list[Entry] = []
        removed = viewer.call.query.get("includeRemoved", "true").lower() in ("true", "t", "yes", "y", "1")
        mine = flag(viewer.call, "restrictToMyDrive")
        for entry in log.after(first - 1):
            file = self._file(viewer, entry)
            if (file is None and not removed) or (mine and not self._in_my_drive(viewer, file)):
                continue
            if len(entries) == size:
                return entries, entry.number
            entries.append(entry)
        return entries, 0

    def _in_my_drive(self, viewer: Viewer, file: File | None) -> bool:
        if file is None:
            return True
        root = self._store.root_id(viewer.caller.account)
        return file.id == root or any(one.id == root for one in self._store.ancestors(file))

    def _file(self, viewer: Viewer, entry: Entry) -> File | None:
        """The item as it is now; None if it is gone, or out of the caller's sight."""
        file = self._store.files.get(entry.item)
        return file if file is not None and viewer.sees(file) else None

    async def _told(self, viewer: Viewer, entries: list[Entry], mask: Mask) -> list[dict[str, Any]]:
        inner: Mask = None if mask is None else mask.get("changes", {})
        chosen = plan(None if inner is None else inner.get("file", {}))
        files = [self._file(viewer, one) for one in entries]
        if needs_hashes(chosen):
            await self._store.hash([one for one in files if one is not None])
        pairs = zip(entries, files, strict=True)
        return [prune(self._one(viewer, one, file, chosen), _shallow(inner)) for one, file in pairs]

    def _one(self, viewer: Viewer, entry: Entry, file: File | None, chosen: Plan) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": "drive#change", "time": instant(entry.time)}
        if entry.kind == "drive":
            drive = self._store.drives.get(entry.item)
            seen = drive is not None and viewer.member(drive.id)
            told |= {"type": "drive", "changeType": "drive", "driveId": entry.item, "removed": not seen}
            if drive is not None and seen:
                told["drive"] = resource(viewer, drive)
            return told
        told |= {"type": "file", "changeType": "file", "fileId": entry.item, "removed": file is None}
        if file is not None:
            told["file"] = render(viewer, file, chosen)
        return told


def _shallow(mask: Mask) -> Mask:
    """The mask, but for files, which have their fields already."""
    return mask if mask is None else {name: None if name == "file" else below for name, below in mask.items()}
