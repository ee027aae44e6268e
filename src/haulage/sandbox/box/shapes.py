"""Items, users and the rest as Box's answers have them (developer.box.com/reference/resources)."""

from collections.abc import Callable
from typing import Any

from haulage.sandbox.box.model import ROOT, Collaboration, GroupRecord, Item, Link, Lock, UserRecord, Version
from haulage.sandbox.box.store import CO_OWNERS, EDITORS, LOOKERS, READERS, UPLOADERS, Store
from haulage.sandbox.box.texts import dated
from haulage.sandbox.frame.wire import Call

ENTERPRISE_ID = "box-enterprise"
COMMON = ("type", "id", "etag")
Maker = Callable[[Item, str, Call], Any]
FULL: dict[str, tuple[str, ...]] = {
    "folder": (
        "type", "id", "etag", "sequence_id", "name", "created_at", "modified_at", "description", "size",
        "path_collection", "created_by", "modified_by", "trashed_at", "purged_at", "content_created_at",
        "content_modified_at", "owned_by", "shared_link", "folder_upload_email", "parent", "item_status",
        "item_collection",
    ),
    "file": (
        "type", "id", "etag", "sequence_id", "name", "sha1", "file_version", "description", "size",
        "path_collection", "created_at", "modified_at", "trashed_at", "purged_at", "content_created_at",
        "content_modified_at", "created_by", "modified_by", "owned_by", "shared_link", "parent", "item_status",
    ),
    "web_link": (
        "type", "id", "etag", "sequence_id", "name", "url", "created_by", "created_at", "modified_at", "parent",
        "description", "item_status", "trashed_at", "purged_at", "owned_by", "path_collection", "modified_by",
        "shared_link",
    ),
}  # fmt: skip
MINI: dict[str, tuple[str, ...]] = {
    "folder": ("type", "id", "etag", "sequence_id", "name"),
    "file": ("type", "id", "etag", "sequence_id", "name", "sha1", "file_version"),
    "web_link": ("type", "id", "etag", "sequence_id", "name", "url"),
}
PURGE_SECONDS = 30 * 86400.0
MOST_PLANS = 1000
ONLY_FILES = frozenset({"sha1", "file_version", "version_number", "lock", "extension", "watermark_info"})
ONLY_FOLDERS = frozenset({"folder_upload_email", "item_collection", "sync_state", "can_non_owners_invite"})
INVITED_AS = ["editor", "viewer", "previewer", "uploader", "previewer uploader", "viewer uploader", "co-owner"]


def wanted_fields(call: Call) -> tuple[str, ...] | None:
    """The fields that the call asks for, None where it asks for none in particular."""
    asked = call.query.get("fields", "")
    return tuple(name.strip() for name in asked.split(",") if name.strip()) if asked else None


