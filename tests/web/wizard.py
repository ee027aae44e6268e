"""Somebody in front of the Transfer Wizard: what they press, and the sandbox's consent pages on the way."""

from typing import Any

from playwright.async_api import Page, expect

from tests.connectors.chromium import sign_in as consent
from tests.connectors.people import REALM, Office
from tests.web.browsing import sign_in
from tests.web.house import House

SIDES = {"source": 1, "destination": 2}
ENDED = "#progress:not([data-events])"


class Person:
    """A browser, a server, and a sandbox behind it."""

    def __init__(self, page: Page, house: House, office: Office) -> None:
        self.page = page
        self.house = house
        self.office = office

    async def arrive(self, name: str) -> None:
        """Sign in to Haulage; nothing can be started yet."""
        await sign_in(self.page, self.house, name)
        await expect(self.page.locator("#start-button")).to_be_disabled()

    def side(self, side: str) -> Any:
        """One of the wizard's columns."""
        return self.page.locator(f".wizard section:nth-of-type({SIDES[side]})")

    async def new_form(self, service_id: str, side: str, name: str) -> None:
        """From the wizard through the list of services to a service's form."""
        await self.side(side).locator(".authorize-new").click()
        await self.page.click(f"a[href*='/connectors/new/{service_id}?']")
        await self.page.fill("#display_name", name)

    async def consents(self, account: dict[str, Any]) -> None:
        """From the form to the service's own page, in the same window; there, sign in and allow."""
        await self.page.click("main button.btn-primary")
        await self.page.wait_for_url(lambda url: not url.startswith(self.house.url))
        await consent(self.page, account)
        await self.page.wait_for_url(lambda url: url.startswith(self.house.url))

    async def authorise(self, service_id: str, side: str, name: str, account: dict[str, Any]) -> None:
        """A new connector by consent, which is loaded afterwards."""
        await self.new_form(service_id, side, name)
        assert await self.page.input_value("#realm") == REALM
        await self.consents(account)
        await self.loaded(side)

    async def loaded(self, side: str) -> None:
        """The connector answered, and its top is shown."""
        await expect(self.side(side).locator(".discovered")).to_be_visible(timeout=60_000)

    async def _opened(self, side: str, label: str) -> Any:
        """A control of a service's card, which is opened first."""
        card = self.side(side).locator("details.service-card", has=self.page.get_by_label(label, exact=True))
        if await card.get_attribute("open") is None:
            await card.locator("summary").first.click()
        return card.get_by_label(label, exact=True)

    async def connect(self, side: str, name: str) -> None:
        """Connect a connector that there is."""
        await (await self._opened(side, f"Connect {name} as {side}")).click()

    async def menu(self, side: str, name: str, words: str) -> None:
        """An entry of a connector's menu."""
        await (await self._opened(side, f"More for {name}")).click()
        await self.side(side).locator("details.menu[open]").get_by_text(words, exact=True).click()

    async def choose(self, side: str, place: str) -> None:
        """A place in the tree."""
        await self.side(side).locator(f"input[value='{place}']").check()

    async def start(self) -> int:
        """Start the copy; its run's number."""
        await expect(self.page.locator("#start-button")).to_be_enabled()
        await self.page.click("#start-button")
        await self.page.wait_for_url("**/runs/*")
        return int(self.page.url.rsplit("/", 1)[1])

    async def ended(self) -> str:
        """Wait on a run's page until it says by itself that the run has ended; what it says."""
        await self.page.wait_for_selector(ENDED, timeout=120_000)
        return await self.page.inner_text("#progress")
