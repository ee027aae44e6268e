"""What a Drive is made of. Everything is compact: there may be a million items."""

from typing import Any

import msgspec

from haulage.sandbox.frame.ids import Ids

APPS = "application/vnd.google-apps."
FOLDER = APPS + "folder"
SHORTCUT = APPS + "shortcut"
DOCUMENT, SHEET, SLIDES = APPS + "document", APPS + "spreadsheet", APPS + "presentation"
DRAWING, FORM, SCRIPT, SITE, JAM, MAP, VID = (
    APPS + name for name in ("drawing", "form", "script", "site", "jam", "map", "vid")
)
EDITORS = frozenset({DOCUMENT, SHEET, SLIDES, DRAWING, FORM, SCRIPT, SITE, JAM, MAP, VID})
ROLES = ("none", "reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
NONE, READER, COMMENTER, WRITER, FILE_ORGANIZER, ORGANIZER, OWNER = range(7)
RANK = {name: rank for rank, name in enumerate(ROLES)}
ANYONE = "anyoneWithLink"
ANYONE_FOUND = "anyone"


class Grant(msgspec.Struct, gc=False):
    """A permission set on an item itself. key: its ID, which is that of the account, group or domain.

    kind: user, group, domain or anyone. who: address or domain. found: those of a domain or anyone find the item by
    searching. expires: 0 for never. pending: the person was asked to become the owner.
    """

    key: str
    kind: str
    role: str
    who: str = ""
    found: bool = False
    expires: float = 0.0
    pending: bool = False


class Revision(msgspec.Struct, gc=False):
    """A version of an item's content. content: the key of its bytes; for native documents, of their text."""

    id: str
    made: float
    by: str
    content: str
    size: int
    mime: str
    name: str = ""
    forever: bool = False


class File(msgspec.Struct, gc=False):
    """An item. owner: an account's key, "" in a shared drive; drive: the shared drive's ID, "" in a My Drive.

    content, size: of the newest version; "" and 0 where there is none. head: number of the newest version; older: the
    versions before it that are still kept. trashed_at: 0 unless it was put in the trash itself. app: the project that
    made it, "" for a person at Google's own pages. more: what few items have, see `get`.
    """

    id: str
    name: str
    mime: str
    owner: str
    drive: str
    parents: tuple[str, ...]
    created: float
    modified: float
    by: str
    content: str = ""
    size: int = 0
    head: int = 1
    version: int = 1
    older: tuple[Revision, ...] = ()
    grants: tuple[Grant, ...] = ()
    trashed_at: float = 0.0
    app: str = ""
    more: dict[str, Any] | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """One of the things that few items have.

        description, original (file name), color; properties, and app_properties by project; target and target_mime of
        a shortcut; flags (restricted, flagged, locked); starred (keys of accounts); bulk (bytes of a long document);
        space and project of what lies in an application data folder; viewers_may_not_copy, writers_may_not_share.
        """
        return default if self.more is None else self.more.get(name, default)

    def put(self, name: str, value: Any) -> None:
        """Set one of them; None takes it away."""
        more = dict(self.more or {})
        if value is None:
            more.pop(name, None)
        else:
            more[name] = value
        self.more = more or None

    @property
    def folder(self) -> bool:
        """Whether others can lie in it."""
        return self.mime == FOLDER

    @property
    def native(self) -> bool:
        """Whether it is one of Google's own kinds: no bytes to download."""
        return self.mime.startswith(APPS)

    @property
    def blob(self) -> bool:
        """Whether it has bytes of its own."""
        return not self.native

    def flag(self, name: str) -> bool:
        """Whether it is restricted, flagged, locked ..."""
        return self.more is not None and name in self.more.get("flags", ())


class SharedDrive(msgspec.Struct):
    """A shared drive; its ID is that of its topmost folder as well. members: grants. restrictions: those that are on.

    owner: names it in the organisation ("space/2"), "" for one that was created by a call.
    """

    id: str
    name: str
    created: float
    members: dict[str, Grant]
    restrictions: dict[str, bool] = {}
    hidden: list[str] = []
    theme: str = ""
    color: str = "#455a64"
    owner: str = ""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One line of a change log: the item that changed, or the shared drive ("drive")."""

    number: int
    item: str
    kind: str
    time: float


class Session(msgspec.Struct):
    """A resumable upload on its way. total: bytes in all, -1 while unknown. extents: what was stored so far.

    file: "" for a file that is to be made. done: the ID of the file once all is there; answer: what was answered.
    """

    id: str
    user: str
    client: str
    project: str
    scopes: list[str]
    file: str
    metadata: dict[str, Any]
    query: dict[str, str]
    mime: str
    total: int
    ends: float
    stored: int = 0
    extents: list[tuple[int, int]] = []
    done: str = ""


def version_id(ids: Ids, file_id: str, number: int) -> str:
    """The ID of an item's version of that number."""
    return "0B" + ids.base64url("google", "revision", file_id, number, count=43) + "PQ"