class Shapes:
    """Makes documents of items, as one user sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fields: dict[str, Maker] = {
            name[6:]: getattr(self, name) for name in dir(self) if name.startswith("field_")
        }
        self._plans: dict[tuple[str, tuple[str, ...]], list[tuple[str, Maker]]] = {}

    def item(self, item: Item, user: str, call: Call, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
        """An item, whole or with just the fields that are asked for."""
        names = FULL[item.kind] if fields is None else (*COMMON, *fields)
        return self._made(item, user, call, names)

    def entry(self, item: Item, user: str, call: Call, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
        """An item within a list: without fields the mini form."""
        names = MINI[item.kind] if fields is None else (*COMMON, *fields)
        return self._made(item, user, call, names)

    def _made(self, item: Item, user: str, call: Call, names: tuple[str, ...]) -> dict[str, Any]:
        plan = self._plans.get((item.kind, names))
        if plan is None:
            if len(self._plans) > MOST_PLANS:
                self._plans.clear()
            plan = self._plans[item.kind, names] = self._plan(item.kind, names)
        return {name: maker(item, user, call) for name, maker in plan}

    def _plan(self, kind: str, names: tuple[str, ...]) -> list[tuple[str, Maker]]:
        """The makers of the fields that items of a kind have of these."""
        alien = ONLY_FILES if kind != "file" else ONLY_FOLDERS
        if kind == "web_link":
            alien = ONLY_FILES | ONLY_FOLDERS
        known = dict.fromkeys(name for name in names if name in self._fields and name not in alien)
        return [(name, self._fields[name]) for name in known]

    def field_type(self, item: Item, user: str, call: Call) -> str:
        """folder, file or web_link."""
        return item.kind

    def field_id(self, item: Item, user: str, call: Call) -> str:
        """The id; of any root "0"."""
        return item.id if item.parent else ROOT

    def field_etag(self, item: Item, user: str, call: Call) -> str | None:
        """A number as text that counts changes; null for a root."""
        return str(item.etag) if item.parent else None

    field_sequence_id = field_etag

    def field_name(self, item: Item, user: str, call: Call) -> str:
        """The name."""
        return item.name

    def field_sha1(self, item: Item, user: str, call: Call) -> str | None:
        """SHA-1 in hex; a fault can make it wrong or leave it out."""
        if call.fault("checksum_absent") is not None:
            return None
        right = self._store.world.contents.digest(item.content, "sha1").hex()
        return right if call.fault("checksum_wrong") is None else right[::-1]

    def field_file_version(self, item: Item, user: str, call: Call) -> dict[str, Any]:
        """The current version."""
        return {"type": "file_version", "id": item.version, "sha1": self.field_sha1(item, user, call)}

    def field_version_number(self, item: Item, user: str, call: Call) -> str:
        """From 1."""
        return str(1 + len(item.extra.versions) if item.extra else 1)

    def field_size(self, item: Item, user: str, call: Call) -> int:
        """Bytes; of a folder those of all below it."""
        return self._store.size_of(item)

    def field_description(self, item: Item, user: str, call: Call) -> str:
        """Free text."""
        return item.extra.description if item.extra else ""

    def field_tags(self, item: Item, user: str, call: Call) -> list[str]:
        """Words."""
        return item.extra.tags if item.extra else []

    def field_url(self, item: Item, user: str, call: Call) -> str | None:
        """Where a web link leads."""
        return item.extra.url if item.extra and item.kind == "web_link" else None

    def field_created_at(self, item: Item, user: str, call: Call) -> str | None:
        """When it came to Box; null for a root."""
        return dated(item.created_at) if item.parent else None

    def field_modified_at(self, item: Item, user: str, call: Call) -> str | None:
        """When it last changed at Box; null for a root."""
        return dated(item.modified_at) if item.parent else None

    def field_content_created_at(self, item: Item, user: str, call: Call) -> str | None:
        """When the content was made, as the uploader said."""
        return dated(item.content_created_at or item.created_at) if item.parent else None

    def field_content_modified_at(self, item: Item, user: str, call: Call) -> str | None:
        """When the content was changed, as the uploader said."""
        return dated(item.content_modified_at or item.modified_at) if item.parent else None

    def field_trashed_at(self, item: Item, user: str, call: Call) -> str | None:
        """When it went into the trash."""
        return dated(item.trashed_at) if item.trashed_at else None

    def field_purged_at(self, item: Item, user: str, call: Call) -> str | None:
        """When it leaves the trash for good."""
        return dated(item.trashed_at + PURGE_SECONDS) if item.trashed_at else None

    def field_item_status(self, item: Item, user: str, call: Call) -> str:
        """active, trashed or deleted."""
        return "trashed" if self._store.in_trash(item) else "active"

    def field_parent(self, item: Item, user: str, call: Call) -> dict[str, Any] | None:
        """The folder; to somebody it is shared with, its root where the folder is out of sight."""
        if not item.parent:
            return None
        above = self._store.state.items[item.parent]
        if not above.parent or not self._store.role(user, above):
            return root_mini()
        return self.entry(above, user, call, MINI["folder"][3:])

    def field_path_collection(self, item: Item, user: str, call: Call) -> dict[str, Any]:
        """The folders above, the root first."""
        above = [one for one in self._store.above(item) if one.parent and self._store.role(user, one)]
        entries = [root_mini()] if item.parent else []
        entries += [self.entry(one, user, call, MINI["folder"][3:]) for one in reversed(above)]
        return {"total_count": len(entries), "entries": entries}

    def field_item_collection(self, item: Item, user: str, call: Call) -> dict[str, Any]:
        """The first hundred items of a folder."""
        ids = self._store.sorted(item, "name", user)
        items = self._store.state.items
        return {
            "total_count": len(ids),
            "entries": [self.entry(items[one], user, call) for one in ids[:100]],
            "offset": 0,
            "limit": 100,
            "order": [{"by": "type", "direction": "ASC"}, {"by": "name", "direction": "ASC"}],
        }

    def field_created_by(self, item: Item, user: str, call: Call) -> dict[str, Any]:
        """Who made it."""
        return self.user_mini(item.created_by)

    def field_modified_by(self, item: Item, user: str, call: Call) -> dict[str, Any]:
        """Who changed it last."""
        return self.user_mini(item.modified_by)

    def field_owned_by(self, item: Item, user: str, call: Call) -> dict[str, Any]:
        """Whose it is."""
        return self.user_mini(item.owner)

    def field_shared_link(self, item: Item, user: str, call: Call) -> dict[str, Any] | None:
        """The shared link, if there is one."""
        return link_shape(item, item.extra.link) if item.extra and item.extra.link else None

    def field_lock(self, item: Item, user: str, call: Call) -> dict[str, Any] | None:
        """Who has locked a file."""
        lock = self.lock_of(item)
        return lock_shape(lock, self.user_mini(lock.by)) if lock else None

    def lock_of(self, item: Item) -> Lock | None:
        """The lock that holds now."""
        lock = item.extra.lock if item.extra else None
        return lock if lock and not 0 < lock.expires_at <= self._store.world.clock.now() else None

    def field_permissions(self, item: Item, user: str, call: Call) -> dict[str, bool]:
        """What the user may do."""
        role = self._store.role(user, item)
        held = item.extra is not None and bool(item.extra.blocked)
        common = {
            "can_download": role in READERS and not held, "can_rename": role in EDITORS, "can_delete": role in EDITORS,
            "can_share": role in EDITORS, "can_set_share_access": role in CO_OWNERS,
            "can_invite_collaborator": role in EDITORS, "can_upload": role in UPLOADERS,
        }  # fmt: skip
        if item.kind != "file":
            return common
        more = {"can_preview": role in LOOKERS, "can_comment": role in LOOKERS, "can_annotate": role in EDITORS}
        seen = {"can_view_annotations_all": role in LOOKERS, "can_view_annotations_self": role in LOOKERS}
        return {**common, **more, **seen}

    def field_extension(self, item: Item, user: str, call: Call) -> str:
        """What comes behind the last point of the name."""
        return item.name.rpartition(".")[2] if "." in item.name else ""

    def field_has_collaborations(self, item: Item, user: str, call: Call) -> bool:
        """Whether it is shared with others by name."""
        return any(True for _ in self._store.shares_along(item))

    def field_is_externally_owned(self, item: Item, user: str, call: Call) -> bool:
        """Whether its owner is of another enterprise."""
        owner = self._store.state.users.get(item.owner)
        return owner is not None and owner.external

    def field_allowed_invitee_roles(self, item: Item, user: str, call: Call) -> list[str]:
        """What one may invite others as."""
        return INVITED_AS

    def field_watermark_info(self, item: Item, user: str, call: Call) -> dict[str, bool]:
        """Nothing here is watermarked."""
        return {"is_watermarked": False}

    def field_uploader_display_name(self, item: Item, user: str, call: Call) -> str:
        """Who brought it."""
        return str(self.user_mini(item.created_by)["name"])

    def field_sync_state(self, item: Item, user: str, call: Call) -> str:
        """Of the old desktop client."""
        return "not_synced"

    def field_folder_upload_email(self, item: Item, user: str, call: Call) -> None:
        """None is set up."""

    def field_can_non_owners_invite(self, item: Item, user: str, call: Call) -> bool:
        """Whether editors may invite."""
        return bool(item.extra.settings.get("can_non_owners_invite", True)) if item.extra else True

    def user_mini(self, user: str) -> dict[str, Any]:
        """A user within another document."""
        record = self._store.state.users.get(user)
        name, login = (record.name, record.login) if record else ("Deleted user", "")
        return {"type": "user", "id": user, "name": name, "login": login}

    def version(self, item: Item, one: Version) -> dict[str, Any]:
        """A past version of a file."""
        maker = self.user_mini(one.created_by)
        return {
            "type": "file_version",
            "id": one.id,
            "sha1": self._store.world.contents.digest(one.content, "sha1").hex(),
            "name": one.name,
            "size": one.content.size,
            "created_at": dated(one.created_at),
            "modified_at": dated(one.created_at),
            "modified_by": maker,
            "trashed_at": dated(one.trashed_at) if one.trashed_at else None,
            "restored_at": dated(one.restored_at) if one.restored_at else None,
            "purged_at": dated(one.trashed_at + PURGE_SECONDS) if one.trashed_at else None,
            "uploader_display_name": maker["name"],
        }

    def collaboration(self, one: Collaboration, call: Call) -> dict[str, Any]:
        """A collaboration; its item is null while it is pending."""
        item = self._store.state.items[one.item]
        shown = self.entry(item, one.created_by, call) if one.status == "accepted" else None
        return {
            "type": "collaboration",
            "id": one.id,
            "role": one.role,
            "status": one.status,
            "accessible_by": self._collaborator(one),
            "invite_email": one.invite_email or None,
            "item": shown,
            "created_by": self.user_mini(one.created_by),
            "created_at": dated(one.created_at),
            "modified_at": dated(one.modified_at),
            "expires_at": dated(one.expires_at) if one.expires_at else None,
            "acknowledged_at": dated(one.modified_at) if one.status == "accepted" else None,
            "is_access_only": False,
        }

    def _collaborator(self, one: Collaboration) -> dict[str, Any] | None:
        if one.status == "pending" or not one.who:
            return None
        return self.group_mini(self._store.state.groups[one.who]) if one.kind == "group" else self.user_mini(one.who)

    def group_mini(self, group: GroupRecord) -> dict[str, Any]:
        """A group within another document."""
        return {"type": "group", "id": group.id, "name": group.name, "group_type": "managed_group"}

    def user(self, record: UserRecord, fields: tuple[str, ...] | None) -> dict[str, Any]:
        """A user, whole or with just the fields that are asked for."""
        whole = {
            "type": "user", "id": record.id, "name": record.name, "login": record.login,
            "created_at": dated(record.created_at), "modified_at": dated(record.modified_at), "language": "en",
            "timezone": "America/Los_Angeles", "space_amount": record.space_amount,
            "space_used": self._store.state.used.get(record.id, 0), "max_upload_size": 53_687_091_200,
            "status": record.status, "job_title": record.job_title, "phone": record.phone, "address": "",
            "avatar_url": f"https://app.box.com/api/avatar/large/{record.id}", "notification_email": None,
        }  # fmt: skip
        if fields is None:
            return whole
        more: dict[str, Any] = {
            "role": record.role, "tracking_codes": [], "hostname": "https://app.box.com/",
            "external_app_user_id": None, "is_platform_access_only": False, "can_see_managed_users": True,
            "is_sync_enabled": True, "is_external_collab_restricted": False,
            "is_exempt_from_device_limits": False, "is_exempt_from_login_verification": False,
            "enterprise": None if record.external else self.enterprise(),
        }  # fmt: skip
        known = {**whole, **more}
        return {name: known[name] for name in ("type", "id", *fields) if name in known}

    def enterprise(self) -> dict[str, str]:
        """The organisation as Box's enterprise."""
        ids = self._store.world.ids
        return {"type": "enterprise", "id": ids.digits(ENTERPRISE_ID, count=7), "name": "Aurora Works"}


