"""What Dropbox holds: namespaces, entries in them, revisions, shares, upload sessions, jobs."""

from typing import Any, Literal

import msgspec

from haulage.sandbox.frame.contents import EMPTY, Content

NamespaceKind = Literal["home", "shared", "team", "root"]


class Revision(msgspec.Struct, omit_defaults=True, gc=False):
    """A revision of a file that is not the current one any more."""

    rev: str
    content: Content
    client_modified: float
    server_modified: float


class Extra(msgspec.Struct, omit_defaults=True):
    """What few entries have. past: older revisions, newest first; export_as: set where a file is only exported.

    blocked: restricted content; link: key of the shared link; members: account -> access of a file shared by itself.
    """

    past: list[Revision] = []
    export_as: str = ""
    export_options: list[str] = []
    symlink: str = ""
    locked_by: str = ""
    blocked: bool = False
    link: str = ""
    link_audience: str = "public"
    members: dict[str, str] = {}
    invitees: dict[str, str] = {}


class Entry(msgspec.Struct, omit_defaults=True):
    """A file or folder. parent: id of the folder it lies in, "" for the root of a namespace.

    mount: the namespace that is shown here, "" for an ordinary entry. gone_at: when it was deleted, 0 while
    it is there.
    """

    id: str
    name: str
    parent: str
    ns: str
    folder: bool = False
    mount: str = ""
    rev: str = ""
    content: Content = EMPTY
    client_modified: float = 0.0
    server_modified: float = 0.0
    by: str = ""
    gone_at: float = 0.0
    extra: Extra | None = None

    def more(self) -> Extra:
        """What few entries have, made where it is missing."""
        if self.extra is None:
            self.extra = Extra()
        return self.extra


class Namespace(msgspec.Struct, omit_defaults=True):
    """A tree that is shared as a whole. root: id of its entry. members: account -> access; groups: group id -> access.

    owner: account whose home it is, or who owns the shared folder, "" for none. archived: of a team folder.
    """

    id: str
    kind: NamespaceKind
    name: str
    root: str
    owner: str = ""
    members: dict[str, str] = {}
    groups: dict[str, str] = {}
    invitees: dict[str, str] = {}
    shared_at: float = 0.0
    member_policy: str = "anyone"
    acl_update_policy: str = "owner"
    shared_link_policy: str = "anyone"
    inherit: bool = True
    status: str = "active"
    used: int = 0


class Person(msgspec.Struct, omit_defaults=True):
    """An account. member: its id within the team, "" for one of no team; number: in the organisation."""

    account: str
    member: str
    email: str
    given: str
    family: str
    number: int
    home: str
    role: str = "member"
    status: str = "active"
    allocated: int = 5 << 40

    @property
    def name(self) -> str:
        """The name in full."""
        return f"{self.given} {self.family}"


class Group(msgspec.Struct):
    """A group of the team. members: accounts."""

    id: str
    name: str
    members: list[str]


class Session(msgspec.Struct):
    """An upload session. pieces: offset -> content; size: bytes so far (of a concurrent one: of the longest)."""

    id: str
    account: str
    expires_at: float
    concurrent: bool = False
    closed: bool = False
    size: int = 0
    pieces: dict[int, Content] = {}
    final: int = -1


class Job(msgspec.Struct):
    """Something that goes on after its call was answered. asked: how often; outcome: what `check` says in the end."""

    kind: str
    account: str
    outcome: Any
    asked: int = 0


class Trace(msgspec.Struct, gc=False):
    """One change for the delta cursors. number: over all namespaces. tree: all below the entry is new as well.

    A deletion has the names as they were: folder is the id of the folder, name that of what is gone from it.
    """

    number: int
    entry: str
    folder: str
    name: str
    gone: bool = False
    tree: bool = False


class State(msgspec.Struct):
    """What is kept across restarts."""

    people: dict[str, Person] = {}
    groups: dict[str, Group] = {}
    namespaces: dict[str, Namespace] = {}
    entries: dict[str, Entry] = {}
    graves: dict[str, dict[str, str]] = {}
    sessions: dict[str, Session] = {}
    jobs: dict[str, Job] = {}
    traces: dict[str, list[Trace]] = {}
    links: dict[str, str] = {}
    made: int = 0
    changes: int = 0
    grown: bool = False
    team_space: bool = True
