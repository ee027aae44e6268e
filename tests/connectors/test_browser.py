"""A real browser at the consent pages: redirected to the program, to an address to paste, or at another device."""

import asyncio
import os
import pty
import re
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from haulage.operations import authorise, connectors
from haulage.services.registry import service
from testbed.sandbox import Sandbox
from tests.connectors.chromium import chromium, sign_in
from tests.connectors.people import ADA, REALM, Office
from tests.connectors.terminal import Terminal
from tests.connectors.test_signing_in import BY_BROWSER, ROLES
from tests.e2e.program import PROGRAM

SAMPLE = ["box", "egnyte", "onedrive-business"]


@pytest.mark.parametrize("chosen", [SAMPLE, pytest.param(BY_BROWSER, marks=pytest.mark.slow)], ids=["some", "all"])
async def test_the_consent_page_of_every_service(office: Office, sandbox: Sandbox, chosen: list[str]) -> None:
    """What a person sees, presses and pastes: each of them ends with a connector of whoever signed in."""
    async with chromium(sandbox) as first:
        for service_id in chosen:
            page = await first.context.new_page()  # the one before may still be on its way to where nobody answers
            account = office.people(service_id, *ROLES.get(service_id, ("user",)))[0]
            made = office.draft(service_id, way="code", name=service_id)
            redirect = authorise.redirect_to_here(service(service_id), authorise.loopback_port())
            begun = authorise.begin(office.ledger, made, redirect, ADA, "session")
            await page.context.clear_cookies()
            await page.goto(begun.url)
            async with page.expect_request(lambda one, to=redirect: one.url.startswith(to)) as sent:
                await sign_in(page, account)
            kept = await authorise.finish(office.ledger, service_id, (await sent.value).url, ADA, "session")
            assert (kept.row.name, kept.row.state) == (service_id, "authorised")
    assert len(connectors.every(office.ledger)) == len(chosen)
    assert len(BY_BROWSER) == 9


async def shown_by(output: int, pattern: str) -> str:
    """What the program has shown on its terminal, up to the pattern."""
    shown = ""
    async with asyncio.timeout(60):
        while not re.search(pattern, shown):
            shown += (await asyncio.to_thread(os.read, output, 4096)).decode()
    return shown


async def on_a_terminal(haulage: Terminal, *words: str) -> tuple[asyncio.subprocess.Process, int]:
    """The program on a terminal of its own."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, *words, env=haulage.environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    return process, master


def taken(file: Path) -> str:
    """What is in the file, as soon as it is there; then the file is gone."""
    end = time.monotonic() + 60
    while not (file.exists() and (text := file.read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)
    file.unlink()
    return text


async def test_the_browser_of_the_system(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """S05: on a terminal it is opened by itself; the page it ends at says how it went, and the port is closed."""
    haulage, opened = Terminal(office), tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(0o755)
    haulage.environment["BROWSER"] = str(browser)
    words = ("connectors", "add", "google-drive", "mine", "--realm", REALM)
    async with chromium(sandbox) as page:
        for button, heading, code in (("Cancel", "Not connected", 4), ("Allow", "Connected", 0)):
            process, screen = await on_a_terminal(haulage, *words)
            shown = await shown_by(screen, r"https://accounts\.google\.com\S+\s")
            url = await asyncio.to_thread(taken, opened)
            assert url in shown
            await page.context.clear_cookies()
            await page.goto(url)
            await sign_in(page, office.people("google-drive", "user")[0], button)
            await page.wait_for_selector(f"h1:text-is('{heading}')")
            assert page.url.startswith("http://127.0.0.1:")
            assert await asyncio.wait_for(process.wait(), 60) == code
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", urlsplit(page.url).port)
            os.close(screen)
    assert [one["name"] for one in connectors.every(office.ledger)] == ["mine"]


async def test_on_another_device(office: Office, sandbox: Sandbox) -> None:
    """--device: the code is typed at Microsoft, by an application that is a public client and has no secret."""
    haulage = Terminal(office)
    public = sandbox.service("onedrive-business")["details"]["public_client_id"]
    words = ("--device", "--set", f"client_id={public}")
    process, screen = await on_a_terminal(
        haulage, "connectors", "add", "onedrive-business", "mine", "--realm", REALM, *words
    )
    shown = await shown_by(screen, r"type the code \S+\s")
    code = re.findall(r"type the code (\S+)", shown)[0]
    where = re.findall(r"Open (\S+) on any device", shown)[0]
    async with chromium(sandbox) as page:
        await page.goto(where)
        await page.fill("#code", code)
        await page.click("button:has-text('Next')")
        await sign_in(page, office.people("onedrive-business", "user")[0])
        await page.wait_for_selector("h1:has-text('You have signed in')")
    assert await asyncio.wait_for(process.wait(), 60) == 0
    os.close(screen)
    shown_now = connectors.one(office.ledger, "mine")
    assert (shown_now["way"], shown_now["settings"]["client_id"]) == ("device", public)