def root_mini() -> dict[str, Any]:
    """A root within another document."""
    return {"type": "folder", "id": ROOT, "sequence_id": None, "etag": None, "name": "All Files"}


def lock_shape(lock: Lock, by: dict[str, Any]) -> dict[str, Any]:
    """A file's lock."""
    return {
        "type": "lock",
        "id": lock.id,
        "created_by": by,
        "created_at": dated(lock.created_at),
        "expired_at": dated(lock.expires_at) if lock.expires_at else None,
        "is_download_prevented": lock.download_prevented,
        "app_type": None,
    }


def link_shape(item: Item, link: Link) -> dict[str, Any]:
    """A shared link."""
    url = f"https://app.box.com/s/{link.key}"
    static = f"https://app.box.com/shared/static/{link.key}"
    shown = item.kind == "file" and link.access == "open"
    return {
        "url": url,
        "download_url": static if shown else None,
        "vanity_url": f"https://aurora.app.box.com/v/{link.vanity}" if link.vanity else None,
        "vanity_name": link.vanity or None,
        "access": link.access,
        "effective_access": link.access,
        "effective_permission": "can_download" if link.can_download else "can_preview",
        "unshared_at": dated(link.expires_at) if link.expires_at else None,
        "is_password_enabled": bool(link.password),
        "permissions": {"can_download": link.can_download, "can_preview": True, "can_edit": False},
        "download_count": 0,
        "preview_count": 0,
    }
