"""A Box user's root (QUIRKS Q12): what others shared stands there beside his own, also under names that are taken."""

from pathlib import Path
from typing import Any

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import work
from haulage.model.filters import Filters
from haulage.operations import browsing, checking, transfers
from haulage.operations.locations import Given
from haulage.services.box.items import Entry, told_apart
from testbed.sandbox import Sandbox
from tests.connectors.people import Office

SHARED = "shared with everyone"


def test_names_are_told_apart() -> None:
    """The oldest keeps its name; nothing depends on the order of the listing, and no name is taken twice."""
    entries = [
        Entry("file", "20", name="Plan.pdf"),
        Entry("file", "3", name="plan.pdf"),
        Entry("folder", "7", name="plan.pdf"),
        Entry("file", "9", name="plan (20).pdf"),
        Entry("file", "4", name="alone"),
    ]
    for order in (entries, entries[::-1]):
        named = {one.id: one.name for one in told_apart(order).values()}
        assert named == {
            "3": "plan.pdf",
            "4": "alone",
            "7": "plan.pdf (7)",
            "9": "plan (20).pdf",
            "20": "Plan (20) (20).pdf",
        }


async def copied(office: Office, target: Path) -> Any:
    sides = Given("mine:/", "source"), Given(str(target), "destination")
    ended = await transfers.copy(office.ledger, *sides, Options(Filters(include=(f"{SHARED}*",))), Watch())
    return ended.run


async def test_what_others_shared_is_copied_whole(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """Files of one name by several people come all of them, and folders of others are looked into, by a connector that
    may write too. A second run finds each where it was."""
    account = office.people("box", "user")[0]
    await office.connect("box", account, "write", "mine")
    top = (await browsing.browse(office.ledger, "mine:/")).items
    assert len({one.path.lower() for one in top}) == len(top)
    alike = [one for one in top if one.path.startswith(SHARED)]
    assert len(alike) > 1
    for one in top:
        if one.size is None:
            await browsing.browse(office.ledger, f"mine:/{one.path}", 1)
    target = tmp_path / "there"
    first = await copied(office, target)
    told, _ = office.ledger.read(work.outcome_page, first.id, work.Search(SHARED, limit=1000))
    assert len({one.item_id for one in told}) == len(told) == first.counts["listed"] - first.counts["skipped"]
    assert {one.path for one in alike} <= {one.path for one in told}  # each has an outcome of its own
    assert {one.code for one in told if one.outcome == "failed"} <= {"permission"}  # some may be seen and not read
    again = await copied(office, target)
    assert again.counts["unchanged"] == first.counts["successful"]
    report = await checking.check(office.ledger, "mine")
    assert [one for one in report.tried if one.state == "broken"] == []


async def test_a_full_box_can_be_read(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """People leave a service because they have no room there: the check before an upload tells of nothing else then."""
    await office.connect("box", office.people("box", "user")[0], "write", "full")
    top = (await browsing.browse(office.ledger, "full:/")).items
    folder = next(one.path for one in top if one.size is None)
    sandbox.fault(fault="F35", service="box", operation="options_files_content")
    sides = Given(f"full:/{folder}", "source"), Given(str(tmp_path / "there"), "destination")
    ended = await transfers.copy(office.ledger, *sides, Options(), Watch())
    assert ended.status in (100, 102, 120), ended
