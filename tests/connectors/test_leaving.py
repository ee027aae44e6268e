"""Leaving: deleted by a person, or left idle; what the service is told, and what is left here: nothing."""

import asyncio
from pathlib import Path

import pytest

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import audit
from haulage.ledger import connectors as rows
from haulage.ledger.store import now_us
from haulage.model.errors import NeedsReauthorisation, Refused
from haulage.model.filters import Filters
from haulage.operations import accounts, authorise, connectors, departures, idling, transfers
from haulage.operations.locations import Given
from haulage.services.registry import service
from testbed.sandbox import Sandbox
from tests.connectors.people import ADA, Office
from tests.connectors.users import keeper

DAY_US = 24 * 3600 * 1_000_000
REVOKES = {"box": "*revoke*", "google-drive": "*revoke*", "dropbox": "*revoke*", "egnyte": "*revoke*"}


def events(office: Office, connector_id: int) -> list[str]:
    return [one.event for one in office.ledger.read(audit.of, f"connector {connector_id}")]


def sealed_of(office: Office, connector_id: int) -> list[bytes]:
    row = office.ledger.read(rows.by_id, connector_id)
    return [one for one in (row.sealed, row.tokens) if one is not None]


def on_disk(office: Office, held: list[bytes]) -> list[bytes]:
    """Which of these sealed values are anywhere in the ledger's files."""
    files = [one.read_bytes() for one in office.home.iterdir() if one.name.startswith("ledger.db")]
    return [one for one in held if any(one[-40:] in file for file in files)]


@pytest.mark.parametrize("service_id", REVOKES)
async def test_a_revocation_that_fails(office: Office, sandbox: Sandbox, service_id: str) -> None:
    """S08: told, and to be tried again; until then nobody uses the credentials for anything else."""
    kept = await office.connect(service_id, office.people(service_id, "user")[0])
    name = kept.row.name
    sandbox.fault(fault="F06", service={"google-drive": "google"}.get(service_id, service_id), path=REVOKES[service_id])
    left = await departures.delete(office.ledger, name, ADA)
    assert (left.gone, left.revoked) == (False, False)
    assert "could not be revoked" in left.note
    shown = connectors.one(office.ledger, name)
    assert (shown["state"], bool(shown["revoke_pending"]), shown["secrets"]) == ("deleting", True, "sealed")
    for use in (accounts.check(office.ledger, name), keeper(office.ledger, kept.row.id).bearer()):
        with pytest.raises(NeedsReauthorisation, match="being deleted") as deleting:
            await use
        assert "connectors delete" in deleting.value.fix and "reauthorize" not in deleting.value.fix
    with pytest.raises(Refused):  # irreversible
        await office.sign_in(authorise.again(office.ledger, name, {}), office.people(service_id, "user")[0])
    sandbox.no_faults()
    left = await departures.delete(office.ledger, name, ADA)
    assert (left.gone, left.revoked, left.row.state) == (True, True, "deleted")
    told = events(office, kept.row.id)
    assert [one for one in told if "revoke" in one] == ["connector revoke failed", "connector revoke"]


async def test_locally_anyway(office: Office, sandbox: Sandbox) -> None:
    """S08: the person decides; what is here is destroyed, also in the freed pages of the file."""
    kept = await office.connect("box", office.people("box", "user")[0])
    held = sealed_of(office, kept.row.id)
    assert len(held) == 2
    assert on_disk(office, held) == held
    sandbox.fault(fault="F06", service="box", path="*revoke*")
    left = await departures.delete(office.ledger, kept.row.name, ADA, anyway=True)
    assert (left.gone, left.revoked) == (True, False)
    assert left.security_page is not None
    office.ledger.close()  # the last one to let go of it empties the write-ahead log
    assert on_disk(office, held) == []


async def test_what_two_connectors_share_is_not_revoked_by_one(office: Office) -> None:
    """Google ends all grants of a person to a project: while another connector lives by them, nothing is revoked."""
    account = office.people("google-drive", "user")[0]
    first = await office.connect("google-drive", account, name="first")
    second = await office.connect("google-drive", account, name="second")
    left = await departures.delete(office.ledger, "first", ADA)
    assert (left.gone, left.revoked) == (True, False)
    assert "second" in left.note
    assert first.identity == second.identity
    assert second.identity.name in (await accounts.check(office.ledger, "second")).told
    left = await departures.delete(office.ledger, "second", ADA)
    assert (left.gone, left.revoked) == (True, True)


async def test_what_was_revoked_there_already(office: Office, sandbox: Sandbox) -> None:
    """Nothing is left to revoke, which is as good."""
    for service_id, vendor in (
        ("box", "box"),
        ("google-drive", "google"),
        ("dropbox", "dropbox"),
        ("egnyte", "egnyte"),
    ):
        account = office.people(service_id, "user")[0]
        kept = await office.connect(service_id, account)
        sandbox.do(vendor, "revoke_grant", user=account["user"])
        left = await departures.delete(office.ledger, kept.row.name, ADA)
        assert left.gone, (service_id, left.note)


