"""Dropbox's folders, moves, copies, deletions, restores; one by one and in batches."""

from typing import Any

from haulage.sandbox.dropbox.desk import View
from haulage.sandbox.dropbox.jobs import INLINE_ENTRIES, Check, JobDesk
from haulage.sandbox.dropbox.model import Entry
from haulage.sandbox.dropbox.shapes import Shapes
from haulage.sandbox.dropbox.store import Store
from haulage.sandbox.dropbox.wire import Arg, bad_input, check_path, failure, nested, route, tagged
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call, Refusal

MOST_FILES = 10_000
LARGEST_BATCH = 1000


class CreateFolder(Arg):
    """CreateFolderArg."""

    path: str
    autorename: bool = False


class CreateFolders(Arg):
    """CreateFolderBatchArg."""

    paths: list[str]
    autorename: bool = False
    force_async: bool = False


class Relocation(Arg):
    """RelocationArg."""

    from_path: str
    to_path: str
    autorename: bool = False
    allow_shared_folder: bool = False
    allow_ownership_transfer: bool = False


class RelocationPath(Arg):
    """RelocationPath."""

    from_path: str
    to_path: str


class Relocations(Arg):
    """RelocationBatchArgBase, MoveBatchArg."""

    entries: list[RelocationPath]
    autorename: bool = False
    allow_ownership_transfer: bool = False


class Delete(Arg):
    """DeleteArg."""

    path: str
    parent_rev: str | None = None


class Deletes(Arg):
    """DeleteBatchArg."""

    entries: list[Delete]


class Restore(Arg):
    """RestoreArg."""

    path: str
    rev: str


class Wrong(Refusal):
    """The route's own error. error: as it stands in an entry of a batch."""

    def __init__(self, call: Call, error: dict[str, Any]) -> None:
        super().__init__(failure(call, error).answer)
        self.error = error


class StructureDesk(JobDesk):
    """A desk whose errors can be entries of a batch."""

    lookup_tags: tuple[str, ...] = ("path_lookup",)
    write_tags: tuple[str, ...] = ("path",)

    def __init__(self, store: Store, shapes: Shapes) -> None:
        super().__init__(store)
        self.shapes = shapes

    def lookup_failed(self, call: Call, *tags: str) -> Refusal:
        """The route's error for a path that leads nowhere."""
        return Wrong(call, nested(*self.lookup_tags, *tags))

    def write_failed(self, call: Call, *tags: str) -> Refusal:
        """The route's error for what cannot be written."""
        return Wrong(call, nested(*self.write_tags, *tags))

    async def shown(self, call: Call, view: View, entry: Entry) -> dict[str, Any]:
        """Metadata with its `.tag`."""
        await self.hashed([entry.content])
        return self.shapes.metadata(call, entry, self.place(view, entry))

    def batch(self, call: Call, entries: list[Any]) -> None:
        """Refuse an empty batch, and one that is too long."""
        if not 1 <= len(entries) <= LARGEST_BATCH:
            raise bad_input(call, "request body", f"entries: list must have 1 to {LARGEST_BATCH} items")
        self.calm(call)


