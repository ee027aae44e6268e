"""What is Egnyte's own: an internal application's password, answers that are pasted, and how its tokens are ended."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from haulage.ledger import connectors as rows
from haulage.model.errors import NeedsReauthorisation, Refused
from haulage.operations import accounts, authorise, departures
from haulage.operations.authorise import Kept
from haulage.services.registry import service
from testbed.sandbox import Sandbox
from tests.connectors.people import ADA, Office
from tests.connectors.terminal import Terminal

LIVE = {"domain": "acme", "client_id": "key", "client_secret": "a secret of ours"}


@pytest.fixture
def mover(office: Office, sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """A user whose password may be changed; afterwards it is what it was."""
    account = office.people("egnyte", "user")[0]
    yield account
    sandbox.do("egnyte", "change_password", user=account["user"], password=account["password"])


async def internal(office: Office, account: dict[str, Any], name: str = "") -> Kept:
    """An internal application that signs in as that user."""
    told = {"username": account["user"], "password": account["password"], "way": "password"}
    return await authorise.by_itself(office.ledger, office.draft("egnyte", name=name, **told), ADA)


async def test_an_internal_application(office: Office, sandbox: Sandbox, mover: dict[str, Any]) -> None:
    """The password serves again when a token ends; a new one of the same user takes its place, another user's not."""
    kept = await internal(office, mover, "mine")
    assert (kept.row.way, kept.row.state) == ("password", "authorised")
    sandbox.do("egnyte", "expire_tokens", user=mover["user"])
    assert kept.identity.name in (await accounts.check(office.ledger, "mine")).told

    new = sandbox.do("egnyte", "change_password", user=mover["user"])
    changed = (new[0] if isinstance(new, list) else new)["password"]
    with pytest.raises(NeedsReauthorisation) as lost:
        await accounts.check(office.ledger, "mine")
    assert "haulage connectors reauthorize mine" in lost.value.fix
    assert office.ledger.read(rows.by_id, kept.row.id).state == "needs_reauthorisation"
    with pytest.raises(NeedsReauthorisation):  # the old one is not tried again and again
        await accounts.check(office.ledger, "mine")

    other = office.people("egnyte", "user")[1]
    theirs = {"username": other["user"], "password": other["password"]}
    with pytest.raises(Refused, match="signed in, but the connector mine is of"):
        await authorise.by_itself(office.ledger, authorise.again(office.ledger, "mine", theirs), ADA)
    renewed = await authorise.by_itself(
        office.ledger, authorise.again(office.ledger, "mine", {"password": changed}), ADA
    )
    assert (renewed.row.id, renewed.row.state) == (kept.row.id, "authorised")
    before = sandbox.calls
    left = await departures.delete(office.ledger, "mine", ADA)
    assert (left.gone, left.revoked) == (True, True)
    assert [one["status"] for one in sandbox.history(after=before, service="egnyte", operation="revoke token")] == [200]


async def test_a_password_that_is_wrong(office: Office, mover: dict[str, Any]) -> None:
    """Told at once, and nothing is kept."""
    with pytest.raises(Exception, match="does not take this sign-in"):
        await internal(office, {**mover, "password": "not the password"})
    assert office.ledger.read(rows.every, deleted=True) == []


def test_the_answer_is_pasted(office: Office) -> None:
    """Egnyte sends browsers to https addresses only: nobody listens there, and nobody has to."""
    account = office.people("egnyte", "user")[0]
    ran = Terminal(office).add("egnyte", "mine", account, "--paste")
    assert ran.code == 0, ran.out + ran.err
    asked = ran.events[0]
    assert asked["redirect"] == "https://localhost:28437/oauth/callback/egnyte"
    assert parse_qs(urlsplit(asked["url"]).query)["redirect_uri"] == [asked["redirect"]]
    assert ran.events[-1]["account"] == account["details"]["email"]


def test_the_answer_of_the_real_egnyte_is_always_pasted(office: Office) -> None:
    """Also without being asked for; and a server that is reached over http says so before anybody signs in."""
    made = authorise.draft(office.ledger, service("egnyte"), LIVE, way="code")
    assert authorise.has_to_be_pasted(made)
    with pytest.raises(Refused, match="https addresses only") as told:
        authorise.begin(office.ledger, made, "http://localhost:28437/oauth/callback/egnyte", ADA, "session")
    assert "https address" in told.value.fix and "pasted" in told.value.fix
    begun = authorise.begin(office.ledger, made, "https://haulage.example/oauth/callback/egnyte", ADA, "session")
    assert begun.url.startswith("https://acme.egnyte.com/")
    haulage = Terminal(office)
    haulage.environment["EGNYTE_SECRET"] = "a secret of ours"
    words = ["--set", "domain=acme", "--set", "client_id=key", "--set", "client_secret=env:EGNYTE_SECRET"]
    refused = haulage("connectors", "add", "egnyte", "mine", *words, "--way", "code", "--json")
    assert refused.code == 2
    assert refused.events[0]["redirect"] == "https://localhost:28437/oauth/callback/egnyte"
    assert "no address was pasted" in refused.out
