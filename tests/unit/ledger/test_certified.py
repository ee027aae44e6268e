"""What a certificate reads of the ledger: page by page, none dearer than another."""

from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.engine.verify import run_verify
from haulage.ledger import certified, checks, migration_rows, work
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.items import Marks
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.ledger.work import OutcomeRow, Settled
from haulage.model.errors import NameRefused
from haulage.model.filters import Filters
from haulage.model.item import Item, Kind
from haulage.model.outcome import Outcome, OutcomeKind, RunKind, Status
from haulage.services.contract import Precondition
from tests.unit.engine.drives import copy, open_ledger
from tests.unit.engine.sides import Ran, Sides, rot, write
from tests.unit.engine.test_following import Tree
from tests.unit.engine.test_seen_by_several import Company

KEY = TransferKey("s3://a", "s3://b", "{}", "s3://a", "s3://b")
NAMES = ["z", "a/b", "é", "a", "a b", "Z", "😀"]


@pytest.mark.parametrize("page", [1, 2, 7, 8])
def test_what_was_left_alone_is_paged_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Each once, whatever the size of a page; and no page sorts all items of the transfer."""
    monkeypatch.setattr(certified, "PAGE", page)
    ledger = Ledger.open(tmp_path / "ledger.db")
    transfer = ledger.do(run_rows.transfer_id, KEY)
    first = ledger.do(run_rows.start, transfer, RunKind.COPY, "host:1")
    listed = [Item(name, Kind.FILE, 10, 1, "r1", {"md5": "aa"}) for name in NAMES]
    ledger.do(item_rows.merge_source, transfer, listed, Marks(0))
    known = ledger.do(item_rows.to_decide, transfer, 0, False)
    done = [Settled(Outcome(one.id, one.path, OutcomeKind.VERIFIED, 10), "r1", "t1") for one in known]
    ledger.do(work.commit, first.id, done, {"successful": len(done)}, {})
    ledger.do(run_rows.finish, first.id, Status.SUCCESS, {"successful": len(done)}, None)
    second = ledger.do(run_rows.start, transfer, RunKind.COPY, "host:1")

    asked: list[tuple[str, object]] = []
    with ledger.transaction() as connection:
        sa.event.listen(connection.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    copies = ledger.read(checks.copies, transfer)
    rows, after = ledger.read(certified.unchanged, transfer, second.id, copies, None)
    while after is not None:
        more, after = ledger.read(certified.unchanged, transfer, second.id, copies, after)
        rows += more
    assert [one.path for one in rows] == sorted(NAMES)
    assert {one.outcome for one in rows} == {OutcomeKind.VERIFIED}
    pages = [(text, given) for text, given in asked if "FROM items" in text and "LIMIT" in text]
    assert pages
    with ledger.transaction() as connection:
        for text, given in pages:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all()  # type: ignore[arg-type]
            assert not [step for step in plan if "TEMP B-TREE" in step.detail], plan
    ledger.close()


def doubted(sides: Sides, ran: Ran) -> tuple[int, int] | None:
    """The verification that speaks against a copy, and of how many items."""
    copies = sides.ledger.read(checks.copies, ran.row.transfer_id)
    found = sides.ledger.read(certified.doubt, ran.row, copies)
    return None if found is None else (found.run_id, found.items)


@pytest.mark.parametrize("filters", [Filters(), Filters(exclude=("a*",))])
async def test_bytes_that_were_found_to_be_others_stay_so(tmp_path: Path, filters: Filters) -> None:
    """A copy goes by revisions, so one since then says nothing of them. Reading both sides does, or copying it anew."""
    sides = Sides(tmp_path)
    sides.fill({"a": b"first", "sub/b": b"second", "sub/c": b"third"})
    first = await sides.copy()
    rot(sides.target / "sub/b")
    found = await sides.verify(deep=True, options=Options(filters))
    assert found.said["sub/b"] == "hash"
    assert doubted(sides, first) == (found.row.id, 1)
    said = (await sides.verify()).said  # it reads nothing, and the proof of the copy is refuted
    assert (said["sub/b"], said["sub/c"]) == ("size_only", OutcomeKind.VERIFIED)
    second = await sides.copy()
    assert second.counts["unchanged"] == 4
    assert doubted(sides, second) == (found.row.id, 1)
    rot(sides.target / "sub/b")
    assert (await sides.verify(deep=True)).status == Status.SUCCESS
    assert doubted(sides, second) is None
    rot(sides.target / "sub/c")
    found = await sides.verify(deep=True)
    assert doubted(sides, await sides.copy()) == (found.row.id, 1)
    (sides.target / "sub/c").unlink()
    assert doubted(sides, await sides.copy()) is None


async def test_what_other_filters_leave_to_others_is_no_doubt(tmp_path: Path) -> None:
    """What the copy never had, it never claimed."""
    sides = Sides(tmp_path)
    sides.fill({"a": b"first"})
    first = await sides.copy()
    write(sides.source, {"b": b"came later"})
    assert (await sides.verify(options=Options(Filters(exclude=("z",))))).said["b"] == "missing"
    assert doubted(sides, first) is None


class Silent(Tree):
    """Tells no hash of anything."""

    def facts(self, path: str) -> Item:
        """Size and revision alone."""
        return msgspec.structs.replace(super().facts(path), hashes={})


def judged(ledger: Ledger, transfer: int) -> dict[str, OutcomeRow]:
    """What the newest copy of a transfer says in a certificate, by path."""
    copies = ledger.read(checks.copies, transfer)
    told = ledger.read(lambda connection: list(work.outcome_rows(connection, copies[0])))
    return {row.path: row for row in ledger.read(certified.judged, transfer, copies, told)}


async def test_moving_proves_no_more_than_copying_did(tmp_path: Path) -> None:
    """What was compared by size only is told so still, and a verification does not take it for proven."""
    ledger, source, target = open_ledger(tmp_path), Tree("memory:a", "known"), Silent("memory:b")
    source.write("old", b"content")
    assert (await copy(ledger, source, target)).said == {"known": "verified_weak", "old": "verified_weak"}
    source.rename("old", "new")
    assert (await copy(ledger, source, target)).said == {"new": "moved"}
    found = judged(ledger, 1)["new"]
    assert (found.outcome, found.evidence["proof"]) == (OutcomeKind.VERIFIED_WEAK, "size")
    run, watch = ledger.do(run_rows.start, 1, RunKind.VERIFY, "host:1"), Watch()
    await run_verify(ledger, run, source, target, Options(), watch, deep=False)
    assert (watch.counts.successful, watch.counts.as_json()["weak"]) == (2, 2)


async def test_moved_is_as_proven_as_it_was(tmp_path: Path) -> None:
    """With the hashes of the copy."""
    ledger, source, target = open_ledger(tmp_path), Tree("memory:a", "old"), Tree("memory:b")
    await copy(ledger, source, target)
    source.rename("old", "new")
    assert (await copy(ledger, source, target)).said == {"new": "moved"}
    found = judged(ledger, 1)["new"]
    assert (found.outcome, "sha256" in found.evidence) == (OutcomeKind.MOVED, True)


async def test_what_is_carried_elsewhere_has_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bob's copy leaves a file to Ann's, which could not bring it over the first time."""
    company = Company(tmp_path)
    company.link()

    def refuse(path: str, _: Precondition) -> None:
        if path == "shared.txt":
            raise NameRefused(path)

    with monkeypatch.context() as broken:
        broken.setattr(company.to_ann, "expect", refuse)
        ann, bob = await company.move()
    assert (ann.said["shared.txt"], bob.said["from Ann.txt"]) == (NameRefused.code, "carried_elsewhere")
    bobs = company.ledger.read(migration_rows.rows, company.migration)[1].transfer_id or 0
    assert judged(company.ledger, bobs)["from Ann.txt"].outcome == OutcomeKind.FAILED
    await company.move()
    assert judged(company.ledger, bobs)["from Ann.txt"].outcome == OutcomeKind.SKIPPED
