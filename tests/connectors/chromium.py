"""A person with Chromium in front of the sandbox's consent pages. https://playwright.dev/python/docs/api/class-browsertype"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from testbed.sandbox import Sandbox

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@asynccontextmanager
async def chromium(sandbox: Sandbox) -> AsyncIterator[Page]:
    """A page of a browser that finds every vendor's host name at the sandbox. Skips where there is no Chromium."""
    program = next((found for one in PROGRAMS if (found := shutil.which(one))), None)
    if program is None:
        pytest.skip("no Chromium here (Debian, Ubuntu: apt install chromium)")
    async with async_playwright() as started:
        browser = await started.chromium.launch(
            executable_path=program,
            args=["--no-sandbox"],
            proxy={"server": sandbox.proxy, "bypass": "localhost,127.0.0.1"},
        )
        try:
            context = await browser.new_context(ignore_https_errors=True)  # its authority is not installed here
            context.set_default_timeout(60_000)
            yield await context.new_page()
        finally:
            await browser.close()


async def sign_in(page: Page, account: dict[str, Any], button: str = "Allow") -> None:
    """Type user and password, sign in, and press that button of the consent page, unless consent was given before."""
    await page.fill("#user", account["user"])
    await page.fill("#password", account["password"])
    await page.click("button:text-is('Sign in')")
    await page.wait_for_selector("body:not(:has(#user))", state="attached")
    if await page.locator("button[name=do]").count():
        await page.click(f"button:text-is('{button}')")
