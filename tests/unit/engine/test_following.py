"""Second runs that follow what happened: nothing at all (no listing is made), or moves and renames at the source."""

import itertools
from pathlib import Path

import msgspec

from haulage.model.errors import Conflict, Gone, Transient
from haulage.model.filters import Filters
from haulage.model.item import Page, Written
from haulage.model.outcome import Status
from haulage.services.contract import Traits
from tests.unit.engine.drives import TRAITS, MemoryDrive, Options, copy, open_ledger


class Tree(MemoryDrive):
    """A drive with real folders, ids that last, a record of changes, and moves in place."""

    traits: Traits = msgspec.structs.replace(TRAITS, folders="real", lasting_ids=True)

    def __init__(self, identity: str, *paths: str) -> None:
        super().__init__(identity)
        self.ids: dict[str, str] = {}
        self.numbers = itertools.count(1)
        self.record = 0
        self.forgotten = 0
        for path in paths:
            self.write(path, path.encode())

    def write(self, path: str, body: bytes) -> None:
        """As a person does; the folders above are made."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            self.markers.add("/".join(parts[:depth]))
        self.files[path] = body
        self.record += 1

    def rename(self, path: str, to: str) -> None:
        """As a person does, a file or a folder."""
        if to in self.files or to in self.markers:
            raise Conflict(to)
        if path not in self.files and path not in self.markers:
            raise Gone(path)

        def new(one: str) -> str:
            return to + one.removeprefix(path) if one == path or one.startswith(f"{path}/") else one

        folder = to.rpartition("/")[0]
        self.markers = {new(one) for one in self.markers} | ({folder} if folder else set())
        self.files = {new(one): body for one, body in self.files.items()}
        self.ids = {new(one): known for one, known in self.ids.items()}
        self.record += 1

    async def tree(self, cursor: str | None) -> Page:
        """With ids."""
        self.called["tree"] += 1
        page = await super().tree(cursor)
        named = [self.ids.setdefault(one.path, f"id{next(self.numbers)}") for one in page.items]
        items = [msgspec.structs.replace(one, id=known) for one, known in zip(page.items, named, strict=True)]
        return msgspec.structs.replace(page, items=items)

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """Counted as a change, if it is one."""
        if path not in self.markers:
            self.record += 1
        await super().create_folder(path)

    async def put(self, path: str, *rest: object) -> Written:  # type: ignore[override] # handed on as it is
        """Counted as a change."""
        written = await super().put(path, *rest)  # type: ignore[arg-type] # likewise
        self.write(path, self.files[path])
        return written

    async def position(self) -> str:
        """How often something happened so far."""
        self.called["position"] += 1
        return str(self.record)

    async def quiet_since(self, position: str) -> str | None:
        """None for positions before `forgotten` too."""
        self.called["quiet_since"] += 1
        return position if int(position) == self.record >= self.forgotten and int(position) >= self.forgotten else None

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """In place."""
        self.called["move"] += 1
        if path in self.files and revision is not None and self.facts(path).revision != revision:
            raise Conflict(path)
        self.rename(path, to)
        return self.written(to)

    async def move_folder(self, path: str, to: str) -> None:
        """In place."""
        self.called["move_folder"] += 1
        self.rename(path, to)


def copies(drive: Tree) -> set[str]:
    """What it holds: files, and folders with a slash."""
    return {*drive.files, *(f"{path}/" for path in drive.markers)}


async def test_where_nothing_happened_nothing_is_listed(tmp_path: Path) -> None:
    """One question to each side; the counts are those of a listing."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a", "in/b"), Tree("memory://target")
    assert (await copy(ledger, source, target)).status == Status.SUCCESS
    second = await copy(ledger, source, target)  # the destination was written to since: it is listed once more
    assert (second.status, second.counts.listed, second.counts.unchanged) == (Status.NOTHING_TO_COPY, 3, 3)
    source.called.clear(), target.called.clear()
    third = await copy(ledger, source, target)
    assert (third.status, third.counts.listed, third.counts.unchanged) == (Status.NOTHING_TO_COPY, 3, 3)
    assert third.counts.listed_bytes == third.counts.unchanged_bytes == 5
    assert (source.called, target.called) == ({"quiet_since": 1}, {"quiet_since": 1})


async def test_what_happened_is_listed(tmp_path: Path) -> None:
    """And copied, whichever side it happened at; a position that the service forgot is no proof of quiet."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a", "in/b"), Tree("memory://target")
    for _ in range(3):
        await copy(ledger, source, target)
    source.write("c", b"new")
    assert (await copy(ledger, source, target)).said == {"c": "verified"}
    for _ in range(2):
        await copy(ledger, source, target)
    del target.files["in/b"]
    target.record += 1
    assert (await copy(ledger, source, target)).said == {"in/b": "verified"}
    await copy(ledger, source, target)
    source.files["a"] = b"else"  # and the record does not show it: it was cut off
    source.forgotten = source.record + 1
    assert (await copy(ledger, source, target)).said == {"a": "verified"}
    assert target.files == source.files


async def test_what_was_changed_is_updated_where_nothing_happened_at_the_destination(tmp_path: Path) -> None:
    """In place, and not beside itself: no listing has said that it is gone."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a", "in/b"), Tree("memory://target")
    for _ in range(3):
        await copy(ledger, source, target)
    target.called.clear()
    source.write("in/b", b"another")
    assert (await copy(ledger, source, target)).said == {"in/b": "verified"}
    assert target.called["page"] == 0
    assert target.files == source.files


