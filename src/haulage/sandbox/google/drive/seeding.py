"""The organisation's trees, as items of Drive. Every name is legal here, and so are siblings of one name."""

from collections.abc import Iterable, Iterator
from typing import Any

from haulage.sandbox.frame.world import World
from haulage.sandbox.google.accounts import Account, Accounts
from haulage.sandbox.google.drive.model import (
    ANYONE,
    DOCUMENT,
    DRAWING,
    FOLDER,
    FORM,
    SHEET,
    SHORTCUT,
    SITE,
    SLIDES,
    File,
    Grant,
    Revision,
    SharedDrive,
    version_id,
)
from haulage.sandbox.organisation import trees
from haulage.sandbox.organisation.people import Space
from haulage.sandbox.organisation.trees import Sketch, Trees

KINDS = {
    "folder": FOLDER, "document": DOCUMENT, "spreadsheet": SHEET, "presentation": SLIDES, "drawing": DRAWING,
    "form": FORM, "note": SITE, "shortcut": SHORTCUT,
}  # fmt: skip
MIME = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png", "txt": "text/plain", "csv": "text/csv",
    "zip": "application/x-zip-compressed", "mp4": "video/mp4", "html": "text/html", "heic": "image/heif",
    "md": "text/markdown", "json": "application/json", "dwg": "image/vnd.dwg",
}  # fmt: skip
ONE_PARENT_SINCE = 1_601_424_000.0  # 2020-09-30: older items may still have several parents
SIZED_SINCE = 1_651_449_600.0  # 2022-05-02: native documents that were not edited since count 1 byte
ENDING = "Uk9PVA"
LARGE_BYTES = 11 << 20


def mime_of(name: str) -> str:
    """The type that Drive would tell from a name."""
    return MIME.get(name.rpartition(".")[2].lower(), "application/octet-stream")


