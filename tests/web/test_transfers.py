"""One transfer of a migration and many at once: menus that say why, paths, tags, notes, logs, columns, suggestions."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from haulage.ledger import audit, work
from haulage.ledger.audit import Actor
from haulage.ledger.store import Connection
from haulage.ledger.work import OutcomeRow
from haulage.model.mapping import Wish
from haulage.model.person import Role
from haulage.operations import migration_table, migrations, transfers
from haulage.reports import certificate
from tests.web.browsing import browser_page, complaints_of, judged, sign_in
from tests.web.house import TEST, House, Visitor, words
from tests.web.test_migrating import ended

USERS = ("alice", "bob", "carol")


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator with a migration of three users, the first of which was migrated."""
    house.person("ada", Role.OPERATOR)
    for name in ("here", "there"):
        house.folder(name, "ada", tmp_path / name)
    for user in USERS:
        (tmp_path / "here" / user).mkdir()
        (tmp_path / "here" / user / "=a.txt").write_text(user)
    migrations.create(house.ledger, "m", "here", "there", Actor("ada", "test"))
    place = str(tmp_path).strip("/")
    wishes = [Wish(0, f"{place}/here/{one}", f"{place}/there/{one}", ("hr",)) for one in USERS]
    migrations.add(house.ledger, "m", wishes, TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    assert (await visitor.post("/migrations/1/begin", kind="copy", row="1", count="1")).status_code == 303
    await ended(visitor)
    yield visitor
    await visitor.close()


def rows(ada: Visitor, *ids: int) -> list[tuple[int, tuple[str, ...], str]]:
    """Number, tags and note of transfers."""
    found = migration_table.some(ada.house.ledger, 1, ids)
    return [(one.id, one.tags, one.notes) for one in found]


def logged(connection: Connection, run_id: int) -> list[OutcomeRow]:
    """What the log of a run has."""
    return list(work.outcome_rows(connection, run_id))


async def test_what_cannot_be_done_says_why(ada: Visitor) -> None:
    """Of a user that has run, of one that has not; nobody without the connectors changes anything."""
    ran, fresh = words(await ada.get("/migrations/1/rows/1/menu")), words(await ada.get("/migrations/1/rows/2/menu"))
    assert ran.count("It has run, so its paths and its history stay") == 2 and "no log" not in ran
    assert "It has run" not in fresh and fresh.count("It never ran, so there is no log") == 2
    panel = words(await ada.get("/migrations/1/rows/1"))
    assert "Log of run 1" in panel and "Times run1" in panel and "1 successful, 0 failed, 0 skipped" in panel
    assert (await ada.get("/migrations/1/rows/99")).status_code == 404
    ada.house.person("root2", Role.ADMIN)
    await ada.sign_in("root2")
    assert words(await ada.get("/migrations/1/rows/2/menu")).count("Only who may use both connectors") == 8
    assert (await ada.get("/migrations/1/change", what="tags", row=2)).status_code == 404
    assert (await ada.post("/migrations/1/rows/2/edit", source="x", destination="y")).status_code == 404


async def test_tags_and_notes_of_many(ada: Visitor) -> None:
    """Added, taken away, replaced; of those ticked or all that match; not of others than were shown."""
    for way, text, tags in (("add", "x; hr", ("hr", "x")), ("remove", "hr", ("x",)), ("replace", "a, b", ("a", "b"))):
        form: dict[str, Any] = {"what": "tags", "way": way, "text": text, "row": [2, 3], "count": "2"}
        assert (await ada.post("/migrations/1/change", **form)).status_code == 303
        assert rows(ada, 1, 2, 3) == [(1, ("hr",), ""), (2, tags, ""), (3, tags, "")]
    asked = words(await ada.get("/migrations/1/change", what="notes", every=True, filter="tags:a"))
    assert "Note on 2 users" in asked
    noted: dict[str, Any] = {"what": "notes", "every": "true", "filter": "tags:a", "text": " call first "}
    assert (await ada.post("/migrations/1/change", **noted, count="3")).status_code == 422
    assert (await ada.post("/migrations/1/change", **noted, count="2")).status_code == 303
    assert (await ada.post("/migrations/1/change", **{**noted, "text": "a\x07"}, count="2")).status_code == 422
    assert [one[2] for one in rows(ada, 1, 2, 3)] == ["", "call first", "call first"]


async def test_as_many_others_are_not_those_that_were_shown(ada: Visitor) -> None:
    """Somebody else changes tags meanwhile: what was asked about two is done to no others."""
    ledger, form = ada.house.ledger, {"every": "true", "filter": "tags:late", "count": "2"}
    migrations.mark(ledger, "m", [1, 2], TEST, tags=("late",))
    pages = [await ada.get("/migrations/1/change", what="delete", every=True, filter="tags:late")]
    pages.append(await ada.get("/migrations/1/what", kind="scan", every=True, filter="tags:late"))
    marks = {page.text.split('name="meant" value="', 1)[1].split('"', 1)[0] for page in pages}
    assert len(marks) == 1
    migrations.mark(ledger, "m", [1], TEST, tags=())
    migrations.mark(ledger, "m", [3], TEST, tags=("late",))
    for path, more in (("change", {"what": "notes", "text": "x"}), ("begin", {"kind": "scan"})):
        refused = await ada.post(f"/migrations/1/{path}", **form, **more, meant=next(iter(marks)))
        assert refused.status_code == 422 and "other users match now than were shown" in words(refused)
    assert [one[2] for one in rows(ada, 1, 2, 3)] == ["", "", ""]


async def test_paths_change_until_the_first_run(ada: Visitor, tmp_path: Path) -> None:
    """Edited, duplicated with its tags, deleted; what has copied stays, and a pair that is there is told."""
    new: dict[str, Any] = {"source": f"{tmp_path}/here/bob", "destination": f"{tmp_path}/there/robert"}
    assert (await ada.post("/migrations/1/rows/2/edit", **new)).status_code == 303
    refused = await ada.post("/migrations/1/rows/1/edit", **new)
    assert refused.status_code == 422 and "has copied already" in words(refused)
    twice = await ada.post("/migrations/1/rows/2/duplicate", **new)
    assert twice.status_code == 422 and "says the same already" in words(twice) and "line 0" not in twice.text
    up = await ada.post("/migrations/1/rows/2/edit", source="a/../b", destination="c")
    assert up.status_code == 422 and "'..'" in words(up)
    made = await ada.post("/migrations/1/rows/1/duplicate", **{**new, "destination": "other"})
    assert made.headers["location"] == "/migrations/1/rows/4" and rows(ada, 4) == [(4, ("hr",), "")]
    for ids, status in (([1, 4], 422), ([4], 303)):
        gone = await ada.post("/migrations/1/change", what="delete", row=ids, count=str(len(ids)))
        assert gone.status_code == status
    assert migration_table.shown(ada.house.ledger, 1, "") == [1, 2, 3]


async def test_logs_of_many_as_one_zip(ada: Visitor) -> None:
    """CSV and HTML of every run, formula cells neutralised; nothing is left behind."""
    await ada.post("/migrations/1/begin", kind="scan", row="2", count="1")
    await ended(ada)
    answer = await ada.get("/migrations/1/logs", every=True)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"user-{n}/run-{n}.{end}" for n in (1, 2) for end in ("csv", "html")]
        assert "'=a.txt" in archive.read("user-1/run-1.csv").decode("utf-8-sig")
    assert not list((ada.house.ledger.path.parent / "reports").glob("logs-*"))
    assert (await ada.get("/migrations/1/logs")).status_code == 422


