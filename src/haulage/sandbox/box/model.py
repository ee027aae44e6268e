"""What Box holds: folders, files and web links, their versions, collaborations, and upload sessions."""

from typing import Any, Literal

import msgspec

from haulage.sandbox.frame.contents import EMPTY, Content

Kind = Literal["folder", "file", "web_link"]
RANK: dict[str, int] = {"folder": 0, "file": 1, "web_link": 2}
ROOT = "0"


class Version(msgspec.Struct, omit_defaults=True):
    """A version of a file that is not the current one any more."""

    id: str
    name: str
    content: Content
    created_at: float
    created_by: str
    trashed_at: float = 0.0
    restored_at: float = 0.0


class Lock(msgspec.Struct, gc=False):
    """A file's lock. by: id of the user; expires_at: 0 for never."""

    id: str
    by: str
    created_at: float
    expires_at: float = 0.0
    download_prevented: bool = False


class Link(msgspec.Struct, gc=False):
    """A shared link. access: open, company or collaborators. key: the last part of its URL."""

    key: str
    access: str
    password: str = ""
    expires_at: float = 0.0
    vanity: str = ""
    can_download: bool = True


class Extra(msgspec.Struct, omit_defaults=True):
    """What few items have. versions: the past ones, newest first; blocked: how reading is refused (Item errors)."""

    description: str = ""
    tags: list[str] = []
    versions: list[Version] = []
    lock: Lock | None = None
    link: Link | None = None
    url: str = ""
    blocked: str = ""
    busy_until: float = 0.0
    folder_locks: list[str] = []
    settings: dict[str, Any] = {}


class Item(msgspec.Struct, omit_defaults=True):
    """A folder, file or web link. parent: id of the folder, "0/USER" for a root; "" for a root itself.

    Times in Unix seconds; user ids as text. etag: counts changes. trashed_at: 0 while it is not itself in the trash.
    """

    id: str
    kind: Kind
    name: str
    parent: str
    owner: str
    created_at: float
    modified_at: float
    created_by: str
    modified_by: str
    content_created_at: float = 0.0
    content_modified_at: float = 0.0
    etag: int = 0
    content: Content = EMPTY
    version: str = ""
    trashed_at: float = 0.0
    extra: Extra | None = None

    def more(self) -> Extra:
        """What few items have, made where it is missing."""
        if self.extra is None:
            self.extra = Extra()
        return self.extra


class Collaboration(msgspec.Struct, omit_defaults=True):
    """Who else may use an item. who: id of a user or group, "" for one invited by address who has no account."""

    id: str
    item: str
    kind: Literal["user", "group"]
    who: str
    role: str
    created_by: str
    created_at: float
    modified_at: float
    status: Literal["accepted", "pending", "rejected"] = "accepted"
    invite_email: str = ""
    expires_at: float = 0.0
    can_view_path: bool = False


class Part(msgspec.Struct, gc=False):
    """One part of an upload session."""

    id: str
    offset: int
    content: Content
    sha1: str


class Session(msgspec.Struct):
    """A chunked upload on its way. file: the id of the file that gets a new version, "" for a new file."""

    id: str
    user: str
    folder: str
    name: str
    size: int
    part_size: int
    expires_at: float
    file: str = ""
    parts: dict[int, Part] = {}
    asked: int = 0
    done: str = ""


class Happening(msgspec.Struct, gc=False):
    """One entry of the event streams. number: its place; audience is kept beside it."""

    number: int
    kind: str
    at: float
    by: str
    item: str


class UserRecord(msgspec.Struct, omit_defaults=True):
    """An account of the enterprise or of another one. person: number in the organisation, 0 for none (an app's own)."""

    id: str
    name: str
    login: str
    role: str = "user"
    status: str = "active"
    person: int = 0
    external: bool = False
    created_at: float = 1_400_000_000.0
    modified_at: float = 1_400_000_000.0
    space_amount: int = 10_995_116_277_760
    job_title: str = ""
    phone: str = ""


class GroupRecord(msgspec.Struct, omit_defaults=True):
    """A group. members: id of the membership, by id of the user; roles likewise."""

    id: str
    name: str
    members: dict[str, str] = {}
    roles: dict[str, str] = {}
    created_at: float = 1_400_000_000.0
    modified_at: float = 1_400_000_000.0
    description: str = ""
