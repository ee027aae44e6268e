"""Every page in a real browser: axe-core finds nothing by WCAG 2.2 AA, hostile names are text (S36), keys suffice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from haulage.ledger import migration_rows
from haulage.ledger.audit import Actor
from haulage.model.filters import Filters
from haulage.model.mapping import Wish
from haulage.model.person import Role
from haulage.model.schedule import Every, Timing
from haulage.operations import migrations, people, schedules
from tests.web.browsing import browser_page, complaints_of, judged, sign_in
from tests.web.house import TEST, House

BEGINS: tuple[str, ...] = ("<script>alert(1)", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "&lt;b&gt;")
BEGINS += ("{{7*7}}", "${alert(1)}", "javascript:alert(1)", "%3Cscript%3E", "</td></table><script>")
BEGINS += ("' autofocus onfocus=alert(1) '",)
ENDS = ("", ".txt", "\u202egnp.exe", "\u200b", "\r\n", "\x1b[31m", "<", "'", '"', "`", "]]>", "-->", "</", "\u2066x")
ENDS += ("=1+1", "\x85", "ﷺ", "a" * 100, " ", "\t")
NAMES = [f"{begin}{end}" for begin in BEGINS for end in ENDS]
PATHS = ("/wizard", "/runs", "/runs/1", "/schedules", "/connectors", "/connectors/from", "/connectors/from/delete")
PATHS += ("/connectors/new", "/connectors/new/s3", "/connectors/new/box", "/connectors/from/reauthorize", "/account")
PATHS += (
    "/people",
    "/nothing",
    "/migrations",
    "/migrations/1",
    "/migrations/1/add",
    "/migrations/1/issues",
    "/migrations/1/issues/status-411",
    "/migrations/1/scan-reports",
    "/migrations/1/what?every=true",
    "/connectors/new?side=destination",
)
NO_PAGE = "404 (Not Found)"


@pytest.fixture
async def copied(house: House, tmp_path: Path) -> AsyncIterator[tuple[House, Page]]:
    """200 hostile names, copied in the browser by an administrator who is signed in."""
    ada = house.person("ada", Role.ADMIN)
    source, target = house.folder("from", "ada", tmp_path / "a"), house.folder("to", "ada", tmp_path / "b")
    for name in NAMES:
        (tmp_path / "a" / name.replace("/", "∕")).write_text(name)
    (tmp_path / "a" / "<b>folder").mkdir()
    schedules.add(house.ledger, ada, source, target, Filters(), Timing(Every.WEEK, zone="Europe/Berlin"), TEST)
    migrations.create(house.ledger, NAMES[0], "from", "to", Actor("ada", "test"))
    migrations.add(house.ledger, NAMES[0], [Wish(0, name, name, (name,)) for name in NAMES], TEST)
    house.ledger.do(migration_rows.change, 1, refused_status=411, refused=NAMES[1])
    async with browser_page() as page:
        await sign_in(page, house, "ada")
        await page.goto(f"{house.url}/wizard?source=from&destination=to")
        await page.fill("#place-source", source)
        await page.fill("#place-destination", target)
        await page.click("#start-button")
        await page.wait_for_url("**/runs/1")
        await page.wait_for_selector("#progress:not([data-events])")
        yield house, page


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_hostile_names_are_text(copied: tuple[House, Page], tmp_path: Path) -> None:
    """No dialog, no complaint of the policy, all of them shown: in the log, its search, the tree, the wizard."""
    assert len(set(NAMES)) == 200
    house, page = copied
    assert "201 entries" in await page.inner_text("#log")
    for start in (0, 100, 200):
        await page.goto(f"{house.url}/runs/1?start={start}")
    await page.fill("#text", "<script>")
    await expect(page.locator("#log [role=status]")).to_have_text("40 entries")
    shown = await page.goto(f"{house.url}/browse?side=source&at=from:{tmp_path / 'a'}")
    assert shown is not None and "&lt;script&gt;alert(1)" in await shown.text()
    assert await page.evaluate("window.seven") is None
    assert await page.locator("script, img, svg").count() == 0
    await page.goto(f"{house.url}/wizard?source=from")
    assert complaints_of(page, house, "favicon.ico") == []  # a piece of a page, opened alone, names no icon


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_pages_are_accessible(copied: tuple[House, Page]) -> None:
    """Each page, light and dark, on a desk and on a phone; also before signing in. Nothing is wider than a phone."""
    house, page = copied
    _, key = people.invite(house.ledger, "new", Role.VIEWER, TEST)
    found = []
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        await page.evaluate("localStorage.clear()")
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of its two words
        await page.set_viewport_size({"width": width, "height": 800})
        for path in PATHS:
            await page.goto(f"{house.url}{path}")
            found += [f"{scheme} {width} {one}" for one in await judged(page)]
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, wide)
    await page.context.clear_cookies()
    for path in ("/sign-in", f"/claim/{key}", "/claim/used"):
        await page.goto(f"{house.url}{path}")
        found += await judged(page)
    assert found == []
    assert complaints_of(page, house, NO_PAGE, "410 (Gone)") == []


@pytest.mark.slow
async def test_the_whole_wizard_by_keyboard(house: House, tmp_path: Path) -> None:
    """From signing in to a copy that has ended, with nothing but keys; the focus is always seen."""
    house.person("ada", Role.OPERATOR)
    house.folder("from", "ada", tmp_path / "a")
    house.folder("to", "ada", tmp_path / "b")
    (tmp_path / "a" / "file").write_text("content")
    async with browser_page() as page:
        await sign_in(page, house, "ada")
        keys = page.keyboard

        async def to(selector: str) -> None:
            """Press Tab until the focus is there."""
            for _ in range(150):
                if await page.evaluate(f"document.activeElement.matches({selector!r})"):
                    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                    assert outline != "none", selector
                    return
                await keys.press("Tab")
            raise AssertionError(f"the focus never came to {selector}")

        for name, side in (("from", "source"), ("to", "destination")):
            await page.focus("body")
            await to(f"[aria-label='Connect {name} as {side}']")
            await keys.press("Enter")
            await page.wait_for_selector(f"#place-{side}")
        for side, place in (("source", f"from:{tmp_path / 'a'}"), ("destination", f"to:{tmp_path / 'b'}")):
            await to(f"#place-{side}")
            await keys.press("Control+A")
            await keys.type(place)
        await to("#start-button")
        await keys.press("Enter")
        await page.wait_for_url("**/runs/1")
        await page.wait_for_selector("#progress:not([data-events])")
        assert "Success (100)" in await page.inner_text("#progress")
        assert complaints_of(page, house) == []
