"""Every refusal has a sentence that says what to do, and leaves nothing behind."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from haulage.connectors.exchange import ClientRefused
from haulage.connectors.oauth import Declined
from haulage.ledger import connectors as rows
from haulage.ledger.audit import Actor
from haulage.model.errors import (
    AuthLost,
    ConsentPending,
    HaulageError,
    NoLicence,
    NotAdministrator,
    Refused,
    ScopeMissing,
)
from haulage.operations import authorise, browsing
from haulage.operations.authorise import Begun, Draft
from haulage.services.registry import service
from testbed.sandbox import Sandbox
from tests.connectors.people import ADA, VENDORS, Office

SESSION = "session"


def begun(office: Office, made: Draft) -> Begun:
    redirect = authorise.redirect_to_here(service(made.service), authorise.loopback_port())
    return authorise.begin(office.ledger, made, redirect, ADA, SESSION)


async def signed(office: Office, url: str, account: dict[str, Any]) -> str:
    return await asyncio.to_thread(office.browser.allow, url, account["user"], account["password"])


async def refused(office: Office, work: Any, kind: type[HaulageError], *words: str) -> HaulageError:
    """It is refused in those words, with a fix, and no connector is there afterwards."""
    with pytest.raises(kind) as told:
        await work
    said = f"{told.value.message} {told.value.fix}"
    assert told.value.fix and not [word for word in words if word not in said], said
    assert office.ledger.read(rows.every, deleted=True) == []
    return told.value


@pytest.mark.parametrize("service_id", ["box", "google-drive", "dropbox", "onedrive", "office365"])
async def test_a_person_who_says_no(office: Office, service_id: str) -> None:
    made = begun(office, office.draft(service_id, way="code"))
    came = await asyncio.to_thread(office.browser.cancel, made.url)
    work = authorise.finish(office.ledger, service_id, came, ADA, SESSION)
    await refused(office, work, AuthLost)


@pytest.mark.parametrize("service_id", ["box", "google-drive", "dropbox", "onedrive-business"])
async def test_an_answer_serves_once_and_only_who_began(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """S02: another session, another person, another service's path, no state, an invented one: refused, with no request
    to the service; and what has been used is used up."""
    made = begun(office, office.draft(service_id, way="code"))
    account = office.people(service_id, "user")[0]
    came = await signed(office, made.url, account)
    before = sandbox.calls
    state = parse_qs(urlsplit(came).query)["state"][0]
    elsewhere = "box" if service_id != "box" else "dropbox"
    for attempt in (
        authorise.finish(office.ledger, service_id, came, ADA, "another session"),
        authorise.finish(office.ledger, service_id, came, Actor("eve", "test"), SESSION),
        authorise.finish(office.ledger, elsewhere, came, ADA, SESSION),
        authorise.finish(office.ledger, service_id, came.replace(state, "invented"), ADA, SESSION),
        authorise.finish(office.ledger, service_id, came.replace("state=", "other="), ADA, SESSION),
    ):
        await refused(office, attempt, Refused)
    assert office.token_requests(service_id, before) == []
    kept = await authorise.finish(office.ledger, service_id, came, ADA, SESSION)
    assert kept.row.state == "authorised"
    with pytest.raises(Refused, match="no sign-in"):
        await authorise.finish(office.ledger, service_id, came, ADA, SESSION)
    assert len(office.token_requests(service_id, before)) == 1


async def test_an_answer_in_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """S02: ten minutes, and no longer."""
    monkeypatch.setattr(authorise, "SIGN_IN_SECONDS", 0)
    made = begun(office, office.draft("box"))
    came = await signed(office, made.url, office.people("box", "user")[0])
    work = authorise.finish(office.ledger, "box", came, ADA, SESSION)
    await refused(office, work, Refused, "no sign-in that is under way", "ten minutes")


async def test_an_answer_of_another_issuer(office: Office) -> None:
    """S03: who claims to be somebody else is not asked for tokens."""
    made = begun(office, office.draft("google-drive"))
    came = await signed(office, made.url, office.people("google-drive", "user")[0])
    assert "iss=https%3A%2F%2Faccounts.google.com" in came
    mixed = came.replace("accounts.google.com", "accounts.example.org")
    await refused(
        office, authorise.finish(office.ledger, "google-drive", mixed, ADA, SESSION), Refused, "another service"
    )


async def test_the_redirect_is_the_configured_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """S04: of every service with a path of its own; a port that is none is refused."""
    assert authorise.redirect_to_here(service("box"), 28437) == "http://localhost:28437/oauth/callback/box"
    assert authorise.redirect_to_here(service("google-drive"), 5) == "http://127.0.0.1:5/oauth/callback/google-drive"
    monkeypatch.setenv("HAULAGE_LOOPBACK_PORT", "0")
    with pytest.raises(Refused, match="HAULAGE_LOOPBACK_PORT"):
        authorise.loopback_port()


async def test_a_verifier_of_its_own_for_every_sign_in(office: Office) -> None:
    """S01: PKCE S256 where the service has it, with 256 bits and more; states likewise."""
    seen = []
    for service_id in ("google-drive", "dropbox", "onedrive", "onedrive-business", "office365"):
        for _ in range(2):
            query = parse_qs(urlsplit(begun(office, office.draft(service_id, way="code")).url).query)
            assert query["code_challenge_method"] == ["S256"]
            assert query["response_type"] == ["code"]
            assert len(query["state"][0]) >= 43
            seen += [*query["code_challenge"], *query["state"]]
    assert len(set(seen)) == len(seen)
    assert "code_challenge" not in begun(office, office.draft("box")).url


@pytest.mark.parametrize("service_id", ["box", "google-drive", "onedrive-business"])
async def test_a_wrong_client_secret(office: Office, service_id: str) -> None:
    made = begun(office, office.draft(service_id, client_secret="wrong-secret-1234"))
    came = await signed(office, made.url, office.people(service_id, "user")[0])
    error = await refused(office, authorise.finish(office.ledger, service_id, came, ADA, SESSION), AuthLost, "secret")
    assert isinstance(error, ClientRefused) or "AADSTS7000215" in error.message


async def test_an_administrators_connector_without_an_administrator(office: Office) -> None:
    """Each says so in its own way, and is told in the same."""
    for service_id, kind in (
        ("box-enterprise", NotAdministrator),
        ("office365", NotAdministrator),
        ("dropbox-business", AuthLost),
    ):
        single = {"box-enterprise": "box", "office365": "onedrive-business", "dropbox-business": "dropbox"}[service_id]
        plain = office.people(single, "user")[0]
        made = begun(office, office.draft(service_id, way="code"))
        came = await signed(office, made.url, plain)
        if not came.startswith("http"):
            assert service_id in ("dropbox-business", "office365"), came  # the service itself says so, on its page
            continue
        await refused(office, authorise.finish(office.ledger, service_id, came, ADA, SESSION), kind)


async def test_a_workspace_administrator_who_is_none(office: Office) -> None:
    key = office.people("google-workspace", "admin")[0]["key"]
    plain = office.people("google-drive", "user")[0]["user"]
    for email, words in ((plain, "administrator"), ("nobody@aurora.example", "administrator")):
        made = office.draft("google-workspace", admin_email=email, service_account_key=key)
        await refused(office, authorise.by_itself(office.ledger, made, ADA), NotAdministrator, words)


async def test_a_service_account_without_delegation(office: Office, sandbox: Sandbox) -> None:
    """One scope too few fails them all; the fix names the page of the Admin console."""
    admin = office.people("google-workspace", "admin")[0]
    before = sandbox.service("google-workspace")["details"]["delegated_scopes"]
    sandbox.do("google", "delegate", scopes=before[:2])
    try:
        made = office.draft("google-workspace", admin_email=admin["user"], service_account_key=admin["key"])
        await refused(office, authorise.by_itself(office.ledger, made, ADA), ConsentPending, "Domain-wide delegation")
    finally:
        sandbox.do("google", "delegate", scopes=before)


async def test_consent_that_an_administrator_has_yet_to_give(office: Office, sandbox: Sandbox) -> None:
    """Office 365 by the application's own consent: who has to do what, and where; then it works."""
    made = office.draft("office365", way="secret")
    client = made.settings["client_id"]
    sandbox.do("microsoft", "withdraw_consent", client_id=client)
    error = await refused(office, authorise.by_itself(office.ledger, made, ADA), ConsentPending, "dministrator")
    url = error.fix.rpartition(" ")[2]
    assert url.startswith(f"https://login.microsoftonline.com/{made.settings['tenant']}/v2.0/adminconsent?")
    assert f"client_id={client}" in url
    admin = office.people("office365", "admin")[0]
    came = await asyncio.to_thread(office.browser.allow, url, admin["user"], admin["password"])
    assert "admin_consent=True" in came and "error" not in came
    kept = await authorise.by_itself(office.ledger, office.draft("office365", way="secret"), ADA)
    assert kept.identity.administrator


