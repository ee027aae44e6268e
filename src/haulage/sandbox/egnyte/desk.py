"""What the groups of Egnyte's endpoints have in common: finding items, permissions, history."""

from typing import TYPE_CHECKING, Any

from haulage.sandbox.egnyte.model import PRIVATE, ROOT, SHARED, Item
from haulage.sandbox.egnyte.names import LARGEST_PATH_BYTES, name_error
from haulage.sandbox.egnyte.people import User
from haulage.sandbox.egnyte.store import Store
from haulage.sandbox.egnyte.wire import failure, refuse
from haulage.sandbox.frame.history import Change, ChangeKind, Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call, Refusal

if TYPE_CHECKING:
    from haulage.sandbox.egnyte.service import Egnyte

FILES = "Egnyte.filesystem"
# What stands where a path would, and is none: the root has no folders but the two
BESIDE_PATHS = ("ids", "settings", "trash")
DENIED = "You do not have permission to perform this action"


class Desk:
    """A group of endpoints."""

    def __init__(self, service: "Egnyte") -> None:
        self.service = service

    @property
    def store(self) -> Store:
        """The domain's tree."""
        return self.service.store

    def routes(self) -> list[Route]:
        """The endpoints."""
        raise NotImplementedError  # a desk without endpoints is none

    def user(self, call: Call) -> User:
        """The user that the call acts for."""
        return self.service.acting(call)

    def path(self, call: Call) -> str:
        """The path that the call names, absolute; doubled slashes count once. Raises Refusal: what is no path."""
        if call.params.get("path", "").partition("/")[0] in BESIDE_PATHS:
            raise Refusal(self.service.missing(call))
        return "/" + "/".join(filter(None, call.params.get("path", "").split("/")))

    def item(self, call: Call, level: str = "Viewer Only") -> Item:
        """The item that the call names, by path or by id. Raises Refusal: not there, not allowed.

        level: what the caller has to be allowed there.
        """
        identifier = call.params.get("id")
        found = self.store.by_id(identifier) if identifier is not None else self.store.find(self.path(call))
        if call.fault("denied") is not None:
            raise refuse(403, DENIED)
        if found is None:
            raise refuse(404, "The file or folder was not found")
        wanted = call.path.partition("/ids/")[2].partition("/")[0]
        if wanted and (wanted == "folder") != found.is_folder:
            raise refuse(404, "The file or folder was not found")
        self.need(call, found, level)
        return found

    def need(self, call: Call, item: Item, level: str) -> None:
        """Refuse what the caller may not do there."""
        user = self.user(call)
        if level == "Viewer Only" and item.is_folder and self.store.visible(user, item):
            return
        if not self.store.allowed(user, item, level):
            raise refuse(403, DENIED)

    def place(self, call: Call, path: str, *, folder: bool) -> tuple[Item, str]:
        """The folder and the name of what is to be made at a path. Raises Refusal."""
        above, _, name = path.rstrip("/").rpartition("/")
        if call.fault("denied") is not None:
            raise refuse(403, DENIED)
        if call.fault("quota_full") is not None:
            raise refuse(507, "Insufficient storage")
        parent = self.store.find(above)
        if parent is None:
            raise refuse(404, "The parent folder does not exist")
        if not parent.is_folder:
            raise refuse(400, "The parent is a file")
        if parent.id == ROOT:
            raise refuse(409, "Nothing can be created in the root folder")
        if parent.id == PRIVATE or (parent.id == SHARED and not folder):
            raise refuse(403, DENIED)
        if problem := name_error(name, folder=folder):
            raise refuse(400, problem)
        if len(path.encode()) > LARGEST_PATH_BYTES:
            raise refuse(400, "Path is too long")
        self.need(call, parent, "Editor")
        return parent, name

    def unlocked(self, call: Call, item: Item) -> None:
        """Refuse where somebody else holds a lock on a file."""
        now, lock = call.event.time, item.lock
        if call.fault("locked") is not None:
            raise Refusal(failure(403, "The file is locked"))
        if lock is not None and lock.until > now and lock.user != self.user(call).id:
            raise Refusal(failure(403, "The file is locked"))

    def movable(self, call: Call, item: Item) -> None:
        """Refuse to move or delete what may not be, or holds what may not be."""
        if item.id in (ROOT, SHARED, PRIVATE) or item.parent == PRIVATE:
            raise refuse(403, DENIED)
        self.need(call, item, "Full")
        if item.restrict_move_delete and self.user(call).kind != "admin":
            raise refuse(403, "Move and delete are restricted for this folder")
        self.unlocked(call, item)

    def changed(self, call: Call, item: Item, kind: ChangeKind) -> None:
        """Tell the history what became of an item."""
        change = Change(kind, item.id, path=self.store.path(item))
        if not item.is_folder:
            version = item.current
            change.version, change.content, change.size = version.entry, version.content.key, version.content.size
        call.event.changes.append(change)

    def saw(self, call: Call, items: list[Item]) -> None:
        """Tell the history what the caller sees of items: facts only."""
        for item in items:
            if item.is_folder:
                call.event.sights.append(Sight(item.id))
            else:
                version = item.current
                call.event.sights.append(Sight(item.id, version.entry, version.content.key, version.content.size))

    def client(self, call: Call) -> str:
        """The key that the caller's token was given to."""
        return self.service.admitted(call)[1].client_id

    async def document(self, call: Call) -> dict[str, Any]:
        """The body as a JSON object. Raises Refusal."""
        found = await call.json(lambda text: failure(400, f"Invalid JSON: {text}"))
        if not isinstance(found, dict):
            raise refuse(400, "A JSON object is needed")
        return found


def flag(call: Call, name: str, default: bool = False) -> bool:
    """A yes or no of the query, in any case: some clients write True."""
    told = call.query.get(name, "").lower()
    return told == "true" if told else default


def whole(call: Call, name: str, default: int) -> int:
    """A whole number of the query. Raises Refusal."""
    told = call.query.get(name, "")
    if told and not told.isdigit():
        raise refuse(400, f"{name} is not a number")
    return int(told) if told else default
