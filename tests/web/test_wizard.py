"""The Transfer Wizard in a real browser: the sandbox's own consent pages, a copy watched to its end."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from haulage.ledger import connectors as connector_rows
from haulage.ledger.store import now_us
from haulage.model.person import Role
from haulage.operations import connectors, idling
from testbed.servers import SeaweedFS, s3_client
from tests.connectors.people import Office
from tests.web.browsing import browser_page, complaints_of
from tests.web.house import served
from tests.web.wizard import Person

PLACE = "work:/Travel"


@pytest.fixture
async def person(office: Office, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """An administrator's browser, in an installation whose services are the sandbox's."""
    monkeypatch.setenv("HAULAGE_HOME", str(office.home))
    async with served(office.ledger) as house, browser_page(office.sandbox.proxy) as page:
        house.person("ada", Role.ADMIN)
        yield Person(page, house, office)
        assert complaints_of(page, house, "400 (Bad Request)", "422 (") == []  # of a sign-in that was refused


async def test_from_consent_to_a_copy_that_is_there(person: Person) -> None:
    """Microsoft to Google Drive: authorised in the same window, copied, watched; another account refused; deleted."""
    page, office = person.page, person.office
    first, second = office.people("onedrive-business", "user")[:2]
    await person.arrive("ada")
    await person.authorise("onedrive-business", "source", "work", first)
    await expect(page.locator("#start-button")).to_be_disabled()
    await person.authorise("google-drive", "destination", "home", office.people("google-drive", "user")[0])
    await person.loaded("source")
    await person.choose("source", PLACE)
    await person.choose("destination", "home:/My Drive")
    run = await person.start()
    told = await person.ended()
    assert "Success (100)" in told
    row = person.house.run(run)
    assert row.counts["successful"] == row.counts["listed"] > 0

    await page.goto(f"{person.house.url}/wizard")
    await person.menu("source", "work", "Reauthorize")
    await page.context.clear_cookies(domain="login.microsoftonline.com")
    await person.consents(second)
    assert "another account" in await page.inner_text("main")
    assert connectors.one(office.ledger, "work")["account"] == first["user"]

    before = len(office.sandbox.history())
    await page.goto(f"{person.house.url}/wizard")
    await person.menu("source", "home", "Delete")
    await page.click("main button.btn-danger")
    await expect(page.locator("h1")).to_have_text("Deleted")
    revoked = [one["operation"] for one in office.sandbox.history()[before:] if "revoke" in one["operation"]]
    assert len(revoked) == 1
    await page.goto(f"{person.house.url}/wizard")
    titles = await page.locator(".service-card > summary").all_inner_texts()
    assert not [one for one in titles if "Google" in one]
    assert [one for one in titles if "OneDrive" in one]


async def at_wizard(person: Person) -> None:
    """Open the wizard anew."""
    await person.page.goto(f"{person.house.url}/wizard")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_run_is_paused_resumed_and_cancelled(person: Person) -> None:
    """While it goes on, by the buttons of its page; the second run copies what the first one had not."""
    page, office, sandbox = person.page, person.office, person.office.sandbox
    account = office.people("onedrive-business", "user")[0]
    await person.arrive("ada")
    await person.authorise("onedrive-business", "source", "work", account)
    await person.authorise("google-drive", "destination", "home", office.people("google-drive", "user")[0])
    await person.loaded("source")
    await person.choose("source", "work:/")
    sandbox.settings(service="google", latency_seconds=1.5)
    try:
        await page.fill("#place-destination", "home:/My Drive/First")
        first = await person.start()
        await page.wait_for_selector(".numbers div:nth-child(2) dd:not(:text-is('0'))", timeout=60_000)
        assert "left" in await page.inner_text("[data-say]") or "told yet" in await page.inner_text("[data-say]")
        await page.click("button:text-is('Pause')")
        assert "Paused (310) paused by ada" in await person.ended()
        done = person.house.run(first).counts["successful"]
        await page.click("button:text-is('Resume')")
        await page.wait_for_url(f"**/runs/{first + 1}")
        sandbox.settings(service="google", latency_seconds=0)
        assert "(10" in await person.ended()
        counts = person.house.run(first + 1).counts
        assert done > 0 and counts["unchanged"] >= done and counts["successful"] > 0

        await at_wizard(person)
        await person.connect("source", "work")
        await person.connect("destination", "home")
        await person.loaded("source")
        await person.loaded("destination")
        sandbox.settings(service="google", latency_seconds=1.5)
        await page.fill("#place-destination", "home:/My Drive/Second")
        await person.start()
        await page.click("button:text-is('Cancel')")
        assert "Canceled (230)" in await person.ended()
    finally:
        sandbox.settings(service="google", latency_seconds=0)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_idle_connector_asks_to_be_authorised_again(person: Person) -> None:
    """Warned of on its card, then deauthorised when it is loaded: an error, a prompt, and back with everything."""
    office = person.office
    account = office.people("onedrive-business", "user")[0]
    await person.arrive("ada")
    await person.authorise("onedrive-business", "source", "work", account)
    row = office.ledger.read(connector_rows.get, "work")

    def aged(days: float) -> None:
        then = now_us() - int(days * idling.DAY_US)
        office.ledger.do(connector_rows.update, row.id, authorised_us=then, created_us=then)

    aged(80)
    await at_wizard(person)
    assert "deauthorised in 10 days unless it moves data" in await person.side("source").inner_text()
    aged(91)
    await person.connect("source", "work")
    told = person.side("source").locator("[role=alert]")
    await expect(told).to_contain_text("it has moved no data for 90 days")
    await expect(told).not_to_contain_text("haulage ")
    await told.get_by_text("Reauthorize", exact=True).click()
    await person.consents(account)
    await person.loaded("source")
    assert connectors.one(office.ledger, "work")["state"] == "authorised"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_keys_are_typed_into_a_form(person: Person, seaweed: SeaweedFS) -> None:
    """S3 by its form: wrong keys are refused with what to do and without the secret; right ones load the buckets."""
    page = person.page
    s3_client(seaweed).create_bucket(Bucket="wizard-bucket")
    await person.arrive("ada")
    await person.new_form("s3", "source", "buckets")
    fields = {"endpoint_url": seaweed.endpoint_url, "region": seaweed.region, "access_key_id": seaweed.access_key_id}
    for secret in ("wrong" * 4, seaweed.secret_access_key):
        for name, value in {**fields, "secret_access_key": secret}.items():
            await page.fill(f"[name={name}]", value)
        await page.click("main button.btn-primary")
        if secret.startswith("wrong"):
            await expect(page.locator("main [role=alert]")).to_be_visible(timeout=60_000)
            assert await page.input_value("[name=secret_access_key]") == ""
    await person.loaded("source")
    await person.choose("source", "buckets:/wizard-bucket")
    assert "wizard-bucket" in await page.inner_text("#start-source")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_administrators_connector_tells_its_users(person: Person) -> None:
    """Office 365 by its secret and Google Workspace by its key: "Discovered N users", and on to the migration."""
    page, office = person.page, person.office
    await person.arrive("ada")
    told = office.sandbox.service("office365")
    for side, name in (("source", "org"), ("destination", "org2")):
        await person.new_form("office365", side, name)
        await page.select_option("#way", "secret")
        for field, value in {"tenant": told["details"]["tenant"], "client_secret": told["client_secret"]}.items():
            await page.fill(f"[name={field}]", value)
        await page.click("main button.btn-primary")
        await person.loaded(side)
    await person.loaded("source")
    assert "Discovered 12 users" in await person.side("source").inner_text()
    await page.click("#continue")
    await page.wait_for_url("**/migrations/1")
    assert await page.inner_text("h1") == "org to org2"
    assert "No users yet" in await page.inner_text("main")
