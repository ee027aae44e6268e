"""What several users of a migration see is copied with one of them, and told to the others."""

from pathlib import Path

import msgspec
import pytest

from haulage.engine.counts import Watch
from haulage.engine.verify import run_verify
from haulage.ledger import migration_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model.outcome import RunKind, Status
from haulage.operations import connectors, migrations
from haulage.services.contract import Traits
from haulage.services.registry import service
from tests.unit.engine.drives import MemoryDrive, Options, Ran, copy, open_ledger
from tests.unit.engine.test_following import Tree

ADA = Actor("ada", "test")


class Drive(Tree):
    """A user's, with `mine.txt` and, under an id that it has with everybody, a file that somebody else put there."""

    traits: Traits = msgspec.structs.replace(Tree.traits, shared_ids=True)

    def __init__(self, user: str, shared: str = "shared.txt") -> None:
        super().__init__(f"memory:{user}")
        self.write("mine.txt", user.encode())
        self.ids["mine.txt"] = f"of {user}"
        self.write(shared, b"everybody's")
        self.ids[shared] = "shared"


class Company:
    """A migration of Ann and Bob, a drive each on both sides."""

    def __init__(self, folder: Path) -> None:
        self.ledger: Ledger = open_ledger(folder)
        for name in ("here", "there"):
            connectors.add(self.ledger, name, service("local"), {}, actor=ADA)
        self.migration = migrations.create(self.ledger, "All", "here", "there", ADA).id
        self.ann, self.bob = Drive("ann"), Drive("bob", "from Ann.txt")
        self.to_ann, self.to_bob = MemoryDrive("memory:to ann"), MemoryDrive("memory:to bob")
        wanted = [(one, one, "") for one in ("ann", "bob")]
        self.ledger.do(migration_rows.append, self.migration, wanted)

    def options(self) -> Options:
        """Of each of the migration's runs."""
        return Options(migration_id=self.migration)

    def link(self) -> None:
        """Say which transfers are the migration's, as a pass does."""
        for row, (source, target) in zip(
            self.ledger.read(migration_rows.rows, self.migration),
            ((self.ann, self.to_ann), (self.bob, self.to_bob)),
            strict=True,
        ):
            transfer = self.ledger.do(run_rows.transfer_id, key(source, target, self.options()))
            self.ledger.do(migration_rows.change, row.id, transfer_id=transfer)

    async def move(self) -> tuple[Ran, Ran]:
        """Both, Ann first."""
        ann = await copy(self.ledger, self.ann, self.to_ann, self.options())
        return ann, await copy(self.ledger, self.bob, self.to_bob, self.options())


def key(source: Tree, target: MemoryDrive, options: Options) -> TransferKey:
    """By which the ledger knows the transfer."""
    return TransferKey(source.identity, target.identity, dump(options.filters), source.identity, target.identity)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Nothing has been moved yet."""
    return Company(tmp_path)


async def test_the_first_one_carries_it(company: Company) -> None:
    ann, bob = await company.move()
    assert set(company.to_ann.files) == {"mine.txt", "shared.txt"}
    assert set(company.to_bob.files) == {"mine.txt"}
    assert (ann.status, bob.status) == (Status.SUCCESS, Status.SUCCESS)
    assert bob.said["from Ann.txt"] == "carried_elsewhere"
    assert (bob.counts.skipped, bob.counts.listed) == (1, 2)


async def test_again_it_is_the_same_one(company: Company) -> None:
    """Bob's run comes first now, and nothing changes hands."""
    await company.move()
    bob = await copy(company.ledger, company.bob, company.to_bob, company.options())
    ann = await copy(company.ledger, company.ann, company.to_ann, company.options())
    assert bob.said["from Ann.txt"] == "carried_elsewhere"
    assert (ann.counts.unchanged, ann.counts.sent_bytes) == (2, 0)


async def test_what_the_first_one_has_no_more_the_other_carries(company: Company) -> None:
    await company.move()
    del company.ann.files["shared.txt"]
    company.ann.record += 1
    _, bob = await company.move()
    assert bob.said["from Ann.txt"] == "verified"
    assert company.to_bob.files["from Ann.txt"] == b"everybody's"


async def test_without_a_migration_each_has_its_own(company: Company) -> None:
    await copy(company.ledger, company.ann, company.to_ann)
    await copy(company.ledger, company.bob, company.to_bob)
    assert set(company.to_bob.files) == {"mine.txt", "from Ann.txt"}


async def test_a_verification_misses_only_what_nobody_has(company: Company) -> None:
    """What the other has copied is told as that; what nobody has copied is missing."""
    await company.move()
    company.link()
    company.bob.write("new.txt", b"since then")
    ledger, options = company.ledger, company.options()
    transfer = ledger.do(run_rows.transfer_id, key(company.bob, company.to_bob, options))
    run = ledger.do(run_rows.start, transfer, RunKind.VERIFY, "test")
    watch = Watch()
    await run_verify(ledger, run, company.bob, company.to_bob, options, watch, deep=False)
    assert (watch.counts.skipped, watch.counts.failed, watch.counts.successful) == (1, 1, 1)
