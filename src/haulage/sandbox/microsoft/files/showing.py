"""How items, drives, permissions and versions look in answers.

Source: the Graph pages of the resources driveItem, drive, permission, driveItemVersion.
"""

import mimetypes
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.hashing import base64_text
from haulage.sandbox.frame.wire import Call
from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft.files import kinds
from haulage.sandbox.microsoft.files.items import FILE_TARGET, MALWARE, NOTEBOOK, Drive, Item
from haulage.sandbox.microsoft.files.people import People
from haulage.sandbox.microsoft.files.tickets import Tickets

Document = dict[str, Any]
GRAPH = "graph.microsoft.com"
HASHLESS = (".one", ".onetoc2")  # abraunegg/onedrive: these have no hash
KEPT_FILES = 1 << 15
IMAGES = ("jpg", "jpeg", "png", "heic", "gif")


@lru_cache(maxsize=1 << 16)
def _whole(seconds: int) -> str:
    return rfc3339(seconds)


def when(seconds: float, *, whole: bool) -> str:
    """A time as items show it: whole seconds in libraries, thousandths in consumer drives."""
    return _whole(int(seconds)) if whole or seconds == int(seconds) else rfc3339(seconds, 3)


@lru_cache(maxsize=1 << 14)
def _quoted(text: str) -> str:
    return quote(text)


@lru_cache(maxsize=4096)
def mime_type(name: str) -> str:
    """By the ending, as the service guesses it."""
    return mimetypes.guess_type(f"x.{name.rpartition('.')[2]}")[0] or "application/octet-stream"


class Setting(msgspec.Struct):
    """What is the same for all items of a folder in one answer.

    parent: their parentReference. pages, downloads: how the URLs of their pages and contents begin. at: the time.
    """

    parent: Document
    pages: str
    downloads: str
    at: float