async def test_the_application_by_certificate(office: Office) -> None:
    """A certificate in place of a secret; one that is not registered is refused."""
    pem = office.people("office365", "app")[0]["key"]
    kept = await authorise.by_itself(office.ledger, office.draft("office365", way="certificate", certificate=pem), ADA)
    assert kept.row.way == "certificate"


@pytest.mark.parametrize(
    ("pem", "words"),
    [("nonsense", "no PEM text"), ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "no PEM text")],
)
async def test_a_certificate_that_is_none(office: Office, pem: str, words: str) -> None:
    work = authorise.by_itself(office.ledger, office.draft("office365", way="certificate", certificate=pem), ADA)
    await refused(office, work, Refused, words)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "BadRequest", "Tenant does not have a SPO license."),
        (404, "ResourceNotFound", "User's mysite not found."),
        (400, "BadRequest", "Unable to retrieve user's mysite URL."),
        (404, "itemNotFound", "404 FILE NOT FOUND"),
    ],
)
async def test_an_account_without_storage(
    office: Office, sandbox: Sandbox, status: int, code: str, message: str
) -> None:
    """No licence, no drive: told at once, in whichever words Microsoft says it (services/microsoft/QUIRKS.md Q1)."""
    details = {"status": status, "body": {"error": {"code": code, "message": message}}}
    sandbox.fault(fault="answer", service="microsoft", path="*/me/drive*", details=details)
    made = begun(office, office.draft("onedrive-business"))
    came = await signed(office, made.url, office.people("onedrive-business", "user")[0])
    work = authorise.finish(office.ledger, "onedrive-business", came, ADA, SESSION)
    await refused(office, work, NoLicence, "licence")
    if status == 400:
        sandbox.fault(fault="answer", service="microsoft", path="*/sites/root*", details=details)
        await refused(
            office, authorise.by_itself(office.ledger, office.draft("office365", way="secret"), ADA), NoLicence
        )


