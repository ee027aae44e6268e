"""Nobody is left guessing: a session that ended, a connector that went, a form sent twice, a browser without script."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from haulage.ledger import runs as run_rows
from haulage.model.person import Role
from tests.web.browsing import browser_page, sign_in
from tests.web.house import House, Visitor, words


@pytest.fixture
def ends(house: House, tmp_path: Path) -> tuple[str, str]:
    """An operator's two folders, with a file in one."""
    house.person("ada", Role.OPERATOR)
    places = house.folder("here", "ada", tmp_path / "a"), house.folder("there", "ada", tmp_path / "b")
    (tmp_path / "a" / "file").write_text("content")
    return places


async def test_what_was_typed_is_kept_and_what_went_is_told(house: House, ends: tuple[str, str]) -> None:
    """A wizard that could not start shows all of it again; a connector that was deleted meanwhile is named."""
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    form = {
        "exclude": "*.tmp",
        "when": "schedule",
        "every": "weekly",
        "at": "03:15",
        "day": "9",
        "zone": "Europe/Berlin",
    }
    refused = await visitor.post("/wizard/start", source=ends[0], destination=ends[1], **form)
    assert refused.status_code == 422
    for kept in ("*.tmp</textarea>", 'value="weekly" selected', 'value="03:15"', "selected>Europe/Berlin"):
        assert kept in refused.text, kept
    assert 'id="on-schedule" checked' in refused.text and f'value="{ends[0]}"' in refused.text
    assert (await visitor.post("/connectors/there/delete")).status_code == 200
    assert "there is no connector 'there' here" in words(await visitor.get("/wizard?source=here&destination=there"))
    await visitor.close()


async def test_a_session_that_ended_is_told(house: House, ends: tuple[str, str]) -> None:
    """Nothing was done of the form, and the page for signing in says so; who only opened a page is told nothing."""
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    visitor.http.cookies.clear()
    sent = await visitor.post("/wizard/start", source=ends[0], destination=ends[1])
    assert sent.headers["location"] == "/sign-in?next=%2F&unsent=true"
    assert "nothing was done of what you sent" in words(await visitor.get(sent.headers["location"]))
    assert (await visitor.get("/runs")).headers["location"] == "/sign-in?next=%2Fruns"
    assert house.ledger.read(run_rows.newest, 5) == []
    await visitor.close()


async def _wizard(page: Page, house: House, ends: tuple[str, str]) -> None:
    await page.goto(f"{house.url}/wizard?source=here&destination=there")
    for side, place in zip(("source", "destination"), ends, strict=True):
        await page.fill(f"#place-{side}", place)


async def test_a_form_is_sent_once(house: House, ends: tuple[str, str]) -> None:
    """Start is pressed twice at once; going back, it can be pressed again."""
    async with browser_page() as page:
        await sign_in(page, house, "ada")
        await _wizard(page, house, ends)
        sent: list[str] = []
        page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
        await page.dblclick("#start-button")
        await page.wait_for_url("**/runs/1")
        assert len(sent) == 1
        await expect(page.locator("#progress[data-events]")).to_have_count(0)  # it has ended, and loaded itself anew
        await page.go_back()
        for side, place in zip(("source", "destination"), ends, strict=True):
            await page.fill(f"#place-{side}", place)
        await expect(page.locator("#start-button")).to_be_enabled()
        await page.click("#start-button")
        await page.wait_for_url("**/runs/*")
        assert len(sent) == 2


@pytest.mark.slow
async def test_without_script(house: House, ends: tuple[str, str]) -> None:
    """The wizard says that places are typed, and starts; the run's page says that it stands still."""
    async with browser_page() as page:
        assert page.context.browser is not None
        context = await page.context.browser.new_context(java_script_enabled=False)
        plain = await context.new_page()
        await sign_in(plain, house, "ada")
        await _wizard(plain, house, ends)
        await expect(plain.get_by_text("type the place").first).to_be_visible()
        await plain.click("#start-button")
        await plain.wait_for_url("**/runs/1")
        await expect(plain.locator("h1")).to_have_text("Run 1")
        await context.close()