async def test_certificates_are_downloaded(ada: Visitor, tmp_path: Path) -> None:
    """Of the run it is complete, of the migration not: two of its users never moved. Nothing is left behind."""
    page = await ada.get("/runs/1")
    assert "/runs/1/certificate" in page.text
    assert "/migrations/1/certificate" in (await ada.get("/migrations/1")).text
    told = {}
    for what in ("runs", "migrations"):
        answer = await ada.get(f"/{what}/1/certificate")
        assert answer.headers["content-type"] == "application/zip"
        (tmp_path / what).write_bytes(answer.content)
        told[what], _ = certificate.check(tmp_path / what)
    assert [one.complete for one in told.values()] == [True, False]
    assert [len(one.transfers) for one in told.values()] == [1, 1]
    assert [len(one.uncovered) for one in told.values()] == [0, 2]
    assert not list((ada.house.ledger.path.parent / "reports").glob("*certificate*"))
    await ada.post("/migrations/1/begin", kind="scan", row="2", count="1")
    await ended(ada)
    scan = await ada.get("/runs/2")
    assert scan.status_code == 200
    assert "/runs/2/certificate" not in scan.text
    refused = await ada.get("/runs/2/certificate")
    assert (refused.status_code, "was a scan" in words(refused)) == (422, True)


