"""Tokens: renewed by one at a time, kept before they are used, and lost only when the service says so."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from haulage.connectors.sealing import Tokens, sealed_tokens
from haulage.connectors.tokens import unusable
from haulage.ledger import connectors as rows
from haulage.ledger.store import Connection
from haulage.model.errors import NeedsReauthorisation, Unreachable
from haulage.operations import accounts, authorise, departures
from haulage.operations.authorise import Kept
from haulage.operations.vaults import vault_of
from testbed.sandbox import Sandbox
from tests.connectors.people import ADA, VENDORS, Office
from tests.connectors.users import keeper

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, EACH = 5, 10


async def expiring(office: Office, service_id: str) -> Kept:
    """A connector whose access token ends within a second; the next ones last as long as usual."""
    vendor = VENDORS[service_id]
    office.sandbox.do(vendor, "set_lifetime", access_seconds=1)
    try:
        account = office.people(service_id, "user")[0]
        kept = await office.connect(service_id, account)
    finally:
        office.sandbox.do(vendor, "set_lifetime", access_seconds=None)
    await asyncio.sleep(1.1)
    return kept


def users(office: Office, kept: Kept, count: int, where: str = "") -> "subprocess.Popen[str]":
    """A process with so many users."""
    words = [sys.executable, "-m", "tests.connectors.users", str(office.ledger.path), str(kept.row.id), str(count)]
    return subprocess.Popen([*words, *([where] if where else [])], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("service_id", ["box", "dropbox"])
async def test_fifty_users_of_one_connector(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """T63: in five processes, when the token ends under all of them: one request, and all have the same new token."""
    kept = await expiring(office, service_id)
    before = sandbox.calls
    running = [users(office, kept, EACH) for _ in range(PROCESSES)]
    had = [await asyncio.to_thread(one.communicate, timeout=120) for one in running]
    tokens = [token for out, _ in had for token in out.split()]
    assert [one.returncode for one in running] == [0] * PROCESSES
    assert len(tokens) == PROCESSES * EACH
    assert len(set(tokens)) == 1
    assert len(office.token_requests(service_id, before)) == 1
    assert kept.identity.name in (await accounts.check(office.ledger, kept.row.name)).told


async def test_fifty_users_that_are_refused_at_once(office: Office, sandbox: Sandbox) -> None:
    """F18: a token that ends before its time; whoever hears of it late finds the new one."""
    account = office.people("box", "user")[0]
    kept = await office.connect("box", account)
    sandbox.do("box", "expire_tokens", user=account["user"])
    everyone = [keeper(office.ledger, kept.row.id) for _ in range(50)]
    old = await everyone[0].bearer()
    before = sandbox.calls
    await asyncio.gather(*(one.refused(old) for one in everyone))
    assert len({await one.bearer() for one in everyone} - {old}) == 1
    assert len(office.token_requests("box", before)) == 1


@pytest.mark.parametrize("where", ["begun", "sent", "answered", "keeping", "kept"])
@pytest.mark.parametrize("service_id", ["box", "google-drive"])
async def test_killed_while_renewing(office: Office, sandbox: Sandbox, service_id: str, where: str) -> None:
    """F19, F48: whoever comes next is not kept waiting by the dead, and has a token, unless the only one that the
    service would take was on its way to the process that died (Box: QUIRKS Q2). Then the connector says so."""
    kept = await expiring(office, service_id)
    if where == "sent":
        sandbox.fault(fault="delay", service=VENDORS[service_id], path="*token*", times=1, details={"seconds": 0.6})
    before = sandbox.calls
    doomed = users(office, kept, 1, where)
    await asyncio.to_thread(doomed.communicate, timeout=60)
    assert doomed.returncode == -9
    if where == "sent":
        await asyncio.sleep(0.7)
    row = office.ledger.read(rows.by_id, kept.row.id)
    assert (row.renewer is None) == (where == "kept")
    async with asyncio.timeout(20):
        rotated = any(one.get("status") == 200 for one in office.token_requests(service_id, before))
        assert rotated == (where in ("answered", "keeping", "kept")) or where == "sent"
        if service_id == "box" and rotated and where != "kept":
            with pytest.raises(NeedsReauthorisation):
                await keeper(office.ledger, kept.row.id).bearer()
            again = authorise.again(office.ledger, kept.row.name, {})
            await office.sign_in(again, office.people(service_id, "user")[0])
        assert await keeper(office.ledger, kept.row.id).bearer()
    assert kept.identity.name in (await accounts.check(office.ledger, kept.row.name)).told


async def test_a_lost_answer(office: Office, sandbox: Sandbox) -> None:
    """T64, F20: Box has rotated, and its answer never came. One more try, then the connector needs a person; nobody
    keeps on asking."""
    kept = await expiring(office, "box")
    sandbox.fault(fault="F20", service="box", path="*token*", times=1)
    before = sandbox.calls
    with pytest.raises(NeedsReauthorisation):
        await keeper(office.ledger, kept.row.id).bearer()
    assert len(office.token_requests("box", before)) == 2
    for _ in range(3):
        with pytest.raises(NeedsReauthorisation) as told:
            await keeper(office.ledger, kept.row.id).bearer()
    assert "reauthorize" in told.value.fix
    assert len(office.token_requests("box", before)) == 2


@pytest.mark.parametrize("service_id", ["google-drive", "dropbox"])
async def test_a_lost_answer_where_the_token_stays(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """F20 at services that do not rotate: asked again, and nobody notices."""
    kept = await expiring(office, service_id)
    sandbox.fault(fault="F20", service=VENDORS[service_id], path="*token*", times=1)
    assert await keeper(office.ledger, kept.row.id).bearer()
    assert office.ledger.read(rows.by_id, kept.row.id).state == "authorised"


@pytest.mark.parametrize("fault", ["F06", "F14", "F01"])
async def test_trouble_at_the_token_endpoint_is_not_the_end(
    office: Office, sandbox: Sandbox, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F22: a service that fails, stalls or throttles has not ended anything."""
    monkeypatch.setenv("HAULAGE_IDLE_SECONDS", "1")
    kept = await expiring(office, "dropbox")
    sandbox.fault(fault=fault, service="dropbox", path="*token*", times=1)
    assert await keeper(office.ledger, kept.row.id).bearer()
    assert office.ledger.read(rows.by_id, kept.row.id).state == "authorised"


