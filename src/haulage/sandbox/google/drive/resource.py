"""Items as the interface tells of them: only the fields that are wanted are made.

A getter gives None for a field that an item does not have; it is then left out.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.google.drive.about import user_of
from haulage.sandbox.google.drive.access import Effective, Viewer, capabilities, effective
from haulage.sandbox.google.drive.formats import EXPORTS
from haulage.sandbox.google.drive.model import DOCUMENT, DRAWING, FOLDER, SHEET, SHORTCUT, SLIDES, File
from haulage.sandbox.google.fields import Mask, prune

Getter = Callable[[Viewer, File], Any]
Plan = tuple[tuple[str, Getter, Mask], ...]
MANY_HASHES_SINCE = 1_514_764_800.0  # 2018: older files may have MD5 alone (rclone's drive page)
PAGES = {DOCUMENT: "document", SHEET: "spreadsheets", SLIDES: "presentation", DRAWING: "drawings"}
EXPORT_PATHS = {
    DOCUMENT: "/feeds/download/documents/export/Export", SHEET: "/spreadsheets/export",
    SLIDES: "/feeds/download/presentations/Export", DRAWING: "/feeds/download/drawings/Export",
}  # fmt: skip


@lru_cache(maxsize=65_536)
def instant(seconds: float) -> str:
    """A time as Drive tells it: RFC 3339, UTC, milliseconds."""
    return rfc3339(seconds, 3)


def _digest(algorithm: str) -> Getter:
    def get(viewer: Viewer, file: File) -> str | None:
        if not file.blob:
            return None
        if algorithm != "md5" and file.modified < MANY_HASHES_SINCE and file.content.startswith("pool:"):
            return None
        if viewer.call.fault("checksum_absent") is not None:
            return None
        found = viewer.store.digest(file.content, algorithm)
        return found if viewer.call.fault("checksum_wrong") is None else found[1:] + found[:1]

    return get


def _user(viewer: Viewer, key: str) -> dict[str, Any] | None:
    account = viewer.store.accounts.by_key.get(key)
    return user_of(account, viewer.me) if account is not None else None


def _parents(viewer: Viewer, file: File) -> list[str] | None:
    """Those that the caller can see: what was shared has none."""
    if file.owner == viewer.me or file.drive:
        return list(file.parents) or None
    files = viewer.store.files
    return [one for one in file.parents if one in files and viewer.sees(files[one])] or None


def _size(viewer: Viewer, file: File) -> str | None:
    return None if file.mime in (FOLDER, SHORTCUT) else str(file.size)


def _quota(viewer: Viewer, file: File) -> str:
    return str(file.size + sum(one.size for one in file.older if one.forever))


def _extension(viewer: Viewer, file: File) -> str | None:
    return file.name.rpartition(".")[2] if file.blob and "." in file.name else None


def _view_link(viewer: Viewer, file: File) -> str:
    if file.folder:
        return f"https://drive.google.com/drive/folders/{file.id}"
    if file.mime in PAGES:
        return f"https://docs.google.com/{PAGES[file.mime]}/d/{file.id}/edit?usp=drivesdk"
    return f"https://drive.google.com/file/d/{file.id}/view?usp=drivesdk"


def export_links(viewer: Viewer, file: File) -> dict[str, str] | None:
    """Where a native document can be had in each of its formats."""
    path = EXPORT_PATHS.get(file.mime)
    if path is None or not viewer.may_download(file):
        return None
    base = f"{viewer.call.at('docs.google.com')}{path}?id={file.id}&exportFormat="
    return {kind: base + word for kind, word in EXPORTS[file.mime].items()}


def _shortcut(viewer: Viewer, file: File) -> dict[str, str] | None:
    if file.mime != SHORTCUT:
        return None
    return {"targetId": file.get("target"), "targetMimeType": file.get("target_mime")}


def _shared(viewer: Viewer, file: File) -> bool | None:
    if file.drive:
        return None
    return bool(file.grants) or any(one.grants for one in viewer.store.ancestors(file))


def _shared_time(viewer: Viewer, file: File) -> str | None:
    return instant(file.created) if viewer.shared_with_me(file) else None


def _permissions(viewer: Viewer, file: File) -> list[dict[str, Any]] | None:
    if file.drive or not viewer.may_share(file):
        return None
    found = effective(viewer.store, file, viewer.now)
    return [permission(viewer, file, one) for one in found.values()]


def permission(viewer: Viewer, file: File, found: Effective) -> dict[str, Any]:
    """A permission, with all its fields."""
    grant = found.grant
    told: dict[str, Any] = {"kind": "drive#permission", "id": grant.key, "type": grant.kind, "role": grant.role}
    account = viewer.store.accounts.by_key.get(grant.key)
    team = viewer.store.accounts.groups_by_key.get(grant.key)
    if grant.kind in ("user", "group"):
        told["emailAddress"] = grant.who
        told["deleted"] = account is None and team is None and not grant.key.startswith("9")
        told["displayName"] = account.name if account else team.name if team else grant.who.partition("@")[0]
        told["pendingOwner"] = grant.pending
    elif grant.kind == "domain":
        told |= {"domain": grant.who, "displayName": grant.who, "allowFileDiscovery": grant.found}
    else:
        told["allowFileDiscovery"] = grant.found
    if grant.expires:
        told["expirationTime"] = instant(grant.expires)
    told["permissionDetails"] = [_detail(file, source, role) for source, role in found.sources]
    return told


def _detail(file: File, source: str, role: str) -> dict[str, Any]:
    member = bool(file.drive) and source in ("", file.drive) and (file.id == file.drive or source == file.drive)
    told: dict[str, Any] = {"permissionType": "member" if member else "file", "role": role, "inherited": bool(source)}
    if source and file.drive:
        told["inheritedFrom"] = source
    return told


def _restrictions(viewer: Viewer, file: File) -> list[dict[str, Any]] | None:
    if not file.flag("locked"):
        return None
    told = {
        "readOnly": True, "reason": "Signed", "type": "globalContentRestriction", "ownerRestricted": False,
        "systemRestricted": False, "restrictionTime": instant(file.modified),
        "restrictingUser": _user(viewer, file.owner or file.by),
    }  # fmt: skip
    return [{name: value for name, value in told.items() if value is not None}]


def _downloads(viewer: Viewer, file: File) -> dict[str, Any]:
    readers = bool(file.get("viewers_may_not_copy")) or file.flag("restricted")
    told = {"restrictedForReaders": readers, "restrictedForWriters": file.flag("restricted")}
    return {"itemDownloadRestriction": told, "effectiveDownloadRestrictionWithContext": told}


GETTERS: dict[str, Getter] = {
    "kind": lambda viewer, file: "drive#file",
    "id": lambda viewer, file: file.id,
    "name": lambda viewer, file: file.name,
    "mimeType": lambda viewer, file: file.mime,
    "description": lambda viewer, file: file.get("description"),
    "starred": lambda viewer, file: viewer.me in file.get("starred", ()),
    "trashed": lambda viewer, file: viewer.trashed(file),
    "explicitlyTrashed": lambda viewer, file: bool(file.trashed_at),
    "trashedTime": lambda viewer, file: instant(file.trashed_at) if file.drive and file.trashed_at else None,
    "trashingUser": lambda viewer, file: (
        _user(viewer, file.get("trashed_by", "")) if file.drive and file.trashed_at else None
    ),
    "parents": _parents,
    "properties": lambda viewer, file: file.get("properties"),
    "appProperties": lambda viewer, file: file.get("app_properties", {}).get(viewer.caller.project),
    "spaces": lambda viewer, file: [file.get("space") or "drive"],
    "version": lambda viewer, file: str(file.version),
    "webContentLink": lambda viewer, file: (
        f"https://drive.google.com/uc?id={file.id}&export=download" if file.blob else None
    ),
    "webViewLink": _view_link,
    "iconLink": lambda viewer, file: f"https://drive-thirdparty.googleusercontent.com/16/type/{file.mime}",
    "hasThumbnail": lambda viewer, file: False,
    "thumbnailVersion": lambda viewer, file: "0",
    "viewedByMe": lambda viewer, file: file.by == viewer.me,
    "viewedByMeTime": lambda viewer, file: instant(file.modified) if file.by == viewer.me else None,
    "createdTime": lambda viewer, file: instant(file.created),
    "modifiedTime": lambda viewer, file: instant(file.modified),
    "modifiedByMe": lambda viewer, file: file.by == viewer.me,
    "modifiedByMeTime": lambda viewer, file: instant(file.modified) if file.by == viewer.me else None,
    "sharedWithMeTime": _shared_time,
    "sharingUser": lambda viewer, file: _user(viewer, file.owner) if viewer.shared_with_me(file) else None,
    "owners": lambda viewer, file: [_user(viewer, file.owner)] if file.owner else None,
    "ownedByMe": lambda viewer, file: file.owner == viewer.me if file.owner else None,
    "driveId": lambda viewer, file: file.drive or None,
    "teamDriveId": lambda viewer, file: file.drive or None,
    "lastModifyingUser": lambda viewer, file: _user(viewer, file.by),
    "shared": _shared,
    "capabilities": lambda viewer, file: capabilities(viewer, file),
    "viewersCanCopyContent": lambda viewer, file: not file.get("viewers_may_not_copy", False),
    "copyRequiresWriterPermission": lambda viewer, file: bool(file.get("viewers_may_not_copy")),
    "writersCanShare": lambda viewer, file: None if file.drive else not file.get("writers_may_not_share", False),
    "permissions": _permissions,
    "permissionIds": lambda viewer, file: (
        list(effective(viewer.store, file, viewer.now)) if viewer.may_share(file) else None
    ),
    "hasAugmentedPermissions": lambda viewer, file: bool(file.grants) if file.drive else None,
    "folderColorRgb": lambda viewer, file: file.get("color", "#8f8f8f") if file.folder else None,
    "originalFilename": lambda viewer, file: file.get("original", file.name) if file.blob else None,
    "fileExtension": _extension,
    "fullFileExtension": _extension,
    "md5Checksum": _digest("md5"),
    "sha1Checksum": _digest("sha1"),
    "sha256Checksum": _digest("sha256"),
    "size": _size,
    "quotaBytesUsed": _quota,
    "headRevisionId": lambda viewer, file: viewer.store.revision_id(file) if file.blob else None,
    "isAppAuthorized": lambda viewer, file: file.app == viewer.caller.project,
    "exportLinks": export_links,
    "shortcutDetails": _shortcut,
    "contentRestrictions": _restrictions,
    "downloadRestrictions": _downloads,
    "linkShareMetadata": lambda viewer, file: {"securityUpdateEligible": False, "securityUpdateEnabled": True},
}
_PLANS: dict[int, tuple[Mask, Plan]] = {}


def plan(mask: Mask) -> Plan:
    """The getters that a mask needs. Masks are kept by fields.parse, so that equal texts give the same object."""
    if (known := _PLANS.get(id(mask))) is not None and known[0] is mask:
        return known[1]
    chosen = GETTERS.keys() if mask is None else mask.keys()
    made = tuple((name, GETTERS[name], mask and mask[name]) for name in chosen if name in GETTERS)
    if len(_PLANS) > 1024:
        _PLANS.clear()
    _PLANS[id(mask)] = mask, made
    return made


def render(viewer: Viewer, file: File, chosen: Plan) -> dict[str, Any]:
    """An item, with the fields of a plan."""
    told = {}
    for name, getter, below in chosen:
        value = getter(viewer, file)
        if value is not None:
            told[name] = value if below is None else prune(value, below)
    return told


def needs_hashes(chosen: Plan) -> bool:
    """Whether a plan tells of checksums."""
    return any(name.endswith("Checksum") for name, _, _ in chosen)