async def test_one_of_those_that_wait_is_canceled(ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its menu or among many; who neither waits nor runs is told so."""
    held = asyncio.Event()

    async def forever(*_: object, **__: object) -> None:
        held.set()
        await asyncio.Event().wait()

    assert "It neither waits nor runs" in words(await ada.get("/migrations/1/rows/3/menu"))
    monkeypatch.setattr(transfers, "copy", forever)
    ada.house.app.state.passes.at_once = 1
    assert (await ada.post("/migrations/1/begin", kind="copy", row=[2, 3], count="2")).status_code == 303
    await held.wait()
    menu = words(await ada.get("/migrations/1/rows/3/menu"))
    assert "It neither waits nor runs" not in menu and menu.count("It waits or runs") == 4
    assert migration_table.shown(ada.house.ledger, 1, "status:queued") == [3]
    assert "Cancel 1 user?" in words(await ada.get("/migrations/1/change", what="cancel", row=3))
    assert (await ada.post("/migrations/1/change", what="cancel", row=3, count="1")).status_code == 303
    assert migration_table.shown(ada.house.ledger, 1, "status:queued") == []
    assert "It neither waits nor runs" in words(await ada.get("/migrations/1/rows/3/menu"))


async def test_columns_are_chosen_and_ordered_for_oneself(ada: Visitor) -> None:
    """Kept; another person sees what they chose themselves; the table is sorted by a column of it."""
    await ada.post("/migrations/1/columns", key=["tags", "source"], order=["source", "tags", "id"], move="up tags")
    page = await ada.get("/migrations/1", sort="source", down=True)
    heads = page.text.split("<thead>")[1].split("</thead>")[0]
    assert heads.index("Tags") < heads.index("Source path") and "Destination" not in heads
    assert 'aria-sort="descending"' in heads
    assert page.text.index("carol") < page.text.index("bob") < page.text.index("alice")
    ada.house.person("root2", Role.ADMIN)
    await ada.sign_in("root2")
    assert "Destination path" in (await ada.get("/migrations/1")).text


async def test_the_filter_suggests(ada: Visitor) -> None:
    """Columns, then what stands in one of them; the parts before stay."""
    for typed, offer in (
        ("st", "status:"),
        ("alice ta", "alice tags:"),
        ("tags:h", "tags:hr"),
        ("status:some", "Some"),
    ):
        assert offer in (await ada.get("/migrations/1/suggest", filter=typed)).text
    assert "option" not in (await ada.get("/migrations/1/suggest", filter="tags:/h")).text


async def test_deleting_a_migration_deletes_its_logs(ada: Visitor, tmp_path: Path) -> None:
    """And nothing at either side; the run says so, and the audit trail keeps what was done."""
    ledger = ada.house.ledger
    await ada.get("/runs/1/download/csv")
    assert ledger.read(logged, 1) and (ledger.path.parent / "reports" / "run-1").exists()
    assert (await ada.post("/migrations/1/delete", confirm="DELETE")).status_code == 303
    assert ledger.read(logged, 1) == []
    assert not (ledger.path.parent / "reports" / "run-1").exists()
    assert "its log was deleted with the migration m" in words(await ada.get("/runs/1"))
    assert (tmp_path / "there" / "alice" / "=a.txt").read_text() == "alice"
    events = {one.event: one.facts for one in ledger.read(audit.of, "migration 1")}
    assert events["migration delete"] == {"name": "m", "logs": 1} and "migration copy" in events


async def test_menus_by_mouse_and_keys_and_the_panel(ada: Visitor) -> None:
    """Opened by the button's keys and by a right click, walked with arrows, closed with Escape; the panel."""
    house = ada.house
    async with browser_page(width=1500) as page:
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/migrations/1")
        button = page.locator("#user-2 details[data-menu] summary")
        await button.focus()
        await page.keyboard.press("Enter")
        first = page.locator("#user-2 .menu-item").first
        await expect(first).to_have_text("Scan")
        await expect(first).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(page.locator("#user-2 .menu-item").nth(1)).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(button).to_be_focused()
        await page.locator("#user-1 td.number").first.click(button="right")
        menu = page.locator("#user-1 details[data-menu] ul")
        await expect(menu.get_by_text("Edit paths")).to_have_attribute("aria-disabled", "true")
        await expect(menu).to_contain_text("It has run")
        found = await judged(page)
        await page.keyboard.press("Escape")
        await page.click("#user-1 a[hx-target='#panel']")
        await expect(page.locator("#panel-title")).to_be_focused()
        await expect(page.locator("#panel")).to_contain_text("Log of run 1")
        found += await judged(page)
        await page.click("#panel-close")
        await expect(page.locator("#panel-title")).to_have_count(0)
        await page.check("input[name=row][value='2']")
        await page.click("text=More for the selected")
        await page.click("#chosen button[value=notes]")
        await page.fill("#text", "call first")
        await page.click("text=Save note")
        await expect(page.locator("#user-2")).to_contain_text("call first")
        assert found == [] and complaints_of(page, house) == []
