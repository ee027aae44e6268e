"""Who may do what with an item.

Sources: developers.google.com/workspace/drive/api/guides/{ref-roles,manage-sharing} (2026-08).
"""

from collections.abc import Iterator

import msgspec

from haulage.sandbox.frame.wire import Call
from haulage.sandbox.google.accounts import SCOPE
from haulage.sandbox.google.caller import Caller, caller_of
from haulage.sandbox.google.drive.model import (
    ANYONE,
    ANYONE_FOUND,
    COMMENTER,
    FILE_ORGANIZER,
    NONE,
    ORGANIZER,
    OWNER,
    RANK,
    ROLES,
    WRITER,
    File,
    Grant,
)
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import no_file_permission, not_found

APP_DATA = SCOPE + "drive.appdata"


class Effective(msgspec.Struct, gc=False):
    """What somebody has on an item: the grant with the highest role, where it comes from, "" for the item itself."""

    grant: Grant
    sources: tuple[tuple[str, str], ...]

    @property
    def own(self) -> bool:
        """Whether the item itself has it."""
        return any(not source for source, _ in self.sources)


class Viewer:
    """One caller's view of all items, for one call: what is found once is kept."""

    __slots__ = ("_drives", "_ranks", "_trash", "admin", "call", "caller", "me", "now", "principals", "store")

    def __init__(self, store: Store, call: Call) -> None:
        self.store = store
        self.call = call
        self.caller: Caller = caller_of(call)
        account = self.caller.account
        self.me = account.key
        self.now = call.event.time
        self.principals = {self.me, ANYONE, ANYONE_FOUND, *store.accounts.groups_of.get(self.me, ())}
        if account.customer:
            self.principals.add(store.accounts.domain_key(account.domain))
        self.admin = False
        self._ranks: dict[str, int] = {}
        self._drives: dict[str, int] = {}
        self._trash: dict[str, bool] = {}

    def file(self, file_id: str, *, drives: bool | None = None) -> File:
        """The item of that ID, or alias. drives: whether shared drives are supported; None: as the call says.

        Raises Refusal (404) where there is none, or none that the caller may see.
        """
        found = self.store.find(self.resolve(file_id))
        if found is None or not self.sees(found):
            raise not_found(file_id)
        if found.drive and not (self.supports_drives() if drives is None else drives):
            raise not_found(file_id)
        return found

    def resolve(self, file_id: str) -> str:
        """The ID behind an alias."""
        if file_id == "root":
            return self.store.root_id(self.caller.account)
        if file_id == "appDataFolder":
            return self.store.app_folder(self.caller.account, self.caller.project)
        return file_id

    def supports_drives(self) -> bool:
        """Whether the caller says that it knows shared drives."""
        return flag(self.call, "supportsAllDrives") or flag(self.call, "supportsTeamDrives")

    def sees(self, file: File) -> bool:
        """Whether the item exists for the caller."""
        if file.get("space"):
            return (
                file.owner == self.me and file.get("project") == self.caller.project and APP_DATA in self.caller.scopes
            )
        if self.caller.own_files_only and file.app != self.caller.project and file.parents:
            return False
        return self.admin or self.rank(file) > NONE

    def rank(self, file: File) -> int:
        """The caller's highest role on an item, as a number (see model.RANK)."""
        if file.owner == self.me:
            return OWNER
        found = self._ranks.get(file.id)
        if found is None:
            self._ranks[file.id] = NONE  # in case that folders lie in each other
            found = max(self._granted(file.grants), self._above(file))
            self._ranks[file.id] = found
        return found

    def _above(self, file: File) -> int:
        best = self._member(file.drive) if file.drive else NONE
        for parent in file.parents:
            folder = self.store.files.get(parent)
            if folder is not None:
                best = max(best, min(self.rank(folder), WRITER if folder.owner else OWNER))
        return best

    def _granted(self, grants: tuple[Grant, ...]) -> int:
        best = NONE
        for grant in grants:
            if grant.key in self.principals and (not grant.expires or grant.expires > self.now):
                best = max(best, RANK[grant.role])
        return best

    def _member(self, drive_id: str) -> int:
        found = self._drives.get(drive_id)
        if found is None:
            found = self._granted(tuple(self.store.drives[drive_id].members.values()))
            self._drives[drive_id] = found
        return found

    def member(self, drive_id: str) -> int:
        """The caller's role in a shared drive, as a number."""
        return self._member(drive_id)

    def trashed(self, file: File) -> bool:
        """Whether it or a folder above it is in the trash."""
        if file.trashed_at:
            return True
        if not file.parents:
            return False
        if len(file.parents) > 1:
            return self.store.trashed(file)
        parent = file.parents[0]
        found = self._trash.get(parent)
        if found is None:
            folder = self.store.files.get(parent)
            self._trash[parent] = found = folder is not None and self.store.trashed(folder)
        return found

    def shared_with_me(self, file: File) -> bool:
        """Whether it lies under "Shared with me": granted to the caller, or a group of theirs, itself."""
        if file.drive or file.owner == self.me:
            return False
        return any(one.key in self.principals and one.kind in ("user", "group") for one in file.grants)

    def need(self, file: File, may: bool) -> None:
        """Raise Refusal (403) unless the caller may."""
        if not may:
            raise no_file_permission(file.id)

    def may_edit(self, file: File) -> bool:
        """Whether name and contents can be changed."""
        return self.rank(file) >= WRITER

    def may_download(self, file: File) -> bool:
        """Whether the bytes can be had."""
        if file.flag("restricted"):
            return False
        return not file.get("viewers_may_not_copy") or self.rank(file) >= WRITER

    def may_trash(self, file: File) -> bool:
        """In a My Drive only the owner, in a shared drive content managers."""
        return self.rank(file) >= FILE_ORGANIZER if file.drive else file.owner == self.me

    def may_delete(self, file: File) -> bool:
        """In a My Drive only the owner, in a shared drive managers."""
        return self.rank(file) >= ORGANIZER if file.drive else file.owner == self.me

    def may_share(self, file: File) -> bool:
        """Who may change who has access."""
        rank = self.rank(file)
        if file.drive:
            return rank >= ORGANIZER or (rank >= WRITER and not file.folder)
        return rank == OWNER or (rank >= WRITER and not file.get("writers_may_not_share"))

    def may_move(self, file: File) -> bool:
        """Whether it can be put elsewhere."""
        return self.rank(file) >= (FILE_ORGANIZER if file.drive else WRITER)