class Planter:
    """Makes the items of one owner at a time; IDs follow from owner and number, so the order does not matter."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._ids = world.ids
        self._contents = world.contents
        self._organisation = world.organisation
        self._accounts = accounts
        self._trees = Trees(world.organisation)
        self._domain = accounts.administrator.domain

    def owners(self) -> dict[str, None]:
        """All who have a tree: people with a licence, and spaces."""
        people = [one for one in (*self._accounts.users, *self._accounts.externals) if one.licensed]
        spaces = [f"space/{one.number}" for one in self._organisation.spaces]
        return dict.fromkeys([*(f"person/{one.number}" for one in people), *spaces])

    def tag(self, owner: str) -> str:
        """What the IDs of an owner's items begin with, after the first character."""
        return self._ids.base64url("google", "tag", owner, count=6)

    def file_id(self, owner: str, number: object) -> str:
        """The ID of an owner's item."""
        return f"1{self.tag(owner)}{self._ids.base64url('google', 'item', owner, number, count=26)}"

    def root_id(self, account: Account) -> str:
        """The ID of a My Drive."""
        return f"0A{self._ids.base64url('google', 'root', account.key, count=11)}{ENDING}"

    def drive_id(self, space: Space) -> str:
        """The ID of a space's shared drive."""
        return f"0A{self._ids.base64url('google', 'drive', space.number, count=11)}{ENDING}"

    def root(self, account: Account) -> File:
        """The topmost folder of a My Drive."""
        made = trees.EARLIEST
        return File(self.root_id(account), "My Drive", FOLDER, account.key, "", (), made, made, account.key)

    def app_folder(self, account: Account, project: str) -> File:
        """The folder of a project's application data."""
        made, words = trees.EARLIEST, ("google", "app", account.key, project)
        file_id = f"1{self._ids.base64url(*words, count=32)}"
        more = {"space": "appDataFolder", "project": project}
        return File(
            file_id, "Application Data", FOLDER, account.key, "", (), made, made, account.key, app=project, more=more
        )

    def drives(self) -> Iterator[SharedDrive]:
        """The shared drives of the spaces."""
        for space in self._organisation.spaces:
            created = trees.EARLIEST + self._ids.number("google", "drive since", space.number, below=200_000_000)
            yield SharedDrive(
                id=self.drive_id(space), name=space.name, created=float(created), members=self._members(space),
                owner=f"space/{space.number}",
            )  # fmt: skip

    def _members(self, space: Space) -> dict[str, Grant]:
        roles = ("fileOrganizer", "writer", "commenter", "reader")
        found = {}
        for index, number in enumerate(space.members):
            account = self._accounts.by_number[number]
            found[account.key] = Grant(account.key, "user", roles[index % len(roles)], account.email)
        for number in space.owners:
            account = self._accounts.by_number[number]
            found[account.key] = Grant(account.key, "user", "organizer", account.email)
        team = self._accounts.groups_by_name[space.group]
        found[team.key] = Grant(team.key, "group", "reader", team.email)
        return found

    def top(self, drive: SharedDrive) -> File:
        """The topmost folder of a shared drive."""
        by = next(iter(drive.members), "")
        return File(drive.id, drive.name, FOLDER, "", drive.id, (), drive.created, drive.created, by)

    def tree(self, owner: str) -> Iterator[File]:
        """An owner's items, folders before what lies in them."""
        kind, _, number = owner.partition("/")
        if kind == "space":
            space = next(one for one in self._organisation.spaces if one.number == int(number))
            sketches = self._trees.of(owner, space.owners[0], space.weight)
            yield from self._files(owner, sketches, "", self.drive_id(space))
            return
        account = self._accounts.by_number[int(number)]
        sketches = self._trees.of(owner, account.number, account.weight)
        yield from self._files(owner, sketches, account.key, self.root_id(account))

    def wide(self, account: Account, count: int) -> Iterator[File]:
        """A folder of so many files."""
        owner = f"person/{account.number}/wide{count}"
        yield from self._files(owner, self._trees.wide(owner, account.number, count), account.key,
                               self.root_id(account))  # fmt: skip

    def _files(self, owner: str, sketches: Iterable[Sketch], key: str, top: str) -> Iterator[File]:
        drive = "" if key else top
        folders: dict[int, tuple[str, ...]] = {-1: (top,)}
        kinds: dict[int, str] = {}
        last: Sketch | None = None
        for last in sketches:
            file = self._file(owner, last, key, drive, folders, kinds)
            kinds[last.number] = file.mime
            if file.mime == FOLDER:
                folders[last.number] = (file.id,)
            yield file
        if last is not None and owner.count("/") == 1:
            yield self._large(owner, last, key, drive, top)

    def _large(self, owner: str, sketch: Sketch, key: str, drive: str, top: str) -> File:
        """A document that is too long for files.export, as some are in every organisation."""
        by = self._accounts.by_number[sketch.author].key
        made = trees.LATEST - 86_400
        file_id = self.file_id(owner, "large")
        more = {"bulk": LARGE_BYTES}
        return File(file_id, "Complete Handbook", DOCUMENT, key, drive, (top,), made, made, by, size=LARGE_BYTES,
                    more=more)  # fmt: skip

    def _file(
        self, owner: str, sketch: Sketch, key: str, drive: str, folders: dict[int, tuple[str, ...]],
        kinds: dict[int, str],
    ) -> File:  # fmt: skip
        mime = KINDS.get(sketch.kind) or mime_of(sketch.name)
        file = File(
            id=self.file_id(owner, sketch.number), name=sketch.name, mime=mime, owner=key, drive=drive,
            parents=self._parents(owner, sketch, drive, folders), created=round(sketch.created_at, 3),
            modified=round(sketch.modified_at, 3), by=self._accounts.by_number[sketch.author].key,
            grants=tuple(self._grants(sketch)), more=self._more(owner, sketch, kinds),
        )  # fmt: skip
        if sketch.kind == "file":
            self._fill(owner, sketch, file)
        elif sketch.kind not in ("folder", "shortcut"):
            known = sketch.modified_at >= SIZED_SINCE
            file.size = 1 + known * self._ids.number("google", "size", owner, sketch.number, below=90_000)
        return file

    def _parents(self, owner: str, sketch: Sketch, drive: str, folders: dict[int, tuple[str, ...]]) -> tuple[str, ...]:
        if "orphan" in sketch.flags and not drive:
            return ()
        parents = folders[sketch.parent]
        old = sketch.created_at < ONE_PARENT_SINCE and sketch.kind == "file" and not drive
        if old and len(folders) > 2 and self._ids.number("google", "second", owner, sketch.number, below=40) == 0:
            choice = list(folders.values())[
                self._ids.number("google", "which", owner, sketch.number, below=len(folders))
            ]
            if choice != parents:
                return (*parents, *choice)
        return parents

    def _grants(self, sketch: Sketch) -> Iterator[Grant]:
        for one in sketch.grants:
            if one.to in ("person", "external"):
                account = self._accounts.by_number.get(int(one.who))
                if account is not None and account.number != sketch.author:
                    yield Grant(account.key, "user", one.role, account.email)
            elif one.to == "group":
                team = self._accounts.groups_by_name[str(one.who)]
                yield Grant(team.key, "group", one.role, team.email)
            elif one.to == "domain":
                yield Grant(self._accounts.domain_key(self._domain), "domain", one.role, self._domain, found=True)
            else:
                yield Grant(ANYONE, "anyone", one.role)

    def _more(self, owner: str, sketch: Sketch, kinds: dict[int, str]) -> dict[str, Any] | None:
        more: dict[str, Any] = {}
        flags = [one for one in ("restricted", "flagged", "locked") if one in sketch.flags]
        if flags:
            more["flags"] = flags
        if sketch.kind == "shortcut":
            number = sketch.target if sketch.target >= 0 else f"gone/{sketch.number}"
            more["target"] = self.file_id(owner, number)
            more["target_mime"] = kinds.get(sketch.target, "text/plain")
        return more or None

    def _fill(self, owner: str, sketch: Sketch, file: File) -> None:
        """The content of the newest version, and the older ones."""
        older = []
        for number in range(1, sketch.versions + 1):
            if sketch.size is None:
                content = self._contents.pooled(owner, sketch.number, number)
            else:
                variant = self._ids.number("variant", owner, sketch.number, number, below=1 << 40)
                content = self._contents.drawn(sketch.size, variant)
            if number < sketch.versions:
                share = (number - 1) / sketch.versions
                made = round(file.created + share * (file.modified - file.created), 3)
                name = version_id(self._ids, file.id, number)
                older.append(Revision(name, made, file.by, content.key, content.size, file.mime, file.name))
        file.content, file.size, file.head, file.older = content.key, content.size, sketch.versions, tuple(older)
