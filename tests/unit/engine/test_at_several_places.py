"""What lies at several places of a source is copied once, and told at the others."""

from pathlib import Path

import msgspec
import pytest

from haulage.engine.counts import Watch
from haulage.engine.verify import run_verify
from haulage.ledger import runs as run_rows
from haulage.ledger.codec import dump
from haulage.ledger.runs import TransferKey
from haulage.model.filters import Filters
from haulage.model.naming import NameRules
from haulage.model.outcome import RunKind, Status
from haulage.services.contract import Traits
from tests.unit.engine.drives import TRAITS, MemoryDrive, Options, Ran, copy, open_ledger
from tests.unit.engine.test_following import Tree

CODE = "carried_elsewhere"


class Legacy(Tree):
    """A drive in which a file may lie in two folders."""

    traits: Traits = msgspec.structs.replace(Tree.traits, shared_ids=True)

    def __init__(self) -> None:
        super().__init__("memory:legacy", "a/plan.txt", "c.txt")
        self.also("a/plan.txt", "b/plan.txt")

    def also(self, path: str, other: str) -> None:
        """It lies there too."""
        self.write(other, self.files[path])
        self.ids[other] = self.ids.setdefault(path, f"of {path}")


class There(MemoryDrive):
    """A destination with real folders."""

    traits: Traits = msgspec.structs.replace(TRAITS, folders="real")


class World:
    """A transfer."""

    def __init__(self, folder: Path) -> None:
        self.ledger = open_ledger(folder)
        self.source, self.target = Legacy(), There("memory:there")

    async def move(self, options: Options | None = None) -> Ran:
        """Run it."""
        return await copy(self.ledger, self.source, self.target, options or Options())


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Nothing has been copied yet."""
    return World(tmp_path)


async def test_the_first_place_carries_it(world: World) -> None:
    ran = await world.move()
    assert ran.status == Status.SUCCESS
    assert set(world.target.files) == {"a/plan.txt", "c.txt"}
    assert ran.said["b/plan.txt"] == CODE
    assert (ran.counts.successful, ran.counts.skipped) == (ran.counts.listed - 1, 1)


async def test_again_it_is_the_same_place(world: World) -> None:
    await world.move()
    again = await world.move()
    assert (again.counts.sent_bytes, again.counts.skipped, again.said["b/plan.txt"]) == (0, 1, CODE)
    assert set(world.target.files) == {"a/plan.txt", "c.txt"}


async def test_a_place_that_comes_later_is_told(world: World) -> None:
    """Even one whose name comes before."""
    await world.move()
    world.source.also("c.txt", "a/c.txt")
    again = await world.move()
    assert (again.counts.sent_bytes, again.said["a/c.txt"]) == (0, CODE)


async def test_where_the_first_place_is_gone_the_other_carries_it(world: World) -> None:
    await world.move()
    del world.source.files["a/plan.txt"]
    world.source.record += 1
    again = await world.move()
    assert again.said["b/plan.txt"] == "verified"
    assert world.target.files["b/plan.txt"] == b"a/plan.txt"


async def test_a_place_that_is_left_out_carries_nothing(world: World) -> None:
    ran = await world.move(Options(filters=Filters(exclude=("a/**",))))
    assert set(world.target.files) == {"b/plan.txt", "c.txt"}
    assert ran.said["a/plan.txt"] == "filter"


async def test_a_place_whose_name_is_refused_carries_nothing(world: World) -> None:
    world.source.also("c.txt", "A folder with too long a name/c.txt")
    names = NameRules(longest_path=20)
    world.target.traits = msgspec.structs.replace(There.traits, names=names)
    ran = await world.move()
    assert world.target.files["c.txt"] == b"c.txt"
    assert ran.said["c.txt"] == "verified"


async def test_a_verification_misses_nothing(world: World) -> None:
    await world.move()
    world.source.write("new.txt", b"since then")
    ledger, options = world.ledger, Options()
    ends = world.source.identity, world.target.identity
    transfer = ledger.do(run_rows.transfer_id, TransferKey(*ends, dump(options.filters), *ends))
    run = ledger.do(run_rows.start, transfer, RunKind.VERIFY, "test")
    watch = Watch()
    await run_verify(ledger, run, world.source, world.target, options, watch, deep=False)
    assert (watch.counts.skipped, watch.counts.failed) == (1, 1)
