"""The scan reports of a migration in a browser: made, watched and downloaded."""

import zipfile
from pathlib import Path

import pytest

from haulage.model.mapping import Wish
from haulage.model.person import Role
from haulage.operations import migrations
from tests.web.browsing import browser_page, complaints_of, sign_in
from tests.web.house import TEST, House


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_downloaded_in_a_browser(house: House, tmp_path: Path) -> None:
    """From the page of a migration to the zip on disk; a page that is reloaded by itself when they are there."""
    house.person("ada", Role.OPERATOR)
    for name in ("here", "there"):
        house.folder(name, "ada", tmp_path / name)
    (tmp_path / "here" / "<b>.txt").write_text("x")
    migrations.create(house.ledger, "m", "here", "there", TEST)
    migrations.add(house.ledger, "m", [Wish(0, f"{tmp_path}/here"[1:], f"{tmp_path}/there"[1:])], TEST)
    async with browser_page() as page:
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/migrations/1/what?every=true&kind=scan")
        await page.click("main button.btn-primary")
        await page.wait_for_url("**/migrations/1")
        await page.get_by_text("Success").first.wait_for()
        await page.click("summary:has-text('Reports')")
        await page.click("text=Scan reports")
        await page.click("text=Make the reports")
        async with page.expect_download() as given:
            await page.click("text=ScanReport.zip")
        file = await (await given.value).path()
        with zipfile.ZipFile(file) as packed:
            assert b"<b>.txt" not in packed.read("NameIssuesReport.csv")
            assert b",1,0.0," in packed.read("ScanSummaryReport.csv")
        assert complaints_of(page, house) == []