def effective(store: Store, file: File, now: float) -> dict[str, Effective]:
    """Who has what on an item, with the roles that come from above, by permission ID."""
    found: dict[str, Effective] = {}
    for source, grant in _all(store, file):
        if grant.expires and grant.expires <= now:
            continue
        before = found.get(grant.key)
        if before is None:
            found[grant.key] = Effective(grant, ((source, grant.role),))
            continue
        before.sources = (*before.sources, (source, grant.role))
        if RANK[grant.role] > RANK[before.grant.role]:
            before.grant = grant
    return found


def _all(store: Store, file: File) -> Iterator[tuple[str, Grant]]:
    """The grants of an item, then those of the folders above; each with the ID that it comes from, "" for its own."""
    if file.owner:
        yield "", owner_grant(store, file)
    for grant in file.grants:
        yield "", grant
    for folder in store.ancestors(file):
        if folder.owner and folder.owner != file.owner:
            inherited = owner_grant(store, folder)
            inherited.role = ROLES[WRITER]
            yield folder.id, inherited
        for grant in folder.grants:
            yield folder.id, grant
    if file.drive in store.drives:
        top = "" if file.id == file.drive else file.drive
        for grant in store.drives[file.drive].members.values():
            yield top, grant


def owner_grant(store: Store, file: File) -> Grant:
    """The owner's own permission."""
    account = store.accounts.by_key[file.owner]
    return Grant(account.key, "user", "owner", account.email)


def flag(call: Call, name: str) -> bool:
    """A parameter that is true or false; the spellings were checked before (see parameters.check)."""
    return call.query.get(name, "").lower() in TRUE


TRUE = frozenset({"true", "t", "yes", "y", "1"})
FALSE = frozenset({"false", "f", "no", "n", "0"})


def capabilities(viewer: Viewer, file: File) -> dict[str, bool]:
    """What the caller can do with an item, in Google's words."""
    rank, drive, folder = viewer.rank(file), bool(file.drive), file.folder
    edit, locked = rank >= WRITER, file.flag("locked")
    move, trash, delete = viewer.may_move(file), viewer.may_trash(file), viewer.may_delete(file)
    download = viewer.may_download(file)
    told = {
        "canAcceptOwnership": False, "canAddChildren": folder and edit, "canAddFolderFromAnotherDrive": False,
        "canAddMyDriveParent": False, "canChangeCopyRequiresWriterPermission": edit,
        "canChangeViewersCanCopyContent": edit, "canComment": rank >= COMMENTER and not locked,
        "canCopy": download and not folder, "canDelete": delete, "canDownload": download, "canEdit": edit,
        "canListChildren": folder, "canModifyContent": edit and not locked, "canModifyContentRestriction": edit,
        "canModifyEditorContentRestriction": edit, "canModifyLabels": False,
        "canModifyOwnerContentRestriction": rank >= ORGANIZER, "canMoveItemWithinDrive": move,
        "canMoveItemOutOfDrive": rank >= ORGANIZER, "canReadLabels": True,
        "canReadRevisions": not folder and (edit or not drive), "canRemoveChildren": folder and edit,
        "canRemoveContentRestriction": edit and locked, "canRemoveMyDriveParent": not drive and edit,
        "canRename": edit and not locked, "canShare": viewer.may_share(file), "canTrash": trash,
        "canUntrash": trash, "canDisableInheritedPermissions": False, "canEnableInheritedPermissions": False,
    }  # fmt: skip
    if folder:
        told |= {
            "canDeleteChildren": drive and rank >= ORGANIZER, "canTrashChildren": drive and rank >= FILE_ORGANIZER,
            "canMoveChildrenOutOfDrive": rank >= ORGANIZER,
            "canMoveChildrenWithinDrive": rank >= (FILE_ORGANIZER if drive else WRITER),
        }  # fmt: skip
    if drive:
        told["canReadDrive"] = viewer.member(file.drive) > NONE
    return told
