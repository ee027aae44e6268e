"""Making, changing, copying and deleting items: the rules, apart from how the requests look.

Sources: developers.google.com/workspace/drive/api/guides/{create-file,folder,shortcuts,limits} and
…/reference/rest/v3/files (2026-08).
"""

from typing import Any

from haulage.sandbox.frame.contents import EMPTY, Content
from haulage.sandbox.frame.history import ChangeKind
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.drive.about import About
from haulage.sandbox.google.drive.access import Viewer
from haulage.sandbox.google.drive.formats import nearest_color
from haulage.sandbox.google.drive.model import (
    EDITORS,
    FILE_ORGANIZER,
    ORGANIZER,
    SHORTCUT,
    WRITER,
    File,
    Revision,
    version_id,
)
from haulage.sandbox.google.drive.query import parse_time
from haulage.sandbox.google.drive.seeding import mime_of
from haulage.sandbox.google.drive.store import DEEPEST, Store
from haulage.sandbox.google.errors import bad_request, invalid, no_file_permission, refuse, required, unwritable

PLAIN = "application/octet-stream"
MOST_CHILDREN = 500_000
MOST_IN_DRIVE = 500_000
MOST_VERSIONS, KEPT_SECONDS = 100, 30 * 86_400
MOST_FOREVER = 200
WRITABLE = frozenset(
    {
        "name", "description", "starred", "trashed", "modifiedTime", "properties", "appProperties", "folderColorRgb",
        "copyRequiresWriterPermission", "writersCanShare", "viewersCanCopyContent", "mimeType", "originalFilename",
        "contentHints", "viewedByMeTime", "contentRestrictions", "downloadRestrictions", "linkShareMetadata",
        "inheritedPermissionsDisabled", "kind",
    }
)  # fmt: skip
ONLY_WHEN_MADE = frozenset({"id", "parents", "createdTime", "shortcutDetails"})
FOR_READERS = frozenset({"starred", "viewedByMeTime", "kind"})
PARENTS_UNWRITABLE = (
    "The parents field is not directly writable in update requests. Use the addParents and removeParents parameters "
    "instead."
)
FULL = "The user's Drive storage quota has been exceeded."
NO_ROOM_FOR_ROBOTS = (
    "Service Accounts do not have storage quota. Leverage shared drives "
    "(https://developers.google.com/workspace/drive/api/guides/about-shareddrives), or use OAuth delegation "
    "(http://support.google.com/a/answer/7281227) instead."
)


