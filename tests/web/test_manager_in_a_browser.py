"""The Migration Manager in Chromium: every action as a person does it, with axe-core's judgement of each page."""

import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from haulage.model.person import Role
from haulage.operations import migrations, schedules
from tests.web.browsing import browser_page, complaints_of, judged, sign_in
from tests.web.house import House
from tests.web.test_passes import filled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@asynccontextmanager
async def at_work(house: House, folder: Path, users: int, *expected: str) -> AsyncIterator[Page]:
    """Ada on the page of her migration; nothing else may be complained about in the end."""
    house.person("ada", Role.OPERATOR)
    filled(house, folder, users)
    async with browser_page(width=1500) as page:
        page.set_default_timeout(90_000)
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/migrations/1")
        yield page
        assert complaints_of(page, house, *expected) == []


async def pressed(page: Page, words: str) -> None:
    """The main button of a page that says what comes next leads back to the migration."""
    assert await judged(page) == []
    await page.click(f"main button:has-text('{words}')")
    await page.wait_for_url("**/migrations/1*")


async def test_users_are_added_found_tagged_and_taken_out(house: House, tmp_path: Path) -> None:
    """By a file; filtered with suggestions, sorted, with columns of one's own; the migration renamed, then deleted."""
    async with at_work(house, tmp_path, 2, "422") as page:
        await page.get_by_role("link", name="Add users").click()
        assert await judged(page) == []
        lines = "Source Path,Destination Path,Tags\r\nmore/one,there/one,hr\r\nmore/two,there/two,\r\n"
        bad: FilePayload = {
            "name": "users.csv",
            "mimeType": "text/csv",
            "buffer": b"Source Path,Destination Path,Tags\n../x,y,\n",
        }
        await page.set_input_files("#file", files=bad)
        await page.click("main button:has-text('Upload')")
        await expect(page.locator("[aria-label='Lines to correct']")).to_contain_text("2")
        assert await judged(page) == []
        good: FilePayload = {"name": "users.csv", "mimeType": "text/csv", "buffer": lines.encode("utf-16")}
        await page.set_input_files("#file", files=good)
        await pressed(page, "Upload")
        await expect(page.locator("tr[id^=user-]")).to_have_count(4)
        await page.locator("#filter").press_sequentially("tags:h")
        await expect(page.locator("#columns option[value='tags:hr']")).to_have_count(1)
        await page.fill("#filter", "tags:hr")
        await page.click("main button:text-is('Show')")
        await expect(page.locator("tr[id^=user-]")).to_have_count(1)
        await expect(page.get_by_text("1 user matches the filter")).to_be_visible()
        await page.click("text=Show all")
        await page.click("th a:has-text('Source path')")
        await page.click("th a:has-text('Source path')")
        await expect(page.locator("th[aria-sort=descending]")).to_contain_text("Source path")
        await page.click("text=Columns")
        await page.uncheck("input[name=key][value=notes]")
        await pressed(page, "Save columns")
        await expect(page.locator("th:has-text('Notes')")).to_have_count(0)
        await page.check("#every")
        await page.click("text=More for the selected")
        await page.click("#chosen button[value=tags]")
        await page.fill("#text", "wave 2")
        await pressed(page, "Save tags")
        await expect(page.locator("#user-4")).to_contain_text("wave 2")
        await page.check("input[name=row][value='4']")
        await page.click("text=More for the selected")
        await page.click("#chosen button[value=delete]")
        await pressed(page, "Delete 1 user")
        await expect(page.locator("tr[id^=user-]")).to_have_count(3)
        await page.click("summary:has-text('Rename or delete')")
        await page.fill("#name", "Wave two")
        await page.click("main button:text-is('Rename')")
        await expect(page.locator("h1")).to_have_text("Wave two")
        await page.click("summary:has-text('Rename or delete')")
        await page.fill("#confirm", "DELETE")
        await page.click("main button.btn-danger")
        await page.wait_for_url("**/migrations")
        await expect(page.get_by_text("There are none yet")).to_be_visible()
        assert await judged(page) == []


