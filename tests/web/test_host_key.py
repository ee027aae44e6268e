"""A server's host key, confirmed in the form where its connector is made: shown once, and nothing typed twice."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from haulage.ledger import connectors as rows
from haulage.model.person import Role
from testbed.ssh import AsyncSSH, OpenSSH
from tests.web.browsing import browser_page, complaints_of, judged, sign_in
from tests.web.house import House, Visitor, words

FORM = "/connectors/new/sftp"


async def test_a_key_that_was_never_seen_is_put_into_the_form(house: House, asyncssh_server: AsyncSSH) -> None:
    """To be compared, in words of a page. One that is not the pinned one is not: that has to be found out about."""
    house.person("ada", Role.OPERATOR)
    ada = Visitor(house)
    await ada.sign_in("ada")
    await ada.get(FORM)
    typed: dict[str, Any] = asyncssh_server.settings | {"host_key": "", "usage": "write"}
    page = await ada.post(FORM, **typed)
    assert page.status_code == 422
    assert f">{asyncssh_server.host_key}</textarea>" in page.text
    told = words(page)
    assert "is not known yet" in told and "authorise again" in told and "host_key=" not in told
    assert asyncssh_server.password not in page.text
    other = asyncssh_server.key("other").with_suffix(".pub").read_text().split()[:2]
    page = await ada.post(FORM, **typed | {"host_key": " ".join(other)})
    assert "has changed" in words(page) and asyncssh_server.host_key not in page.text
    assert (await ada.post(FORM, **typed | asyncssh_server.settings)).status_code == 303
    await ada.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_was_typed_stays(house: House, openssh: OpenSSH, tmp_path: Path) -> None:
    """The private key is pasted once, although no page ever holds it."""
    house.person("ada", Role.OPERATOR)
    known = openssh.settings
    async with browser_page() as page:
        await sign_in(page, house, "ada")
        await page.goto(house.url + FORM)
        for name in ("server", "port", "user", "private_key"):
            await page.fill(f"#field-{name}", known[name])
        await page.click("main button:has-text('Authorize')")
        await expect(page.locator("#told")).to_contain_text("is not known yet")
        await expect(page.locator("#field-host_key")).to_have_value(known["host_key"])
        assert (await page.input_value("#field-private_key")).strip() == known["private_key"].strip()
        assert await judged(page) == []
        await page.click("main button:has-text('Authorize')")
        await page.wait_for_url("**/wizard?*")
        assert complaints_of(page, house, "422 (") == []
    assert [row.service for row in house.ledger.read(rows.every)] == ["sftp"]
