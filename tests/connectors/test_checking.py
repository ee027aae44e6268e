"""`haulage connectors check`: who the account is, and what can be promised of reading it; nothing is written."""

import pytest

from haulage.model.errors import NeedsReauthorisation, Refused, RootGone
from haulage.operations import checking
from testbed.sandbox import Sandbox
from tests.connectors.people import VENDORS, Office
from tests.connectors.terminal import Terminal

WRITES = ("PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("service_id", ["dropbox", "onedrive", "onedrive-business", "office365"])
async def test_promises_on_an_account(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """The read-only part of the contract, on the account that was connected."""
    role = "admin" if service_id == "office365" else "user"
    kept = await office.connect(service_id, office.people(service_id, role)[0], name="mine")
    before = sandbox.calls
    report = await checking.check(office.ledger, "mine")
    assert kept.identity.name in report.account.told
    assert (report.place or "").startswith("mine:/")
    assert [one.state for one in report.tried] == ["kept"] * 7, report.tried
    assert report.sound
    calls = sandbox.history(after=before, service=VENDORS[service_id])
    assert calls
    assert not [one for one in calls if one["method"] in WRITES]
    assert sandbox.history("changes", after=before) == []


async def test_a_promise_that_is_broken_is_told(office: Office, sandbox: Sandbox) -> None:
    """The program ends with 3: content that is not what was listed, in the service's own words and ours."""
    await office.connect("dropbox", office.people("dropbox", "user")[0], name="mine")
    sandbox.fault(fault="F11", service="dropbox", path="*download*")
    ran = Terminal(office)("connectors", "check", "mine")
    assert ran.code == 3, ran.out + ran.err
    assert "  broken     A file comes whole" in ran.out


async def test_where_to_try(office: Office) -> None:
    """A place that is named; a place that is not there; a connector that is not there; one that is lost."""
    account = office.people("onedrive-business", "user")[0]
    await office.connect("onedrive-business", account, name="mine")
    assert (await checking.check(office.ledger, "mine:/")).place == "mine:/"
    with pytest.raises(RootGone):
        await checking.check(office.ledger, "mine:/no such folder")
    for wrong in ("other", "other:/x", ""):
        with pytest.raises(Refused):
            await checking.check(office.ledger, wrong)
    office.sandbox.do("microsoft", "revoke_grant", user=account["user"])
    office.sandbox.do("microsoft", "expire_tokens", user=account["user"])
    with pytest.raises(NeedsReauthorisation):
        await checking.check(office.ledger, "mine")