class Folders(StructureDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-create_folder."""

    def routes(self) -> list[Route]:
        """The routes."""
        name, source, write = "files/create_folder", "create-folder", "files.content.write"
        batch = f"{name}_batch"
        return [
            route(f"{name}_v2", source, CreateFolder, self.create, write),
            route(batch, source, CreateFolders, self.create_batch, write),
            route(f"{batch}/check", source, Check, self.check, write),
        ]

    def _made(self, call: Call, view: View, path: str, *, autorename: bool) -> dict[str, Any]:
        folder, name = self.folder_for(call, view, path)
        there = self.store.child(folder, name)
        if there is not None:
            if not autorename:
                raise self.write_failed(call, "conflict", "folder" if there.folder else "file")
            name = self.store.free_name(folder, name)
        made = self.make_folder(call, folder, name)
        return {"metadata": self.shapes.folder(call, made, self.place(view, made))}

    def create(self, call: Call, arg: CreateFolder) -> Any:
        """A new folder."""
        check_path(call, arg.path)
        return self._made(call, self.view(call), arg.path, autorename=arg.autorename)

    def create_batch(self, call: Call, arg: CreateFolders) -> Any:
        """Several new folders."""
        if (doomed := self.doomed(call, "create_folder", len(arg.paths))) is not None:
            return doomed
        for number, path in enumerate(arg.paths):
            check_path(call, path, field=f"paths[{number}]")
        view, made = self.view(call), []
        for path in arg.paths:
            try:
                made.append(tagged("success", **self._made(call, view, path, autorename=arg.autorename)))
            except Wrong as wrong:
                made.append(tagged("failure", failure=wrong.error))
        outcome = tagged("complete", entries=made)
        inline = len(made) <= INLINE_ENTRIES and not arg.force_async
        return self.launched(call, "create_folder", outcome, inline=inline)


class Relocating(StructureDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-move, -copy."""

    lookup_tags = ("from_lookup",)
    write_tags = ("to",)

    def routes(self) -> list[Route]:
        """The routes."""
        write, made = "files.content.write", []
        for word, one, batch in (("move", self.move, self.move_batch), ("copy", self.copy, self.copy_batch)):
            name = f"files/{word}"
            made += [
                route(f"{name}_v2", word, Relocation, one, write),
                route(f"{name}_batch_v2", word, Relocations, batch, write),
                route(f"{name}_batch/check_v2", word, Check, self.check, write),
            ]
        return made

    def _ends(self, call: Call, view: View, arg: Relocation) -> tuple[Entry, Entry, str]:
        """What is moved or copied, the folder it goes to, and the name. Raises Refusal."""
        entry = self.existing(call, view, arg.from_path)
        if not entry.parent or entry.id == view.root.id:
            raise Wrong(call, nested("from_lookup", "malformed_path"))
        folder, name = self.folder_for(call, view, arg.to_path)
        if entry.folder and not entry.mount:
            if entry.id in {one.id for one in (folder, *self.store.above(folder))}:
                raise Wrong(call, tagged("cant_move_folder_into_itself"))
            if sum(1 for _ in self.store.within(entry)) > MOST_FILES:
                raise Wrong(call, tagged("too_many_files"))
        there = self.store.child(folder, name)
        if there is not None:
            if not arg.autorename:
                tag = "folder" if there.folder else "file"
                raise Wrong(call, nested("to", "conflict", tag))
            name = self.store.free_name(folder, name)
        return entry, folder, name

    async def move(self, call: Call, arg: Relocation) -> Any:
        """Move or rename; never over what is there."""
        self._paths(call, arg)
        view = self.view(call)
        return {"metadata": await self._moved(call, view, arg)}

    def _paths(self, call: Call, arg: Relocation | RelocationPath) -> None:
        check_path(call, arg.from_path, field="from_path")
        check_path(call, arg.to_path, field="to_path")

    async def _moved(self, call: Call, view: View, arg: Relocation) -> dict[str, Any]:
        entry, folder, name = self._ends(call, view, arg)
        source = self.store.state.namespaces.get(entry.ns)
        if source is None or self.store.allowed(call, source) not in ("owner", "editor"):
            raise Wrong(call, nested("from_write", "no_write_permission"))
        if folder.ns != entry.ns and any(one.mount for one in self.store.within(entry)):
            raise Wrong(call, tagged("cant_nest_shared_folder"))
        renamed = entry.parent == folder.id
        self.store.detach(entry)
        self.store.attach(entry, folder, name)
        self.note(call, entry, "rename" if renamed else "move")
        return await self.shown(call, view, entry)

    async def copy(self, call: Call, arg: Relocation) -> Any:
        """Copy with all below; revisions and shares stay behind."""
        self._paths(call, arg)
        view = self.view(call)
        return {"metadata": await self._copied(call, view, arg)}

    async def _copied(self, call: Call, view: View, arg: Relocation) -> dict[str, Any]:
        entry, folder, name = self._ends(call, view, arg)
        if any(one.mount for one in self.store.within(entry)):
            raise Wrong(call, tagged("cant_copy_shared_folder"))
        size = sum(one.content.size for one in self.store.within(entry))
        used = self.store.state.namespaces[view.person.home].used
        if used + size > view.person.allocated:
            raise Wrong(call, tagged("insufficient_quota"))
        return await self.shown(call, view, self._duplicate(call, entry, folder, name))

    def _duplicate(self, call: Call, entry: Entry, folder: Entry, name: str) -> Entry:
        made = Entry(
            self.store.new_id(), name, folder.id, folder.ns, entry.folder, "", "", entry.content,
            entry.client_modified, self.world.clock.now(), call.event.actor,
        )  # fmt: skip
        if not entry.folder:
            made.rev = self.store.new_rev()
            if entry.extra and entry.extra.export_as:
                made.more().export_as, made.more().export_options = entry.extra.export_as, entry.extra.export_options
        self.store.put(made)
        self.note(call, made, "copy")
        for child in list(self.store.children.get(entry.id, {}).values()):
            one = self.store.state.entries[child]
            self._duplicate(call, one, made, one.name)
        return made

    async def move_batch(self, call: Call, arg: Relocations) -> Any:
        """Several moves."""
        return await self._batch(call, arg, self._moved, "move")

    async def copy_batch(self, call: Call, arg: Relocations) -> Any:
        """Several copies."""
        return await self._batch(call, arg, self._copied, "copy")

    async def _batch(self, call: Call, arg: Relocations, do: Any, kind: str) -> Any:
        self.batch(call, arg.entries)
        for one in arg.entries:
            self._paths(call, one)
        if (doomed := self.doomed(call, kind, len(arg.entries))) is not None:
            return doomed
        view, made = self.view(call), []
        for one in arg.entries:
            wanted = Relocation(from_path=one.from_path, to_path=one.to_path, autorename=arg.autorename)
            try:
                made.append(tagged("success", success=await do(call, view, wanted)))
            except Wrong as wrong:
                made.append(tagged("failure", failure=tagged("relocation_error", relocation_error=wrong.error)))
        outcome = tagged("complete", entries=made)
        return self.launched(call, kind, outcome, inline=len(made) <= INLINE_ENTRIES)


class Deleting(StructureDesk):
    """Source: dropbox.com/developers/documentation/http/documentation#files-delete, -restore."""

    write_tags = ("path_write",)

    def routes(self) -> list[Route]:
        """The routes."""
        write = "files.content.write"
        batch, forever = "files/delete_batch", "files/permanently_delete"
        return [
            route("files/delete_v2", "delete", Delete, self.delete, write),
            route(batch, "delete", Deletes, self.delete_batch, write),
            route(f"{batch}/check", "delete", Check, self.check, write),
            route(forever, "permanently-delete", Delete, self.purge, "files.permanent_delete"),
            route("files/restore", "restore", Restore, self.restore, write),
        ]

    async def delete(self, call: Call, arg: Delete) -> Any:
        """Delete a file or folder; a shared folder is only unmounted. The answer is what it was before."""
        check_path(call, arg.path)
        return {"metadata": await self._deleted(call, self.view(call), arg)}

    async def _deleted(self, call: Call, view: View, arg: Delete, *, forever: bool = False) -> dict[str, Any]:
        entry = self.existing(call, view, arg.path)
        if not entry.parent or entry.id == view.root.id:
            raise self.lookup_failed(call, "malformed_path")
        if arg.parent_rev is not None and arg.parent_rev != entry.rev:
            raise self.write_failed(call, "conflict", "file")
        if entry.mount and self.store.state.namespaces[entry.mount].kind != "shared":
            raise self.write_failed(call, "team_folder")
        self.may_write(call, view, self.store.state.entries[entry.parent])
        was = await self.shown(call, view, entry)
        self.note(call, entry, "delete" if forever else "trash")
        self.store.remove(entry, forever=forever)
        return was

    async def delete_batch(self, call: Call, arg: Deletes) -> Any:
        """Several deletions."""
        self.batch(call, arg.entries)
        view, made = self.view(call), []
        for one in arg.entries:
            check_path(call, one.path)
        if (doomed := self.doomed(call, "delete", len(arg.entries))) is not None:
            return doomed
        for one in arg.entries:
            try:
                made.append(tagged("success", metadata=await self._deleted(call, view, one)))
            except Wrong as wrong:
                made.append(tagged("failure", failure=wrong.error))
        outcome = tagged("complete", entries=made)
        return self.launched(call, "delete", outcome, inline=len(made) <= INLINE_ENTRIES)

    async def purge(self, call: Call, arg: Delete) -> Any:
        """Delete for good, also what is deleted already; for teams only."""
        check_path(call, arg.path)
        view = self.view(call)
        if not view.person.member:
            raise self.lookup_failed(call, "not_found")
        entry = self.find(call, view, arg.path, gone=True)
        if entry is not None and entry.gone_at:
            self.note(call, entry, "delete")
            self.store.bury(entry)
            return None
        await self._deleted(call, view, arg, forever=True)
        return None

    async def restore(self, call: Call, arg: Restore) -> Any:
        """A revision of a file back in its place, as a new revision."""
        check_path(call, arg.path)
        view = self.view(call)
        found = self.store.of_rev(arg.rev)
        if found is None or not self.sees(call, found[0]):
            raise Wrong(call, tagged("invalid_revision"))
        revision = found[1]
        await self.hashed([revision.content])
        folder, name = self.folder_for(call, view, arg.path)
        there = self.store.child(folder, name)
        if there is not None and there.folder:
            raise self.write_failed(call, "conflict", "folder")
        if there is not None:
            self.store.replace(there, revision.content, revision.client_modified, view.person.account)
        else:
            there = Entry(
                self.store.new_id(), name, folder.id, folder.ns, False, "", self.store.new_rev(), revision.content,
                revision.client_modified, self.world.clock.now(), view.person.account,
            )  # fmt: skip
            self.store.put(there)
        self.note(call, there, "restore")
        return self.shapes.file(call, there, self.place(view, there))