async def test_ninety_days(office: Office, sandbox: Sandbox) -> None:
    """Warned of from day 76, deauthorised on day 90: revoked, destroyed, kept, and authorised again."""
    account = office.people("box", "user")[0]
    kept = await office.connect("box", account)
    began = kept.row.authorised_us or 0
    for day, warned, over in (
        (0, False, False),
        (75.9, False, False),
        (76, True, False),
        (89.9, True, False),
        (90, True, True),
    ):
        now = began + int(day * DAY_US)
        assert idling.told(kept.row, now)["idle_warning"] is warned, day
        assert idling.over(kept.row, now) is over, day
    assert await departures.deauthorise_idle(office.ledger, began + 89 * DAY_US) == []
    held = sealed_of(office, kept.row.id)
    (left,) = await departures.deauthorise_idle(office.ledger, began + 90 * DAY_US)
    assert (left.revoked, left.gone) == (True, True)
    row = office.ledger.read(rows.by_id, kept.row.id)
    assert (row.state, row.sealed, row.tokens) == ("deauthorised", None, None)
    assert "90 days" in (row.reason or "")
    with pytest.raises(NeedsReauthorisation, match="was deauthorised: it has moved no data for 90 days") as told:
        connectors.loaded(office.ledger, kept.row.name)
    assert "haulage connectors reauthorize" in told.value.fix
    assert await departures.deauthorise_idle(office.ledger, began + 200 * DAY_US) == []
    renewed = await office.sign_in(authorise.again(office.ledger, kept.row.name, {}), account)
    assert (renewed.row.id, renewed.row.state, renewed.row.reason) == (kept.row.id, "authorised", None)
    office.ledger.close()
    assert on_disk(office, held) == []


async def test_what_moves_data_is_not_idle(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day of the last transfer counts, not that of the sign-in; a copy that found nothing to copy is one."""
    kept = await office.connect("dropbox", office.people("dropbox", "user")[0], name="mine")
    later = (kept.row.authorised_us or 0) + 80 * DAY_US
    monkeypatch.setattr(transfers, "now_us", lambda: later)
    sides = Given("mine:/", "source"), Given(str(tmp_path / "there"), "destination")
    ended = await transfers.copy(office.ledger, *sides, Options(Filters(include=("no such name",))), Watch())
    assert ended.run.counts["sent_bytes"] == 0
    row = office.ledger.read(rows.by_id, kept.row.id)
    assert not idling.over(row, later + 89 * DAY_US)
    assert idling.told(row, later)["idle_days_left"] == 90


async def test_an_idle_one_that_cannot_be_revoked_yet(office: Office, sandbox: Sandbox) -> None:
    """It is deauthorised for everybody at once, and revoked as soon as the service can be told."""
    kept = await office.connect("dropbox", office.people("dropbox", "user")[0])
    sandbox.fault(fault="F06", service="dropbox", path="*revoke*")
    late = now_us() + 91 * DAY_US
    (left,) = await departures.deauthorise_idle(office.ledger, late)
    assert (left.gone, left.row.state) == (False, "deauthorised")
    assert left.row.revoke_pending
    with pytest.raises(NeedsReauthorisation):
        await keeper(office.ledger, kept.row.id).bearer()
    sandbox.no_faults()
    (left,) = await departures.deauthorise_idle(office.ledger, late)
    assert (left.gone, left.revoked) == (True, True)
    assert sealed_of(office, kept.row.id) == []


async def test_a_deletion_while_it_is_in_use(office: Office) -> None:
    """F62: whoever uses it is stopped at the next token, and keeps nothing that was renewed meanwhile."""
    kept = await office.connect("box", office.people("box", "user")[0])
    using = keeper(office.ledger, kept.row.id)
    token = await using.bearer()
    deleting = asyncio.create_task(departures.delete(office.ledger, kept.row.name, ADA))
    done = await asyncio.gather(deleting, using.refused(token), return_exceptions=True)
    assert not isinstance(done[0], BaseException)
    with pytest.raises(NeedsReauthorisation):
        await using.refused(await using.bearer())
    assert sealed_of(office, kept.row.id) == []


def test_other_days(monkeypatch: pytest.MonkeyPatch) -> None:
    assert idling.idle_days({"HAULAGE_IDLE_DAYS": "30"}) == 30
    for wrong in ("0", "-1", "soon", "inf", "nan"):
        with pytest.raises(Refused, match="no number of days"):
            idling.idle_days({"HAULAGE_IDLE_DAYS": wrong})
    assert service("box").authorisation is not None
