"""Metadata as Dropbox's answers have it (files.stone: Metadata, FileMetadata, FolderMetadata, DeletedMetadata)."""

from typing import Any

from haulage.sandbox.dropbox.model import Entry, Revision
from haulage.sandbox.dropbox.store import WRITERS, Store
from haulage.sandbox.dropbox.texts import dated, key_of
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.wire import Call

PAPER_EXTRA_BYTES = 613  # what is listed for a document is not what any export of it has


class Shapes:
    """Makes metadata of entries, as one account sees them. path: the entry's, as shown; None where there is none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def metadata(self, call: Call, entry: Entry, path: str | None, *, explicit: bool = False) -> dict[str, Any]:
        """Of a file, folder or deleted entry, with its `.tag`."""
        if entry.gone_at:
            return {".tag": "deleted", **self._named(entry, path)}
        if entry.folder:
            return {".tag": "folder", **self.folder(call, entry, path)}
        return {".tag": "file", **self.file(call, entry, path, explicit=explicit)}

    def _named(self, entry: Entry, path: str | None) -> dict[str, Any]:
        name = entry.name or self._name_of(entry)
        if path is None:
            return {"name": name}
        return {"name": name, "path_lower": lowered(path), "path_display": path}

    def _name_of(self, entry: Entry) -> str:
        ns = self._store.state.namespaces.get(entry.ns)
        return ns.name if ns is not None else ""

    def folder(self, call: Call, entry: Entry, path: str | None) -> dict[str, Any]:
        """Of a folder, without `.tag`."""
        call.event.sights.append(Sight(entry.id))
        inside = self._store.inside(entry)
        made = {**self._named(entry, path), "id": inside.id}
        namespaces = self._store.state.namespaces
        ns = namespaces.get(inside.ns)
        if ns is not None and ns.kind in ("shared", "team"):
            access = self._store.allowed(call, ns)
            sharing: dict[str, Any] = {
                "read_only": access not in WRITERS,
                "traverse_only": False,
                "no_access": not access,
            }
            if inside.parent:
                made["parent_shared_folder_id"] = ns.id
                sharing["parent_shared_folder_id"] = ns.id
            else:
                made["shared_folder_id"] = ns.id
                sharing["shared_folder_id"] = ns.id
            made["sharing_info"] = sharing
        return made

    def file(
        self, call: Call, entry: Entry, path: str | None, revision: Revision | None = None, *, explicit: bool = False
    ) -> dict[str, Any]:
        """Of a file, or of one of its revisions, without `.tag`."""
        now = revision or Revision(entry.rev, entry.content, entry.client_modified, entry.server_modified)
        call.event.sights.append(Sight(entry.id, now.rev))
        made: dict[str, Any] = {
            **self._named(entry, path),
            "id": entry.id,
            "client_modified": dated(now.client_modified),
            "server_modified": dated(now.server_modified),
            "rev": now.rev,
            "size": now.content.size + (PAPER_EXTRA_BYTES if entry.extra and entry.extra.export_as else 0),
            "is_downloadable": True,
        }
        if (digest := self.content_hash(call, now.content)) is not None:
            made["content_hash"] = digest
        ns = self._store.state.namespaces.get(entry.ns)
        if ns is not None and ns.kind in ("shared", "team"):
            access = self._store.allowed(call, ns)
            made["parent_shared_folder_id"] = ns.id
            made["sharing_info"] = {
                "read_only": access not in WRITERS, "parent_shared_folder_id": ns.id, "modified_by": entry.by
            }  # fmt: skip
        if explicit:
            made["has_explicit_shared_members"] = bool(entry.extra and entry.extra.members)
        if entry.extra is not None:
            self._special(call, entry, made)
        return made

    def _special(self, call: Call, entry: Entry, made: dict[str, Any]) -> None:
        extra = entry.extra
        if extra is None:
            return
        if extra.export_as:
            made["is_downloadable"] = False
            made["export_info"] = {"export_as": extra.export_as}
            if extra.export_options:
                made["export_info"]["export_options"] = extra.export_options
        if extra.symlink:
            made["symlink_info"] = {"target": extra.symlink}
        if extra.locked_by:
            holder = self._store.state.people[extra.locked_by]
            made["file_lock_info"] = {
                "is_lockholder": extra.locked_by == call.event.actor,
                "lockholder_name": holder.name,
                "lockholder_account_id": holder.account,
                "created": dated(entry.server_modified),
            }

    def content_hash(self, call: Call, content: Content) -> str | None:
        """The content_hash in hex; a fault can make it wrong or leave it out."""
        if call.fault("checksum_absent") is not None:
            return None
        right = self._store.world.contents.digest(content, "dropbox").hex()
        return right if call.fault("checksum_wrong") is None else right[::-1]


def lowered(path: str) -> str:
    """A path by its keys."""
    return path.lower() if path.isascii() else "/".join(map(key_of, path.split("/")))
