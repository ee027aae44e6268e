"""`make screenshots`: the pictures of the web application in docs/images/web, of a rehearsal on the sandbox.

Needs Chromium (Debian, Ubuntu: apt install chromium). What lies in .testbed/screenshots is replaced by the next time.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import FilePayload, Page, async_playwright

from testbed.process import ROOT, NotInstalled, Program
from testbed.sandbox import Sandbox, clean_env

FOLDER = ROOT / ".testbed" / "screenshots"
PICTURES = ROOT / "docs" / "images" / "web"
PROGRAM = [sys.executable, "-m", "haulage.cli.main"]
NAME, PASSWORD = "ada@aurora.example", "four words nobody guesses"
SIZE, PHONE = (1100, 760), (390, 760)
QUALITY = 60
WAVE = """Source Path,Destination Path,Tags
Travel,My Drive/Wave 1/Travel,"sales, wave 1"
Contract 2026,My Drive/Wave 1/Contract 2026,wave 1
Old project,My Drive/Wave 1/Old project,wave 1
"""
SECONDS = 60.0


@contextmanager
def up(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """`haulage up` with the sandbox as its realm: what it says of itself."""
    environment = clean_env({"HAULAGE_HOME": str(FOLDER / "state")})
    line = FOLDER / "sandbox.json"
    line.write_text(json.dumps(sandbox.ready_document))
    added = Program([*PROGRAM, "realms", "add", str(line)], FOLDER / "realms.log", env=environment)
    asyncio.run(_ended(added))
    log = FOLDER / "up.log"
    program = Program([*PROGRAM, "up", "--json", "--port", "0", "--no-browser"], log, env=environment)
    try:
        yield asyncio.run(_line(log))
    finally:
        program.stop()


async def _ended(program: Program) -> None:
    async with asyncio.timeout(SECONDS):
        while program.running:  # noqa: ASYNC110 - the program has no event for it
            await asyncio.sleep(0.1)


async def _line(log: Path) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        while not (log.exists() and log.read_bytes().endswith(b"\n")):  # noqa: ASYNC110, ASYNC240 - a log has no event
            await asyncio.sleep(0.1)
    found: dict[str, Any] = json.loads(log.read_text().splitlines()[0])  # noqa: ASYNC240 - one line
    return found


class Photographer:
    """A browser, and where it stands."""

    def __init__(self, page: Page, told: dict[str, Any], sandbox: Sandbox) -> None:
        self.page, self.url, self.claim, self.sandbox = page, told["url"], told["claim"], sandbox

    async def take(self, name: str) -> None:
        """A picture of what is in the window."""
        await self.page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=QUALITY)

    async def begin(self) -> None:
        """The first administrator's link."""
        await self.page.goto(self.claim)
        await self.page.fill("#name", NAME)
        await self.take("begin")
        for field in ("#password", "#again"):
            await self.page.fill(field, PASSWORD)
        await self.page.click("main button")
        await self.page.wait_for_url("**/wizard")

    async def authorise(self, service_id: str, side: str, name: str) -> None:
        """A connector by consent."""
        page, number = self.page, {"source": 1, "destination": 2}[side]
        await page.click(f".wizard section:nth-of-type({number}) .authorize-new")
        if side == "source":
            await self.take("services")
        await page.click(f"a[href*='/connectors/new/{service_id}?']")
        await page.fill("#display_name", name)
        if side == "source":
            await self.take("authorise")
        await page.click("main button.btn-primary")
        account = next(one for one in self.sandbox.service(service_id)["accounts"] if one["role"] == "user")
        await page.fill("#user", account["user"])
        await page.fill("#password", account["password"])
        await page.click("button:text-is('Sign in')")
        await page.wait_for_selector("body:not(:has(#user))", state="attached")
        if await page.locator("button[name=do]").count():
            await page.click("button:text-is('Allow')")
        await page.wait_for_url(f"{self.url}/wizard*")
        await page.wait_for_selector(f"#tree-{side} .discovered", timeout=SECONDS * 1000)

    async def copy(self) -> None:
        """A transfer that is running, and one that has ended."""
        page = self.page
        await page.wait_for_selector("#tree-source .discovered", timeout=SECONDS * 1000)
        await page.fill("#place-destination", "archive:/My Drive/From OneDrive")
        await page.click("#tree-source .open-folder >> nth=0")
        await page.wait_for_timeout(1500)
        await self.take("wizard")
        await page.emulate_media(color_scheme="dark")
        await page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        await self.take("wizard-dark")
        await page.emulate_media(color_scheme="light")
        await page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
        self.sandbox.settings(service="google", latency_seconds=0.5)
        await page.click("#start-button")
        await page.wait_for_url("**/runs/*")
        await page.wait_for_timeout(12_000)
        await self.take("run")
        self.sandbox.settings(service="google", latency_seconds=0)
        await page.wait_for_selector("#progress:not([data-events])", timeout=3 * SECONDS * 1000)
        await self.take("run-ended")

    async def migrate(self) -> None:
        """A migration of three folders, one of which is not there: scanned, started, looked at."""
        page = self.page
        await page.goto(f"{self.url}/migrations")
        await page.fill("#new-name", "Wave 1")
        await page.select_option("#new-source", "work")
        await page.select_option("#new-destination", "archive")
        await page.click("button:text-is('Begin')")
        await page.click("a:text-is('Add users')")
        await self.take("add-users")
        await page.set_input_files("#file", FilePayload(name="wave-1.csv", mimeType="text/csv", buffer=WAVE.encode()))
        await page.click("button:text-is('Upload')")
        for kind in ("scan", "copy"):
            await page.check("#every")
            await page.click(f"button[name=kind][value={kind}]")
            if kind == "copy":
                await self.take("start")
            await page.click("main form .btn-primary")
            await page.wait_for_url("**/migrations/1")
            async with asyncio.timeout(3 * SECONDS):
                while await page.locator("#work[data-events]").count():
                    await asyncio.sleep(1)
                    await page.reload()
        await self.take("migration")
        await page.click("#user-1 [hx-target='#panel']")
        await page.wait_for_selector("#panel-title")
        await self.take("panel")
        for path, name in (("", "migrations"), ("/1/issues", "issues"), ("/1/scan-reports", "scan-reports")):
            await page.goto(f"{self.url}/migrations{path}")
            await self.take(name)

    async def others(self) -> None:
        """The other pages, and a phone's."""
        page = self.page
        await page.goto(f"{self.url}/wizard?source=work&destination=archive")
        await page.wait_for_selector("#tree-destination .discovered", timeout=SECONDS * 1000)
        await page.fill("#place-source", "work:/")
        await page.fill("#place-destination", "archive:/My Drive/Every night")
        await page.check("#on-schedule")
        await page.click("#start-button")
        await page.wait_for_url("**/schedules")
        await self.take("schedules")
        for path in ("runs", "connectors", "people", "account"):
            await page.goto(f"{self.url}/{path}")
            await self.take(path)
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await page.goto(f"{self.url}/runs/1")
        await self.take("phone")
        await page.goto(f"{self.url}/migrations/1")
        await self.take("phone-migration")
        await page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
        await page.click("text=Sign out")
        await self.take("sign-in")


async def photograph(sandbox: Sandbox, told: dict[str, Any]) -> None:
    """All pictures. Raises NotInstalled where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise NotInstalled("Chromium is not installed (Debian, Ubuntu: apt install chromium)")
    async with async_playwright() as started:
        browser = await started.chromium.launch(
            executable_path=program,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            proxy={"server": sandbox.proxy, "bypass": "localhost,127.0.0.1"},
        )
        context = await browser.new_context(
            ignore_https_errors=True, viewport={"width": SIZE[0], "height": SIZE[1]}, reduced_motion="reduce"
        )
        taker = Photographer(await context.new_page(), told, sandbox)
        await taker.begin()
        await taker.authorise("onedrive-business", "source", "work")
        await taker.authorise("google-drive", "destination", "archive")
        await taker.copy()
        await taker.migrate()
        await taker.others()
        await browser.close()


def main() -> int:
    """The exit code."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    try:
        with Sandbox(FOLDER) as sandbox, up(sandbox) as told:
            asyncio.run(photograph(sandbox, told))
    except NotInstalled as missing:
        print(f"screenshots: {missing}", file=sys.stderr)
        return 1
    print(f"screenshots: {len(list(PICTURES.glob('*.jpg')))} pictures in {PICTURES.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