async def test_a_changed_destination_is_told_again_and_again(tmp_path: Path) -> None:
    """Quiet since then does not make it as we left it."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a"), Tree("memory://target")
    await copy(ledger, source, target)
    target.write("a", b"a person's own")
    for _ in range(4):
        assert (await copy(ledger, source, target)).said == {"a": "destination_changed"}
    assert target.files == {"a": b"a person's own"}


async def test_filtered_items_stay_so_in_a_quiet_run(tmp_path: Path) -> None:
    """Decided on anew, with the same outcome."""
    ledger, options = open_ledger(tmp_path), Options(Filters(exclude=("*.tmp",)))
    source, target = Tree("memory://source", "a", "b.tmp"), Tree("memory://target")
    said = [(await copy(ledger, source, target, options)).said for _ in range(4)]
    assert said == [{"a": "verified", "b.tmp": "filter"}, *[{"b.tmp": "filter"}] * 3]


async def test_a_renamed_file_is_renamed(tmp_path: Path) -> None:
    """By its id; nothing is read or written again."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a", "in/b"), Tree("memory://target")
    await copy(ledger, source, target)
    source.rename("a", "in/c")
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.said) == (Status.SUCCESS, {"in/c": "moved"})
    assert copies(target) == {"in/b", "in/c", "in/"}
    assert (target.called["move"], target.called["put"]) == (1, 2)
    assert (await copy(ledger, source, target)).said == {}


async def test_a_renamed_folder_is_renamed(tmp_path: Path) -> None:
    """With all that lies in it, one call; what was altered, added, removed or moved out is seen to as well."""
    ledger = open_ledger(tmp_path)
    source = Tree("memory://source", "old/a", "old/b", "old/c", "old/deep/d", "old/e", "z")
    target = Tree("memory://target")
    await copy(ledger, source, target)
    source.rename("old", "new")
    source.write("new/b", b"altered")
    source.write("new/n", b"added")
    del source.files["new/c"]
    source.rename("new/e", "e")
    ran = await copy(ledger, source, target)
    wanted = {"new": "moved", "e": "moved", "new/b": "verified", "new/n": "verified", "old/c": "removed_since"}
    assert (ran.status, ran.said) == (Status.SUCCESS, wanted)
    assert target.files == {**source.files, "new/c": b"old/c"}
    assert target.markers == {"new", "new/deep"}
    assert (target.called["move_folder"], target.called["move"]) == (1, 1)
    assert (await copy(ledger, source, target)).said == {}


async def test_folders_moved_within_moved_folders(tmp_path: Path) -> None:
    """The outer first, then what moved within it or out of it."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a/b/1", "a/c/2", "x/3"), Tree("memory://target")
    await copy(ledger, source, target)
    source.rename("a", "n")
    source.rename("n/b", "n/renamed")
    source.rename("n/c", "x/c")
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.said) == (Status.SUCCESS, {"n": "moved", "n/renamed": "moved", "x/c": "moved"})
    assert (target.files, target.markers) == (source.files, source.markers)
    assert target.called["put"] == 3


async def test_what_others_altered_at_the_destination_is_not_moved(tmp_path: Path) -> None:
    """It stays where it is; the file is copied to its new name."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a"), Tree("memory://target")
    await copy(ledger, source, target)
    target.write("a", b"a person's own")
    source.rename("a", "b")
    ran = await copy(ledger, source, target)
    assert ran.said == {"a": "removed_since", "b": "verified"}
    assert target.files == {"a": b"a person's own", "b": b"a"}


async def test_a_name_that_is_taken_at_the_destination(tmp_path: Path) -> None:
    """Nothing is moved over it, and both are kept."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a"), Tree("memory://target")
    await copy(ledger, source, target)
    target.write("b", b"a person's own")
    source.rename("a", "b")
    assert (await copy(ledger, source, target)).said == {"a": "removed_since", "b": "kept_both"}
    assert target.files == {"a": b"a", "b": b"a person's own", "b (2)": b"a"}


class Refuses(Tree):
    """A destination that does not move anything today."""

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """See Tree."""
        raise Transient("not now")

    async def move_folder(self, path: str, to: str) -> None:
        """See Tree."""
        raise Transient("not now")


async def test_where_moving_fails_it_is_copied(tmp_path: Path) -> None:
    """Nothing is lost; what was there stays."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "in/a", "b"), Refuses("memory://target")
    await copy(ledger, source, target)
    source.rename("in", "out")
    ran = await copy(ledger, source, target)
    assert ran.status == Status.SUCCESS
    assert target.files == {"in/a": b"in/a", "out/a": b"in/a", "b": b"b"}


async def test_an_edited_and_renamed_file_is_copied(tmp_path: Path) -> None:
    """Its old copy is kept, since it is another content."""
    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a"), Tree("memory://target")
    await copy(ledger, source, target)
    source.rename("a", "b")
    source.write("b", b"edited")
    assert (await copy(ledger, source, target)).said == {"a": "removed_since", "b": "verified"}
    assert target.files == {"a": b"a", "b": b"edited"}


async def test_an_incomplete_listing_moves_nothing(tmp_path: Path) -> None:
    """What is missing from it may still be there."""

    class Lacks(Tree):
        async def tree(self, cursor: str | None) -> Page:
            page = await super().tree(cursor)
            return msgspec.structs.replace(page, complete=False, why_incomplete="half of it")

    ledger = open_ledger(tmp_path)
    source, target = Tree("memory://source", "a"), Tree("memory://target")
    await copy(ledger, source, target)
    source.rename("a", "b")
    lacking = Lacks("memory://source")
    lacking.files, lacking.ids = source.files, source.ids
    assert (await copy(ledger, lacking, target)).status == Status.LISTING_INCOMPLETE
    assert target.files == {"a": b"a", "b": b"a"}
