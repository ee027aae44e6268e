"""Chromium in front of the web application: what it shows, what it complains about, and axe-core's judgement."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright

from tests.connectors.chromium import PROGRAMS
from tests.web.house import PASSWORD, House

AXE = Path(__file__).parents[2] / ".testbed" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@asynccontextmanager
async def browser_page(proxy: str | None = None, *, dark: bool = False, width: int = 1280) -> AsyncIterator[Page]:
    """A page; whatever a script or the policy complains about is in `page.complaints` afterwards."""
    import shutil

    program = next((found for one in PROGRAMS if (found := shutil.which(one))), None)
    if program is None:
        pytest.skip("no Chromium here (Debian, Ubuntu: apt install chromium)")
    chosen: Any = {"proxy": {"server": proxy, "bypass": "localhost,127.0.0.1"}} if proxy else {}
    async with async_playwright() as started:
        browser = await started.chromium.launch(executable_path=program, args=["--no-sandbox"], **chosen)
        try:
            context = await browser.new_context(
                ignore_https_errors=True,
                color_scheme="dark" if dark else "light",
                viewport={"width": width, "height": 900},
                reduced_motion="reduce",
            )
            page = await context.new_page()
            page.set_default_timeout(30_000)
            complaints: list[str] = []
            page.on("console", lambda told: complaints.append(_where(told)) if told.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
            page.complaints = complaints  # type: ignore[attr-defined] # handed on with the page
            yield page
        finally:
            await browser.close()


def _where(told: ConsoleMessage) -> str:
    return f"{told.location.get('url', '')} {told.text}"


def complaints_of(page: Page, house: House, *expected: str) -> list[str]:
    """What the browser complained about on our own pages, but for what is expected: words of it."""
    found: list[str] = page.complaints  # type: ignore[attr-defined] # handed on with the page
    ours = [one for one in found if one.startswith(house.url) or not one.startswith("http")]
    return [one for one in ours if not any(words in one for words in expected)]


async def sign_in(page: Page, house: House, name: str) -> None:
    """Sign in to Haulage."""
    await page.goto(f"{house.url}/sign-in")
    await page.fill("#name", name)
    await page.fill("#password", PASSWORD)
    await page.click("main button")
    await page.wait_for_url("**/wizard")


async def judged(page: Page) -> list[str]:
    """What axe-core finds wrong with the page, by WCAG 2.2 AA: rule, and the first places."""
    if not AXE.exists():
        pytest.skip("axe-core is not here: make setup brings it from npm")
    cdp = await page.context.new_cdp_session(page)  # the page's own policy lets no foreign script in
    await cdp.send("Page.setBypassCSP", {"enabled": True})
    await page.evaluate(AXE.read_text() + ";0")
    found = await page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}})")
    return [
        f"{page.url} {one['id']}: {[node['html'][:150] + ' ' + node['failureSummary'] for node in one['nodes'][:3]]}"
        for one in found["violations"]
    ]