async def test_schedules_are_made_changed_and_deleted(house: House, tmp_path: Path) -> None:
    """What is hidden keeps no form back: times that were emptied, then hidden."""
    async with at_work(house, tmp_path, 2) as page:
        await page.check("#every")
        await page.click("button[data-verb='Start migrating']")
        await page.check("#on-schedule")
        await page.select_option("#how-often", "weekly")
        await page.fill("#at", "07:15")
        await page.fill("#day", "5")
        await page.check("#some-hours")
        await page.select_option("#zone", "Europe/Paris")
        await pressed(page, "Start migrating 2 users")
        told = page.locator("ul[aria-label=Schedules]")
        await expect(told).to_contain_text("weekly, Friday at 07:15 (Europe/Paris), within 20:00")
        assert await judged(page) == []
        await told.get_by_text("Change").click()
        await page.fill("#opens", "")
        await page.check("input[name=hours][value=any]")
        await page.fill("#at", "08:30")
        await pressed(page, "Change")
        await expect(told).to_contain_text("weekly, Friday at 08:30 (Europe/Paris); next")
        await page.click("text=All schedules")
        assert await judged(page) == []
        await page.get_by_role("button", name="Delete the schedule of").click()
        await expect(page.get_by_text("Nothing starts by itself")).to_be_visible()
        assert schedules.of_migration(house.ledger, 1) == []
        await page.goto(f"{house.url}/migrations/1/what?every=true&kind=scan")
        await page.check("#on-schedule")
        await page.fill("#at", "")
        await page.fill("#day", "40")
        await page.check("#some-hours")
        await page.fill("#closes", "")
        await page.check("input[name=when][value=now]")
        await page.check("input[name=hours][value=any]")
        await pressed(page, "Scan 2 users")
        await expect(page.locator("#work")).to_contain_text("has ended: 2 succeeded")
        await page.goto(f"{house.url}/wizard?source=here&destination=there")
        await page.check("#on-schedule")
        await page.fill("#at", "")
        await page.check("input[name=when][value=now]")
        await page.fill("#place-source", f"here:{tmp_path}/here/user0")
        await page.fill("#place-destination", f"there:{tmp_path}/there/alone")
        await page.click("#start-button")
        await page.wait_for_url("**/runs/*")


async def test_moved_cut_over_and_certified(house: House, tmp_path: Path) -> None:
    """A copy of those that are selected, its logs and reports; then what changed, told before and after; the proof."""
    async with at_work(house, tmp_path, 3) as page:
        await page.check("#every")
        await page.click("button[data-verb='Start migrating']")
        await pressed(page, "Start migrating 3 users")
        await expect(page.locator("#work")).to_contain_text("has ended: 3 succeeded")
        assert await judged(page) == []
        await page.goto(f"{house.url}/migrations/1")
        await page.check("#every")
        await page.click("text=More for the selected")
        assert {"user-1", "user-2", "user-3"} <= {name[:6] for name in await _downloaded(page, "text=Download logs")}
        await page.click("summary:has-text('Reports')")
        await _downloaded(page, "text=Migration report", packed=False)
        (tmp_path / "here" / "user1" / "<i>late.txt").write_text("late")
        await page.goto(f"{house.url}/migrations/1")
        await page.check("input[name=row][value='2']")
        await page.click("button[data-verb='Cut over']")
        await pressed(page, "Cut over 1 user")
        await expect(page.locator("#work")).to_contain_text("The last cutover has ended: 1 succeeded")
        await page.goto(f"{house.url}/migrations/1/cutover")
        assert await judged(page) == []
        await page.click("summary:has-text('Which')")
        await expect(page.get_by_text("<i>late.txt")).to_be_visible()
        await expect(page.locator("dl.what")).to_contain_text("nothing (1 looked at)")
        assert (tmp_path / "there" / "user1" / "<i>late.txt").read_text() == "late"
        await page.goto(f"{house.url}/migrations/1")
        await page.click("summary:has-text('Reports')")
        assert "statement.json" in await _downloaded(page, "text=Completeness certificate")
        assert [migrations.status_of(one)[0] for one in migrations.table(house.ledger, "m")[1]] == [100, 100, 100]


async def _downloaded(page: Page, what: str, *, packed: bool = True) -> list[str]:
    """The names in the archive that pressing it gives; none of what is no archive."""
    async with page.expect_download() as given:
        await page.click(what)
    file = await (await given.value).path()
    assert file.stat().st_size > 0
    if not packed:
        return []
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()