class Items:
    """Changes to items, each checked before anything happens."""

    def __init__(self, world: World, store: Store, about: About) -> None:
        self._world = world
        self._store = store
        self._about = about

    # what a body may say

    def checked(self, body: Any, *, making: bool) -> dict[str, Any]:
        """The metadata of a request. Raises Refusal for what is no object, or cannot be written."""
        if body is None:
            return {}
        if not isinstance(body, dict):
            raise bad_request("Invalid JSON payload received.")
        allowed = WRITABLE | ONLY_WHEN_MADE if making else WRITABLE
        for name in body:
            if name == "parents" and not making:
                raise refuse(403, "fieldNotWritable", PARENTS_UNWRITABLE)
            if name not in allowed:
                raise unwritable(name)
        for name in ("name", "mimeType", "description"):
            if name in body and not isinstance(body[name], str | None):
                raise invalid(name)
        return body

    # making

    def prepare(self, viewer: Viewer, body: dict[str, Any]) -> File:
        """The item that a request wants, with its parents checked, not yet taken up. Raises Refusal."""
        parent = self._parent(viewer, body.get("parents"))
        mime = body.get("mimeType") or PLAIN
        now, account = self._store.now(), viewer.caller.account
        modified = parse_time(body["modifiedTime"], "modifiedTime") if body.get("modifiedTime") else now
        created = parse_time(body["createdTime"], "createdTime") if body.get("createdTime") else now
        file = File(
            id=self._chosen_id(body), name=str(body.get("name") or "Untitled"), mime=mime,
            owner="" if parent.drive else account.key, drive=parent.drive, parents=(parent.id,), created=created,
            modified=modified, by=account.key, app=viewer.caller.project,
        )  # fmt: skip
        if parent.get("space"):
            file.put("space", parent.get("space"))
            file.put("project", parent.get("project"))
        if mime == SHORTCUT:
            self._aim(viewer, file, body)
        self._describe(viewer, file, body)
        return file

    def _parent(self, viewer: Viewer, parents: Any) -> File:
        if parents is not None and not isinstance(parents, list):
            raise invalid("parents")
        if not parents:
            return viewer.file("root", drives=True)
        if len(parents) > 1:
            raise refuse(403, "cannotAddParent", "A file cannot have more than one parent.")
        folder = viewer.file(str(parents[0]))
        self.check_folder(viewer, folder)
        return folder

    def check_folder(self, viewer: Viewer, folder: File) -> None:
        """Raise Refusal unless the caller can put things into this."""
        if not folder.folder:
            raise refuse(403, "parentNotAFolder", "The specified parent is not a folder.")
        if viewer.rank(folder) < WRITER:
            raise refuse(403, "insufficientParentPermissions", "Insufficient permissions for the specified parent.")
        depth = 1 + sum(1 for _ in self._store.ancestors(folder))
        if depth > DEEPEST:
            name = "teamDriveHierarchyTooDeep" if folder.drive else "myDriveHierarchyDepthLimitExceeded"
            raise refuse(403, name, "The folder hierarchy would be too deep.")
        if folder.parents and len(self._store.inside(folder.id)) >= MOST_CHILDREN:
            raise refuse(403, "numChildrenInNonRootLimitExceeded", "The limit for this folder's children is reached.")
        if folder.drive and len(self._store.owned.get(folder.drive, ())) >= MOST_IN_DRIVE:
            raise refuse(403, "teamDriveFileLimitExceeded", "The file limit for this shared drive has been exceeded.")

    def _chosen_id(self, body: dict[str, Any]) -> str:
        wanted = body.get("id")
        if wanted is None:
            return self._store.fresh_id()
        if body.get("mimeType", "") in EDITORS or wanted not in self._store.generated:
            raise refuse(400, "invalid", "The provided file ID is not usable.", location="file.id")
        if wanted in self._store.files:
            raise refuse(409, "fileIdInUse", "A file already exists with the provided ID.", location="file.id")
        return str(wanted)

    def _aim(self, viewer: Viewer, file: File, body: dict[str, Any]) -> None:
        target_id = (body.get("shortcutDetails") or {}).get("targetId")
        if not target_id:
            raise required("shortcutDetails.targetId")
        target = viewer.file(str(target_id))
        if target.mime == SHORTCUT:
            raise refuse(403, "shortcutTargetInvalid", "The shortcut target is invalid.")
        file.put("target", target.id)
        file.put("target_mime", target.mime)

    def create(self, viewer: Viewer, file: File, content: Content | None = None, kind: ChangeKind = "create") -> None:
        """Take the item up, with its content if it has one."""
        if content is not None:
            file.content, file.size = content.key, content.size
        elif file.blob:
            file.content = EMPTY.key
        elif file.mime in EDITORS:
            file.size = 1024
        self._store.create(file)
        self._store.touched(file)
        self._store.note(viewer.call.event, kind, file)

    # room

    def check_room(self, viewer: Viewer, file: File, size: int) -> None:
        """Raise Refusal where the account has no room for so many bytes more."""
        if viewer.call.fault("quota_full") is not None:
            raise refuse(403, "storageQuotaExceeded", FULL)
        if file.drive or not file.blob:
            return
        account = self._store.accounts.by_key[file.owner]
        limit = self._about.limit(account)
        if limit is not None and self._store.used.get(account.key, 0) + size > limit:
            raise refuse(403, "storageQuotaExceeded", NO_ROOM_FOR_ROBOTS if account.service else FULL)

    # changing

    def update(self, viewer: Viewer, file: File, body: dict[str, Any]) -> None:
        """Change metadata. Raises Refusal before anything is changed."""
        if body.keys() - FOR_READERS - {"trashed"}:
            viewer.need(file, viewer.may_edit(file))
        if "trashed" in body:
            viewer.need(file, viewer.may_trash(file) and bool(file.parents or file.owner))
        top = file.id == file.drive or file.id == self._store.root_id(viewer.caller.account)
        if top and body.keys() & {"name", "trashed"}:
            raise no_file_permission(file.id)
        if file.flag("locked") and "name" in body and body["name"] != file.name:
            raise no_file_permission(file.id)
        before = (file.name, bool(file.trashed_at))
        self._describe(viewer, file, body)
        if body.get("modifiedTime"):
            file.modified, file.by = parse_time(body["modifiedTime"], "modifiedTime"), viewer.me
        self._told(viewer, file, before, body)

    def _told(self, viewer: Viewer, file: File, before: tuple[str, bool], body: dict[str, Any]) -> None:
        """Write what a change of metadata was into log and history."""
        event, name, trashed = viewer.call.event, before[0], before[1]
        if bool(file.trashed_at) != trashed:
            below = list(self._store.below(file)) if file.folder else []
            self._store.note(event, "trash" if file.trashed_at else "restore", file)
            for one in below:
                self._store.touched(one)
        if file.name != name:
            self._store.note(event, "rename", file)
        elif body.keys() - {"trashed", "kind"}:
            self._store.note(event, "metadata", file)
        if body:
            self._store.touched(file)

    def _describe(self, viewer: Viewer, file: File, body: dict[str, Any]) -> None:
        """Set the fields that are written as they are."""
        if body.get("name") is not None:
            file.name = str(body["name"])
        if "description" in body:
            file.put("description", body["description"] or None)
        if "properties" in body:
            file.put("properties", _patched(file.get("properties", {}), body["properties"]))
        if "appProperties" in body:
            own = file.get("app_properties", {})
            mine = _patched(own.get(viewer.caller.project, {}), body["appProperties"])
            kept = {key: value for key, value in own.items() if key != viewer.caller.project}
            file.put("app_properties", {**kept, **({viewer.caller.project: mine} if mine else {})} or None)
        if "starred" in body:
            stars = [one for one in file.get("starred", ()) if one != viewer.me]
            file.put("starred", [*stars, viewer.me] if body["starred"] else stars or None)
        if body.get("originalFilename"):
            file.put("original", str(body["originalFilename"]))
        self._restrict(file, body)
        if "trashed" in body:
            file.trashed_at = self._store.now() if body["trashed"] else 0.0
            file.put("trashed_by", viewer.me if body["trashed"] else None)

    def _restrict(self, file: File, body: dict[str, Any]) -> None:
        if "viewersCanCopyContent" in body:
            file.put("viewers_may_not_copy", None if body["viewersCanCopyContent"] else True)
        if "copyRequiresWriterPermission" in body:
            file.put("viewers_may_not_copy", bool(body["copyRequiresWriterPermission"]) or None)
        if "writersCanShare" in body:
            file.put("writers_may_not_share", None if body["writersCanShare"] else True)
        if "contentRestrictions" in body:
            locked = any(one.get("readOnly") for one in body["contentRestrictions"] or ())
            flags = [one for one in file.get("flags", ()) if one != "locked"]
            file.put("flags", [*flags, "locked"] if locked else flags or None)
        if body.get("folderColorRgb"):
            try:
                file.put("color", nearest_color(str(body["folderColorRgb"])))
            except ValueError:
                raise invalid("folderColorRgb") from None

    def replace(
        self, viewer: Viewer, file: File, content: Content, mime: str, *, timed: bool, forever: bool = False
    ) -> None:
        """Put a new version in the place of the newest one. timed: the request sets the time itself."""
        now = self._store.now()
        made = file.modified if file.head > 1 or file.older else file.created
        name = version_id(self._world.ids, file.id, file.head)
        kept = bool(file.get("forever"))
        old = Revision(name, made, file.by, file.content, file.size, file.mime, file.get("original", file.name), kept)
        older = [one for one in (*file.older, old) if one.forever or now - one.made < KEPT_SECONDS]
        spare = [one for one in older if not one.forever][:-MOST_VERSIONS]
        file.older = tuple(one for one in older if one not in spare)
        file.put("forever", forever or None)
        if file.blob and mime:
            file.mime = mime
        self._store.change(file, content=content.key, size=content.size, head=file.head + 1, by=viewer.me)
        if not timed:
            file.modified = now
        self._store.touched(file)
        self._store.note(viewer.call.event, "content", file)

    # moving

    def move(self, viewer: Viewer, file: File, add: list[str], remove: list[str]) -> None:
        """Put an item elsewhere. Raises Refusal before anything is changed."""
        added = [viewer.file(one) for one in add]
        removed = {viewer.resolve(one) for one in remove}
        if not added and not removed & set(file.parents):
            return
        viewer.need(file, viewer.may_move(file) and file.id != file.drive)
        for folder in added:
            self.check_folder(viewer, folder)
            if folder.id == file.id or any(one.id == file.id for one in self._store.ancestors(folder)):
                raise bad_request("A file cannot be moved into one of its own descendants.", "addParents")
        kept = tuple(one for one in file.parents if one not in removed)
        fresh = [one for one in dict.fromkeys(one.id for one in added) if one not in kept]
        parents = (*kept, *fresh)
        if parents == file.parents:
            return
        self._check_parents(file, parents, fresh)
        if added and added[0].drive != file.drive:
            self._cross(viewer, file, added[0])
        also = self._store.audience(file)
        self._store.reparent(file, parents)
        if file.folder:
            for one in self._store.below(file):
                self._store.touched(one, also)
        self._store.touched(file, also)
        self._store.note(viewer.call.event, "move", file)

    def _check_parents(self, file: File, parents: tuple[str, ...], fresh: list[str]) -> None:
        if len(parents) > max(1, len(file.parents)) or (len(parents) > 1 and fresh):
            if file.drive:
                message = "A shared drive item must have exactly one parent."
                raise refuse(403, "teamDrivesParentLimit", message)
            message = "Increasing the number of parents is not allowed"
            raise refuse(403, "cannotAddParent", message)
        if not parents and file.parents:
            raise bad_request("A file must have a parent.", "removeParents")

    def _cross(self, viewer: Viewer, file: File, folder: File) -> None:
        """From a My Drive into a shared drive, out of one, or from one to another."""
        if file.folder and folder.drive:
            message = "Moving folders into shared drives is not supported."
            raise refuse(403, "teamDrivesFolderMoveInNotSupported", message)
        if file.folder or (file.drive and viewer.rank(file) < ORGANIZER):
            raise no_file_permission(file.id)
        if not file.drive and file.owner != viewer.me:
            raise no_file_permission(file.id)
        owner = "" if folder.drive else viewer.me
        self._store.change(file, drive=folder.drive, owner=owner)

    # copying and deleting

    def copy_of(self, viewer: Viewer, file: File, body: dict[str, Any]) -> File:
        """The copy that a request wants, not yet taken up. Raises Refusal."""
        if file.folder or not viewer.may_download(file):
            raise refuse(403, "cannotCopyFile", "This file cannot be copied by the user.")
        wanted = {"name": f"Copy of {file.name}", "mimeType": file.mime, **body}
        if file.mime == SHORTCUT:
            wanted["shortcutDetails"] = {"targetId": file.get("target")}
        if "parents" not in body:
            homes = [one for one in file.parents if (home := self._store.files.get(one)) and viewer.may_edit(home)]
            wanted["parents"] = homes[:1] or ["root"]
        if file.native:
            wanted.pop("modifiedTime", None)
        made = self.prepare(viewer, wanted)
        for name in ("description", "properties", "bulk"):
            if name not in body and file.get(name) is not None:
                made.put(name, file.get(name))
        return made

    def delete(self, viewer: Viewer, file: File) -> None:
        """Delete for good, with what lies below and has the same owner; other people's items lose their folder."""
        top = file.id == file.drive or file.id == self._store.root_id(viewer.caller.account)
        viewer.need(file, viewer.may_delete(file) and not top)
        self.remove(viewer, file)

    def remove(self, viewer: Viewer, file: File) -> None:
        """The same, without asking."""
        below = list(self._store.below(file)) if file.folder else []
        ended = [one for one in below if one.owner == file.owner]
        told = [(one, self._store.audience(one)) for one in (file, *ended)]
        for one, _ in told:
            self._store.note(viewer.call.event, "delete", one)
        for one in below:
            if one.owner != file.owner:
                gone = {file.id, *(other.id for other in ended)}
                self._store.reparent(one, tuple(parent for parent in one.parents if parent not in gone))
        for one, keys in told:
            self._store.drop(one)
            self._store.tell(one.id, keys)

    def empty_trash(self, viewer: Viewer, drive_id: str) -> None:
        """Delete all that was put in the trash, of the caller or of a shared drive."""
        if drive_id:
            drive = self._store.drives.get(drive_id)
            if drive is None or viewer.member(drive_id) < FILE_ORGANIZER:
                raise refuse(404, "notFound", f"Shared drive not found: {drive_id}", location="driveId")
            if viewer.member(drive_id) < ORGANIZER:
                raise refuse(403, "insufficientFilePermissions", "The user cannot empty the trash of this drive.")
            self._store.plant(drive.owner)
        else:
            self._store.plant_for(viewer.caller.account)
        files = (self._store.files[one] for one in list(self._store.owned.get(drive_id or viewer.me, ())))
        for file in [one for one in files if one.trashed_at]:
            if file.id in self._store.files:
                self.remove(viewer, file)


def media_type(told: str, name: str) -> str:
    """The type of uploaded bytes: as it was told, else by the name."""
    kind = told.partition(";")[0].strip().lower()
    return kind if kind and kind != PLAIN else mime_of(name)


def _patched(before: dict[str, str], changes: Any) -> dict[str, str] | None:
    """A map with changes; null takes a key away."""
    if not isinstance(changes, dict | None):
        raise invalid("properties")
    found = {**before, **{str(key): value for key, value in (changes or {}).items()}}
    return {key: str(value) for key, value in found.items() if value is not None} or None
