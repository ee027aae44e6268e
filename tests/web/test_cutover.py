"""A cutover on the page of a migration: begun as a scan is, and what differed before and after it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haulage.ledger import passes as rows
from haulage.ledger.codec import dump
from haulage.ledger.passes import DifferingSums
from haulage.model.errors import HaulageError
from haulage.model.outcome import PassKind, Status
from haulage.model.person import Role
from haulage.operations import bulk, cutovers, migrations, passes
from haulage.operations.locations import ReadOnly
from haulage.services.transport.guard import EndpointRefused
from tests.web.house import TEST, House, Visitor, words
from tests.web.test_going_on import until
from tests.web.test_passes import filled, is_over


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator whose migration of three users has been copied; of the first, two files changed since."""
    house.person("ada", Role.OPERATOR)
    filled(house, tmp_path, 3)
    migration, found = migrations.table(house.ledger, "m")
    first = passes.begin(house.ledger, migration, found, PassKind.COPY, TEST, server=False)
    await bulk.make(house.ledger, first.id, lambda *_: None)
    (tmp_path / "here" / "user0" / "<i>new.txt").write_text("new")
    (tmp_path / "here" / "user0" / "1.txt").write_text("changed since")
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    yield visitor
    await visitor.close()


async def test_it_is_begun_and_told_of(ada: Visitor, tmp_path: Path) -> None:
    """What it does is said first; only what changed is copied; both lists are on a page of their own."""
    ledger = ada.house.ledger
    assert "There was no cutover yet" in words(await ada.get("/migrations/1/cutover"))
    assert "Cut over selected users" in words(await ada.get("/migrations/1"))
    shown = words(await ada.get("/migrations/1/what", kind="cutover", every=True))
    assert "Cut over 3 users?" in shown and "only what changed is copied and verified" in shown and "Tothere" in shown
    assert (await ada.post("/migrations/1/begin", kind="cutover", every="true", count="3")).status_code == 303
    await until(lambda: is_over(ledger, 2))
    page = words(await ada.get("/migrations/1"))
    assert "The last cutover has ended: 3 succeeded" in page and "What differed before and after the cutover" in page
    told = words(await ada.get("/migrations/1/cutover"))
    assert "Before2 items of 1 user, 16 B (3 looked at)Still, afternothing (3 looked at)" in told
    assert "2 items, 16 BWhich1.txt<i>new.txtnothing" in told and "user1" not in told
    assert (tmp_path / "there" / "user0" / "1.txt").read_text() == "changed since"


async def test_what_people_changed_at_the_destination_differs_still(ada: Visitor, tmp_path: Path) -> None:
    """It is left alone, and so the two sides are not alike: the lists say so, and how to have it otherwise."""
    ledger = ada.house.ledger
    (tmp_path / "there" / "user1" / "0.txt").write_text("theirs, changed")
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, PassKind.CUTOVER, TEST, server=False)
    await bulk.make(ledger, begun.id, lambda *_: None)
    assert (tmp_path / "there" / "user1" / "0.txt").read_text() == "theirs, changed"
    told = {(one.row_id, one.when): (one.items, one.paths) for one in passes.differences(ledger, begun)}
    row = found[1].id
    assert told[row, "before"] == told[row, "after"] == (1, ["0.txt"])
    assert told[found[0].id, "after"] == (0, [])
    shown = words(await ada.get("/migrations/1/cutover"))
    assert "Still, after1 item of 1 user" in shown and "changed at the destination" in shown


async def test_what_still_differs(ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told with a way on; what could not be seen whole is told as such; many users are on several pages."""
    ledger = ada.house.ledger
    monkeypatch.setattr(cutovers, "PAGE_USERS", 2)
    migration, found = migrations.table(ledger, "m")
    begun = passes.begin(ledger, migration, found, PassKind.CUTOVER, TEST, server=False)
    assert "It has not ended: resume it" in words(await ada.get("/migrations/1/cutover"))
    await bulk.make(ledger, begun.id, lambda *_: None)
    left = {"items": 1200, "bytes": 5, "whole": False, "paths": [f"p{number}" for number in range(1000)]}
    for row in found:
        ledger.do(rows.change, begun.id, row.id, facts=dump({"before": {**left, "whole": True}, "after": left}))
    assert ledger.read(rows.differing_sums, begun.id, "after") == DifferingSums(3, 3, 3600, 15, 3)
    told = words(await ada.get("/migrations/1/cutover"))
    assert "Still, after3,600 items of 3 users" in told and "3 could not be seen whole: it may be more" in told
    assert "p19and 1,180 more" in told and "p20" not in told and "or cut over again" in told
    further = words(await ada.get("/migrations/1/cutover", after=2))
    assert "user2" in told + further and "user2" not in told and "user0" not in further


@pytest.mark.parametrize(
    ("error", "status"),
    [(ReadOnly("nas"), Status.AUTHORISATION_FAILED), (EndpointRefused("not public"), Status.CANNOT_CONNECT)],
)
def test_what_no_other_path_would_mend_is_no_wrong_path(error: HaulageError, status: Status) -> None:
    """Its group of issues would ask for paths."""
    assert bulk.status_of(error) == status