async def test_a_person_without_google_drive(office: Office, sandbox: Sandbox) -> None:
    plain = office.people("google-drive", "user")[0]
    sandbox.do("google", "license", user=plain["user"], on=False)
    try:
        made = begun(office, office.draft("google-drive"))
        came = await signed(office, made.url, plain)
        await refused(office, authorise.finish(office.ledger, "google-drive", came, ADA, SESSION), AuthLost)
    finally:
        sandbox.do("google", "license", user=plain["user"], on=True)


async def test_a_scope_that_is_missing(office: Office, sandbox: Sandbox) -> None:
    """F23: at the first call that needs it, by its name where the service gives one; asked once."""
    for service_id in ("box", "dropbox", "google-drive"):
        sandbox.fault(fault="F23", service=VENDORS[service_id])
        made = begun(office, office.draft(service_id))
        came = await signed(office, made.url, office.people(service_id, "user")[0])
        await refused(office, authorise.finish(office.ledger, service_id, came, ADA, SESSION), ScopeMissing)
        sandbox.no_faults()


async def test_a_work_account_on_the_personal_service(office: Office) -> None:
    made = begun(office, office.draft("onedrive"))
    came = await signed(office, made.url, office.people("onedrive-business", "user")[0])
    if came.startswith("http"):
        await refused(office, authorise.finish(office.ledger, "onedrive", came, ADA, SESSION), HaulageError)
    else:
        assert "account" in came  # the service says so on its own page


def test_settings_that_cannot_be(office: Office) -> None:
    """Before anybody is asked for anything."""
    from haulage.operations.authorise import draft

    with pytest.raises(Refused, match="missing: Application"):
        draft(office.ledger, service("onedrive"), {})
    with pytest.raises(Refused, match="cannot be authorised by 'fax'"):
        office.draft("box", way="fax")
    with pytest.raises(Refused, match="no JSON key file"):
        office.draft("google-workspace", admin_email="a@b.c", service_account_key="{}")
    with pytest.raises(Refused, match="no e-mail address"):
        office.draft("google-workspace", admin_email="ada", service_account_key="")
    with pytest.raises(Refused, match="no configuration file"):
        office.draft("box-enterprise", app_config="{}")
    for domain in ("evil.example", "acme.egnyte.com.evil.example", "a/b", "-a", "acme.egnyte.com:8080", "1@acme"):
        with pytest.raises(Refused, match="no domain of Egnyte"):
            draft(office.ledger, service("egnyte"), {"domain": domain, "client_id": "k", "client_secret": "s"})
    with pytest.raises(Refused, match="no realm 'nowhere'"):
        draft(office.ledger, service("box"), {}, realm="nowhere")
    with pytest.raises(Refused, match="wants keys"):
        draft(office.ledger, service("s3"), {})
    assert issubclass(Declined, AuthLost)


@pytest.mark.parametrize("path", ["nope/../Desk", "./Desk", "Desk/.."])
async def test_a_path_by_dots(office: Office, path: str) -> None:
    """Where a name is no step up, it is refused before anything is asked there."""
    await office.connect("dropbox", office.people("dropbox", "user")[0], "read", "mine")
    with pytest.raises(Refused, match="no folders there"):
        await browsing.browse(office.ledger, f"mine:/{path}")
