"""What an Egnyte domain holds: items with their versions, permissions, events, trash, uploads under way."""

import msgspec

from haulage.sandbox.frame.contents import Content

ROOT = "5e1f0f0a-6a3e-4d0e-9b1c-000000000001"
SHARED = "5e1f0f0a-6a3e-4d0e-9b1c-000000000002"
PRIVATE = "5e1f0f0a-6a3e-4d0e-9b1c-000000000003"


# egnyte/egnyte-ios-sdk: 10 MiB
SMALLEST_CHUNK_BYTES = 10 << 20


class Version(msgspec.Struct, gc=False, omit_defaults=True):
    """One version of a file. entry: its entry_id; checksum: of a file that came in chunks, else "" (it is plain)."""

    entry: str
    content: Content
    modified_at: float
    uploaded_at: float
    uploaded_by: str
    checksum: str = ""


class Lock(msgspec.Struct):
    """Somebody's lock on a file."""

    user: int
    token: str
    until: float


class Item(msgspec.Struct, omit_defaults=True):
    """A folder (no versions) or a file (versions, the last of them current).

    id: folder_id or group_id; parent: the folder's id. modified_at: a folder's, of its direct contents.
    """

    id: str
    name: str
    parent: str
    modified_at: float
    uploaded_at: float
    versions: list[Version] = []
    lock: Lock | None = None
    description: str = ""
    restrict_move_delete: bool = False
    public_links: str = "files_folders"
    allow_links: bool = True

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return not self.versions

    @property
    def current(self) -> Version:
        """The current version of a file."""
        return self.versions[-1]


class Permissions(msgspec.Struct):
    """What is set at one folder itself: levels by user name, and by name of group."""

    users: dict[str, str] = {}
    groups: dict[str, str] = {}
    inherits: bool = True


class Trashed(msgspec.Struct):
    """An item in the trash (with all below it), or one version of a file."""

    id: str
    kind: str
    path: str
    item: str
    size: int
    deleted_by: str
    deleted_at: float
    version: Version | None = None


class Happening(msgspec.Struct, omit_defaults=True):
    """An event. kind: file_system or permission_change; client: the key that made it."""

    id: int
    time: float
    actor: int
    kind: str
    action: str
    data: dict[str, str | bool]
    client: str = ""


class Chunk(msgspec.Struct):
    """A chunk that has arrived: how many bytes, where they are, and their SHA-512 in hex."""

    size: int
    content: Content
    digest: str


class Upload(msgspec.Struct):
    """A chunked upload under way; nothing of it can be seen until its last chunk. where: a path, or a group_id."""

    id: str
    where: str
    user: str
    begun_at: float
    chunks: dict[int, Chunk] = {}
    modified_at: float | None = None


class State(msgspec.Struct):
    """All of it. grown: the tops (folders of /Shared, and of people) whose trees were made.

    makes_ancestors: whether a new folder brings the missing ones above it along. smallest_chunk: bytes that every chunk
    but the last has at least.
    """

    items: dict[str, Item] = {}
    permissions: dict[str, Permissions] = {}
    grown: set[str] = set()
    trash: dict[str, Trashed] = {}
    events: list[Happening] = []
    uploads: dict[str, Upload] = {}
    made: int = 0
    last_event: int = 16_320
    makes_ancestors: bool = False
    smallest_chunk: int = SMALLEST_CHUNK_BYTES
