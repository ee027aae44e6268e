"""No more than is needed: scopes that are compared, uses that are refused, and tokens that go nowhere else."""

from typing import Any

import pytest

from haulage.ledger import connectors as rows
from haulage.model.errors import HaulageError, Refused
from haulage.operations import browsing
from testbed.sandbox import Sandbox
from tests.connectors.people import Office
from tests.connectors.terminal import Terminal

EVIL = "https://evil.example.com/v1.0/steal"


def told(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document[0] if isinstance(document, list) else document
    return found


def test_more_than_was_asked_for(office: Office, sandbox: Sandbox) -> None:
    """S06: kept, and told by name; what was granted can be seen afterwards."""
    account = office.people("dropbox", "user")[0]
    known = sandbox.service("dropbox")
    given = told(sandbox.do("dropbox", "sign_in", client_id=known["client_id"], user=account["user"]))
    asked = "account_info.read files.metadata.read files.content.read sharing.read"
    body = {**given, "scope": f"{asked} files.content.write team_data.member"}
    sandbox.fault(
        fault="answer", service="dropbox", path="*oauth2/token*", times=1, details={"status": 200, "body": body}
    )
    haulage = Terminal(office)
    ran = haulage.add("dropbox", "mine", account, "--paste")
    assert ran.code == 0, ran.out + ran.err
    assert set(ran.events[-1]["wider"]) >= {"files.content.write", "team_data.member"}
    shown = haulage("connectors", "show", "mine").out
    assert "team_data.member" in shown


def test_less_than_was_asked_for(office: Office, sandbox: Sandbox) -> None:
    """S06: refused by the name of what is missing, and nothing is kept."""
    account = office.people("dropbox", "user")[0]
    known = sandbox.service("dropbox")
    given = told(sandbox.do("dropbox", "sign_in", client_id=known["client_id"], user=account["user"]))
    body = {**given, "scope": "account_info.read"}
    sandbox.fault(
        fault="answer", service="dropbox", path="*oauth2/token*", times=1, details={"status": 200, "body": body}
    )
    ran = Terminal(office).add("dropbox", "mine", account, "--paste")
    assert (ran.code, "not granted: " in ran.out, "files.content.read" in ran.out) == (4, True, True)
    assert office.ledger.read(rows.every, deleted=True) == []


def test_a_source_is_no_destination(office: Office, sandbox: Sandbox, tmp_path: Any) -> None:
    """S06: refused before anything is asked or started, with how to change it; then it serves."""
    account = office.people("dropbox", "user")[0]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("content")
    haulage = Terminal(office)
    assert haulage.add("dropbox", "mine", account, "--paste").code == 0
    before = sandbox.calls
    refused = haulage("copy", str(tmp_path / "in"), "mine:/in")
    assert (refused.code, "authorised for reading only" in refused.err) == (2, True)
    assert "haulage connectors reauthorize mine --access write" in refused.err
    assert sandbox.calls == before
    again = haulage.sign_in(("connectors", "reauthorize", "mine", "--access", "write", "--paste"), account)
    assert again.code == 0, again.out + again.err
    assert haulage("copy", str(tmp_path / "in"), "mine:/in").code == 0


@pytest.mark.parametrize("service_id", ["onedrive-business"])
async def test_the_next_page_is_elsewhere(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """S09: a link that leads away is not followed, with a token or without."""
    await office.connect(service_id, office.people(service_id, "user")[0], name="mine")
    body = {"value": [], "@odata.nextLink": EVIL}
    sandbox.fault(fault="answer", service="microsoft", path="*children*", details={"status": 200, "body": body})
    with pytest.raises(Refused, match="outside the connector's own host"):
        await browsing.browse(office.ledger, "mine:/")


@pytest.mark.parametrize(("service_id", "vendor"), [("box", "box"), ("dropbox", "dropbox"), ("google-drive", "google")])
async def test_a_token_endpoint_that_sends_elsewhere(
    office: Office, sandbox: Sandbox, service_id: str, vendor: str
) -> None:
    """S17: the code and the application's secret are not sent after it."""
    details = {"status": 307, "headers": {"Location": EVIL}, "body": ""}
    sandbox.fault(fault="answer", service=vendor, path="*token*", method="POST", details=details)
    with pytest.raises(HaulageError) as refused:
        await office.connect(service_id, office.people(service_id, "user")[0])
    assert "evil" not in refused.value.message
    assert office.ledger.read(rows.every, deleted=True) == []
