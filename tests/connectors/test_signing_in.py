"""Every service that one signs in to: authorised, asked who it is, authorised again, and left."""

import asyncio
from typing import Any

import pytest

from haulage.connectors import lifecycle
from haulage.ledger import audit
from haulage.ledger import connectors as rows
from haulage.model.errors import NeedsReauthorisation, Refused
from haulage.operations import accounts, authorise, connectors, departures
from haulage.services.registry import service, services
from testbed.sandbox import Sandbox
from tests.connectors.people import ADA, VENDORS, Office

SIGNED_IN = [one for one in services().values() if one.authorisation is not None]
BY_BROWSER = [one.id for one in SIGNED_IN if "code" in {way.id for way in accounts.signing_in(one).ways}]
ROLES = {"box-enterprise": ("admin", "coadmin"), "dropbox-business": ("admin",), "office365": ("admin",)}
REVOKED = {"box", "box-enterprise", "google-drive", "dropbox", "dropbox-business", "egnyte"}


def test_every_service_has_a_vendor_in_the_sandbox() -> None:
    assert set(BY_BROWSER) | {"google-workspace"} == set(VENDORS)


@pytest.mark.parametrize("service_id", BY_BROWSER)
async def test_the_whole_life(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """Signed in, known at once, renewed when the token ends, lost when it is revoked there, authorised again in place
    by the same account and by no other, and deleted with what the service can be told."""
    people = office.people(service_id, *ROLES.get(service_id, ("user", "admin")))
    account, other = people[0], people[-1]
    kept = await office.connect(service_id, account)
    assert kept.row.state == "authorised"
    assert kept.row.account == kept.identity.id
    assert (kept.row.realm, kept.row.usage, kept.row.way) == ("sandbox", "read", "code")
    name = kept.row.name
    assert connectors.one(office.ledger, name)["history"][-1]["event"] == "connector authorise"

    vendor, mine = VENDORS[service_id], {"user": account["user"]}
    sandbox.do(vendor, "expire_tokens", **mine)
    before = office.ledger.read(rows.by_id, kept.row.id)
    assert kept.identity.name in (await accounts.check(office.ledger, name)).told  # F18: renewed at the first 401
    after = office.ledger.read(rows.by_id, kept.row.id)
    assert after.version == before.version + 1

    sandbox.do(vendor, "revoke_grant", **mine)
    sandbox.do(vendor, "expire_tokens", **mine)
    for _ in range(2):
        with pytest.raises(NeedsReauthorisation) as lost:
            await accounts.check(office.ledger, name)
        assert "haulage connectors reauthorize" in lost.value.fix or lost.value.fix
    assert office.ledger.read(rows.by_id, kept.row.id).state == "needs_reauthorisation"
    told = [one.event for one in office.ledger.read(audit.of, kept.row.subject)]
    assert told.count("connector lose") == 1

    again = authorise.again(office.ledger, name, {})
    if service_id not in ROLES and other["user"] != account["user"]:
        with pytest.raises(Refused, match="signed in, but the connector"):
            await office.sign_in(again, other)
        assert office.ledger.read(rows.by_id, kept.row.id).state == "needs_reauthorisation"
    renewed = await office.sign_in(again, account)
    assert (renewed.row.id, renewed.row.name, renewed.row.state) == (kept.row.id, name, "authorised")
    assert kept.identity.name in (await accounts.check(office.ledger, name)).told

    left = await departures.delete(office.ledger, name, ADA)
    assert (left.gone, left.revoked) == (True, service_id in REVOKED), left.note
    row = office.ledger.read(rows.by_id, kept.row.id)
    assert (row.state, row.sealed, row.tokens) == ("deleted", None, None)
    assert list(office.ledger.read(lambda connection: list(audit.broken(connection)))) == []
    with pytest.raises(Refused, match="no connector"):
        connectors.loaded(office.ledger, name)
    assert (await office.connect(service_id, account)).row.name == name  # the name is free again


async def test_revoked_at_the_service_means_revoked(office: Office, sandbox: Sandbox) -> None:
    """What was sealed before a deletion opens nothing afterwards."""
    account = office.people("box", "user")[0]
    kept = await office.connect("box", account)
    tokens = office.ledger.read(lambda connection: _tokens(office, connection, kept.row))
    await departures.delete(office.ledger, kept.row.name, ADA)
    how = accounts.signing_in(service("box"))
    secret = sandbox.service("box")["client_secret"]
    settings = {**kept.row.settings, "client_secret": secret}
    from haulage.connectors import oauth as messages
    from haulage.connectors.exchange import Exchange, GrantEnded
    from haulage.operations.realms import realm_of

    exchange = Exchange(how.oauth, how.oauth.hosts, realm_of(office.ledger, "sandbox").route)
    with pytest.raises(GrantEnded):
        await exchange.granted(messages.refresh_message(how.oauth, settings, "code", tokens.refresh))


def _tokens(office: Office, connection: Any, row: Any) -> Any:
    from haulage.connectors import sealing
    from haulage.operations.vaults import vault_of

    return sealing.tokens_of(connection, vault_of(office.ledger), row)


@pytest.mark.parametrize(
    ("service_id", "way"),
    [("box-enterprise", "secret"), ("box-enterprise", "jwt"), ("google-workspace", "jwt")],
)
async def test_without_a_person(office: Office, service_id: str, way: str) -> None:
    """An application that speaks for itself: its tokens are asked for anew whenever they end."""
    keys = {account["role"]: account.get("key", "") for account in office.people(service_id)}
    settings = {"way": way}
    if way == "jwt" and service_id == "box-enterprise":
        settings["app_config"] = keys["app"]
    if service_id == "google-workspace":
        admin = office.people(service_id, "admin")[0]
        settings |= {"admin_email": admin["user"], "service_account_key": admin["key"]}
    kept = await authorise.by_itself(office.ledger, office.draft(service_id, **settings), ADA)
    assert (kept.row.way, kept.row.state) == (way, "authorised")
    assert kept.identity.administrator is True
    office.sandbox.do(VENDORS[service_id], "expire_tokens")
    assert kept.identity.name in (await accounts.check(office.ledger, kept.row.name)).told
    left = await departures.delete(office.ledger, kept.row.name, ADA)
    assert (left.gone, left.revoked) == (True, False)
    assert "Nothing was revoked" in left.note and left.security_page


async def test_one_connector_is_lost_and_the_others_are_not(office: Office, sandbox: Sandbox) -> None:
    """F21: whoever is not concerned goes on; it is said once, however many notice it."""
    one, two = [await office.connect("box", account) for account in office.people("box", "user")[:2]]
    sandbox.do("box", "revoke_grant", user=one.row.account_name)
    sandbox.do("box", "expire_tokens")
    noticed = await asyncio.gather(
        *(accounts.check(office.ledger, one.row.name) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(found, NeedsReauthorisation) for found in noticed)
    assert [event.event for event in office.ledger.read(audit.of, one.row.subject)].count("connector lose") == 1
    assert two.identity.name in (await accounts.check(office.ledger, two.row.name)).told
    office.ledger.do(lifecycle.lose, one.row.id, "said again")
    assert office.ledger.read(rows.by_id, one.row.id).reason != "said again"