async def test_lasting_trouble_is_told_as_such(office: Office, sandbox: Sandbox) -> None:
    """F22: the run can be started again later; the connector is as good as before."""
    kept = await expiring(office, "box")
    sandbox.fault(fault="F22", service="box", path="*token*")
    with pytest.raises(Unreachable, match="trouble"):
        await keeper(office.ledger, kept.row.id).bearer()
    sandbox.no_faults()
    assert await keeper(office.ledger, kept.row.id).bearer()


async def test_an_older_token_never_takes_the_place_of_a_newer_one(office: Office) -> None:
    """T65: whoever comes late with what it got finds that another was first."""
    kept = await office.connect("box", office.people("box", "user")[0])

    def keep(connection: Connection, access: str) -> bool:
        late = sealed_tokens(connection, vault_of(office.ledger), kept.row, Tokens(access, "r"))
        return rows.keep_tokens(connection, kept.row.id, kept.row.version, late, None)

    assert office.ledger.do(keep, "first")
    assert not office.ledger.do(keep, "late")
    assert await keeper(office.ledger, kept.row.id).bearer() == "first"


async def test_a_cancelled_renewal_keeps_what_it_got(office: Office, sandbox: Sandbox) -> None:
    """Ctrl-C in the middle of it: the service's only token is not thrown away."""
    kept = await expiring(office, "box")
    sandbox.fault(fault="delay", service="box", path="*token*", times=1, details={"seconds": 0.5})
    using = asyncio.create_task(keeper(office.ledger, kept.row.id).bearer())
    await asyncio.sleep(0.2)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert await keeper(office.ledger, kept.row.id).bearer()
    assert office.ledger.read(rows.by_id, kept.row.id).state == "authorised"


async def test_one_that_may_not_be_used_is_not_used(office: Office, sandbox: Sandbox) -> None:
    """In no state but authorised does anybody get a token, and no request is made for one (F62)."""
    kept = await expiring(office, "box")
    sandbox.fault(fault="F06", service="box", path="*oauth2*")
    assert not (await departures.delete(office.ledger, kept.row.name, ADA)).gone
    before = sandbox.calls
    with pytest.raises(NeedsReauthorisation) as told:
        await keeper(office.ledger, kept.row.id).bearer()
    assert told.value.message == unusable(office.ledger.read(rows.by_id, kept.row.id)).message
    assert office.token_requests("box", before) == []


def test_the_machine_that_renews_is_known_by_its_process() -> None:
    """A renewer that lives is waited for; one that is gone is not."""
    from haulage.connectors.tokens import _dead

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = os.uname().nodename
    assert (_dead(f"{host}:{gone.pid}:x"), _dead(f"{host}:{os.getpid()}:x")) == (True, False)
    assert not _dead(f"elsewhere:{gone.pid}:x")
