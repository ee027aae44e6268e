"""A destination that takes two spellings of a name for one, and has a folder or file in another one than the source."""

from pathlib import Path

import msgspec

from haulage.engine.counts import Watch
from haulage.engine.verify import run_verify
from haulage.ledger import runs as run_rows
from haulage.ledger.codec import dump
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model.errors import Conflict
from haulage.model.item import Item, Written
from haulage.model.naming import NameRules
from haulage.model.outcome import RunKind, Status
from haulage.services.contract import Traits
from tests.unit.engine.drives import Options, copy, open_ledger
from tests.unit.engine.test_following import Tree


class Folding(Tree):
    """Keeps the spelling in which a name came first, as many services do; renames none in case."""

    traits: Traits = msgspec.structs.replace(Tree.traits, names=NameRules(case_sensitive=False))

    def real(self, path: str) -> str:
        """The path as it is kept."""
        kept = ""
        for part in path.split("/") if path else ():
            there = [one for one in (*self.files, *self.markers) if one.lower() == f"{kept}{part}".lower()]
            kept = f"{there[0] if there else kept + part}/"
        return kept.rstrip("/")

    def facts(self, path: str) -> Item:
        return msgspec.structs.replace(super().facts(self.real(path)), path=path)

    async def item(self, path: str) -> Item | None:
        return self.facts(path) if self.real(path) in self.files else None

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        await super().create_folder(self.real(path), modified_us)

    async def put(self, path: str, *rest: object) -> Written:  # type: ignore[override] # handed on as it is
        return await super().put(self.real(path), *rest)

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        if self.real(to) in self.files:
            raise Conflict(to)
        return await super().move(path, to, revision)

    move_folder = None  # type: ignore[assignment] # as at Dropbox, where files are moved one by one


class World:
    """A transfer into a folder that others made."""

    def __init__(self, folder: Path) -> None:
        self.ledger: Ledger = open_ledger(folder)
        self.source = Tree("memory://source", "photos/a.jpg", "photos/new/b.jpg")
        self.target = Folding("memory://target", "Photos/theirs.jpg", "Other/New/x")

    async def copy(self) -> tuple[Status, dict[str, str]]:
        """Its status, and what was not left alone; somebody writes elsewhere at the destination all the time."""
        self.target.record += 1
        ran = await copy(self.ledger, self.source, self.target)
        return ran.status, ran.said

    async def verify(self) -> tuple[Status, int]:
        """Its status, and how many items are only there."""
        key = TransferKey(self.source.identity, self.target.identity, dump(Options().filters), "source", "target")
        run = self.ledger.do(run_rows.start, self.ledger.do(run_rows.transfer_id, key), RunKind.VERIFY, "test")
        watch = Watch()
        status, stopped = await run_verify(self.ledger, run, self.source, self.target, Options(), watch, deep=False)
        assert stopped is None
        return status, watch.counts.as_json()["extra"]


async def test_a_folder_that_is_there_in_another_spelling(tmp_path: Path) -> None:
    """A second run copies nothing, what changes is brought up to date in its place, and a verification finds it all."""
    world = World(tmp_path)
    assert (await world.copy())[0] == Status.SUCCESS
    assert await world.copy() == (Status.NOTHING_TO_COPY, {})
    assert await world.verify() == (Status.SUCCESS, 4)
    world.source.write("photos/a.jpg", b"another version")
    world.source.write("photos/c.jpg", b"one more")
    assert (await world.copy())[1] == {"photos/a.jpg": "verified", "photos/c.jpg": "verified"}
    assert await world.copy() == (Status.NOTHING_TO_COPY, {})
    assert {path: body for path, body in world.target.files.items() if "theirs" not in path and "x" not in path} == {
        "Photos/a.jpg": b"another version",
        "Photos/c.jpg": b"one more",
        "Photos/new/b.jpg": b"photos/new/b.jpg",
    }


async def test_what_is_written_in_another_case_since(tmp_path: Path) -> None:
    """T44: one file at the source is one at the destination, which keeps the name that it takes for the same."""
    world = World(tmp_path)
    await world.copy()
    world.source.rename("photos/a.jpg", "photos/A.JPG")
    world.source.rename("photos/new", "photos/NEW")
    before = dict(world.target.files)
    _, said = await world.copy()
    assert said["photos/A.JPG"] == said["photos/NEW/b.jpg"] == "moved"
    assert await world.copy() == (Status.NOTHING_TO_COPY, {})
    assert world.target.files == before
    assert (await world.verify())[0] == Status.SUCCESS


async def test_names_that_fold_alike_and_are_two(tmp_path: Path) -> None:
    """Our key is coarser than any service: what somebody has beside ours is not taken for it."""
    world = World(tmp_path)
    world.source.write("strasse.txt", b"ours")
    world.target.write("stra\u00dfe.txt", b"theirs")
    await world.copy()
    assert await world.copy() == (Status.NOTHING_TO_COPY, {})
    assert world.target.files["stra\u00dfe.txt"] == b"theirs"
    assert world.target.files["strasse.txt"] == b"ours"