class Showing:
    """Makes the documents of answers."""

    def __init__(self, world: World, people: People, tickets: Tickets) -> None:
        self._world = world
        self._people = people
        self._tickets = tickets
        self._files: dict[str, tuple[tuple[int, int, str], Document]] = {}

    def parent(self, drive: Drive, parent: str, *, path: bool = True) -> Document:
        """The parentReference of the items in a folder; of the root (parent ""): only drive and type."""
        shown: Document = {"driveType": drive.kind.name, "driveId": drive.id}
        if not parent:
            return shown
        folder = drive.items[parent]
        shown["id"] = parent
        if folder.parent or drive.kind.sites:
            shown["name"] = folder.name if folder.parent else drive.name
        if path:
            prefix = f"/drives/{drive.id}/root:" if drive.kind.sites else "/drive/root:"
            shown["path"] = prefix + quote(drive.path(folder))
        if drive.site:
            shown["siteId"] = drive.site
        return shown

    def setting(self, call: Call, drive: Drive, parent: str, *, path: bool = True) -> "Setting":
        """What the items of a folder have in common; path: whether their parentReference tells it."""
        if not drive.kind.sites:
            pages = ""
        elif not parent:
            pages = f"https://{drive.host}{quote(drive.base)}"
        else:
            pages = f"https://{drive.host}{quote(drive.base + drive.path(drive.items[parent]))}/"
        return Setting(self.parent(drive, parent, path=path), pages, self._tickets.prefix(call, drive), call.event.time)

    def item(self, drive: Drive, item: Item, setting: "Setting", *, delta: bool = False) -> Document:
        """An item. delta: in the form that delta has."""
        if item.folder or item.target:
            shown = self._facts(drive, item)
        else:
            shown = self._file(drive, item).copy()
            shown["@microsoft.graph.downloadUrl"] = setting.downloads + self._tickets.download(drive, item, setting.at)
        shown["parentReference"] = setting.parent
        shown["webUrl"] = _web_url(drive, item, setting)
        if item.target:
            self._shortcut(item, shown)
        elif item.folder:
            self._folder(drive, item, shown)
        if delta and drive.kind.sites and item.tag == 1:
            shown.pop("cTag", None)
        return shown

    def _facts(self, drive: Drive, item: Item) -> Document:
        """What does not depend on where it is."""
        kind, ids = drive.kind, self._world.ids
        whole = kind.whole_seconds
        modified = when(item.modified, whole=whole)
        shown: Document = {
            "id": item.id,
            "name": item.name,
            "size": item.size,
            "eTag": kinds.e_tag(kind, ids, item.id, item.tag),
            "createdDateTime": when(item.created if kind.sites else item.born, whole=whole),
            "lastModifiedDateTime": modified if kind.sites else when(item.changed, whole=whole),
            "createdBy": self._people.set_of(item.author),
            "lastModifiedBy": self._people.set_of(item.editor),
            "fileSystemInfo": {"createdDateTime": when(item.created, whole=whole), "lastModifiedDateTime": modified},
        }
        if not (kind.sites and item.folder):
            shown["cTag"] = kinds.c_tag(kind, ids, item.id, item.content_tag)
        if item.permissions:
            shown["shared"] = {"scope": _scope(item)}
        if item.flags & MALWARE:
            shown["malware"] = {"description": "Sandbox.Test.Malware"}
        return shown

    def _file(self, drive: Drive, item: Item) -> Document:
        """The facts and facets of a file; made once as long as it stays as it is. Not to be changed."""
        stamp = (item.tag, item.content_tag, _scope(item) if item.permissions else "")
        found = self._files.get(item.id)
        if found is not None and found[0] == stamp:
            return found[1]
        shown = self._facts(drive, item)
        shown["file"] = {"mimeType": mime_type(item.name.rpartition(".")[2].lower()), **self._hashes(drive, item)}
        if not drive.kind.sites and item.name.lower().endswith(IMAGES):
            shown["photo"] = {"takenDateTime": when(item.created, whole=True)}
        if len(self._files) >= KEPT_FILES:
            self._files.clear()
        self._files[item.id] = (stamp, shown)
        return shown

    def _folder(self, drive: Drive, item: Item, shown: Document) -> None:
        if item.flags & NOTEBOOK:
            shown["package"] = {"type": "oneNote"}
        else:
            shown["folder"] = {"childCount": len(drive.folders[item.id].order) if item.id in drive.folders else 0}
        if not item.parent:
            shown["root"] = {}

    def _shortcut(self, item: Item, shown: Document) -> None:
        drive, target = item.target or ("", "")
        shown["remoteItem"] = {
            "id": target,
            "name": item.name,
            "size": item.size,
            "fileSystemInfo": shown["fileSystemInfo"],
            "webUrl": shown["webUrl"],
            "parentReference": {"driveId": drive, "driveType": shown["parentReference"]["driveType"]},
            "shared": {"scope": "users"},
        }
        if item.flags & FILE_TARGET:
            shown["remoteItem"]["file"] = {"mimeType": mime_type(item.name.rpartition(".")[2].lower())}
        else:
            shown["remoteItem"]["folder"] = {"childCount": 0}

    def _hashes(self, drive: Drive, item: Item) -> Document:
        if item.name.lower().endswith(HASHLESS):
            return {}
        contents, content = self._world.contents, item.held()
        shown = {"quickXorHash": base64_text(contents.digest(content, "quickxor"))}
        for name in drive.kind.hashes:
            shown[f"{name}Hash"] = contents.digest(content, name).hex().upper()
        return {"hashes": shown}

    def deleted(self, drive: Drive, item: Item) -> Document:
        """An item that is gone, in delta: what is left out differs by the kind of drive."""
        kind, ids = drive.kind, self._world.ids
        parent = {"driveType": kind.name, "driveId": drive.id, "id": item.parent}
        shown: Document = {"id": item.id, "deleted": {"state": "deleted"}, "parentReference": parent}
        if kind.sites:
            shown["size"] = item.size
        else:
            shown |= {"name": item.name, "eTag": kinds.e_tag(kind, ids, item.id, item.tag)}
        shown["folder" if item.folder else "file"] = {}
        return shown

    def drive(self, drive: Drive) -> Document:
        """A drive, with its quota."""
        state, left = "normal", max(drive.total - drive.used, 0)
        if left * 10 < drive.total:
            state = "critical" if left * 100 < drive.total else "nearing"
        if drive.used >= drive.total:
            state = "exceeded"
        quota: Document = {
            "deleted": drive.binned, "remaining": left, "state": state, "total": drive.total, "used": drive.used,
        }  # fmt: skip
        if drive.kind.sites:
            quota["fileCount"] = sum(not one.folder for one in drive.items.values()) if len(drive.items) < 5000 else 0
        owner = self._people.set_of(drive.group or drive.owner)
        return {
            "id": drive.id,
            "name": drive.name,
            "description": "",
            "driveType": drive.kind.name,
            "webUrl": f"https://{drive.host}{quote(drive.base)}",
            "createdDateTime": when(drive.created, whole=True),
            "lastModifiedDateTime": when(drive.times[-1] if drive.times else drive.created, whole=True),
            "createdBy": owner,
            "owner": owner,
            "quota": quota,
        }

    def versions(self, drive: Drive, item: Item) -> list[Document]:
        """Newest first, the current one included; no hashes."""
        kind, ids = drive.kind, self._world.ids
        past = [(one.number, one.modified, one.size, one.editor) for one in item.past or []]
        return [
            {
                "id": kinds.version_id(kind, ids, item.id, number),
                "lastModifiedDateTime": when(modified, whole=kind.whole_seconds),
                "lastModifiedBy": self._people.set_of(editor),
                "size": size,
            }
            for number, modified, size, editor in reversed(
                [*past, (item.version, item.changed, item.size, item.editor)]
            )
        ]


def _web_url(drive: Drive, item: Item, setting: Setting) -> str:
    if not drive.kind.sites:
        return f"https://{drive.host}/redir?resid={item.id}"
    return setting.pages + _quoted(item.name) if item.parent else setting.pages


def _scope(item: Item) -> str:
    scopes = {one.link[1] for one in item.permissions or []}
    return "anonymous" if "anonymous" in scopes else "organization" if "organization" in scopes else "users"
