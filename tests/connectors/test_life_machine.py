"""The life of connectors as a machine: whatever people and the service do, each stands where it should."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from haulage.ledger import audit
from haulage.ledger import connectors as rows
from haulage.ledger.store import now_us
from haulage.model.errors import NeedsReauthorisation, Refused
from haulage.operations import accounts, authorise, connectors, departures, vaults
from testbed.sandbox import Sandbox
from tests.connectors.people import ADA, Office

PEOPLE = 3
DAY_US = 24 * 3600 * 1_000_000
people = st.integers(0, PEOPLE - 1)


class Known:
    """What has to be true of a connector. ended: the service has ended its authorisation, which nobody noticed yet."""

    def __init__(self, number: int, state: str) -> None:
        self.number = number
        self.state = state
        self.ended = False


class Lives(RuleBasedStateMachine):
    """Three people of Box, each with one connector at most; their connectors keep the person's name."""

    sandbox: Sandbox

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.office = Office(Path(self.folder.name), self.sandbox)
        self.accounts = self.office.people("box", "user")[:PEOPLE]
        self.known: dict[int, Known] = {}
        self.gone = 0

    def teardown(self) -> None:
        self.office.sandbox.no_faults()
        self.office.ledger.close()
        self.folder.cleanup()

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    def refused(self, work: Any) -> None:
        with pytest.raises((NeedsReauthorisation, Refused)):
            self.run(work)

    def name(self, person: int) -> str:
        return f"person {person}"

    @rule(person=people)
    def connect(self, person: int) -> None:
        work = self.office.connect
        if person in self.known:
            with pytest.raises(Refused, match="already"):
                self.office.draft("box", name=self.name(person))
            return
        kept = self.run(work("box", self.accounts[person], name=self.name(person)))
        self.known[person] = Known(kept.row.id, "authorised")

    @rule(person=people)
    def check(self, person: int) -> None:
        known, work = self.known.get(person), accounts.check(self.office.ledger, self.name(person))
        if known is None or known.state != "authorised" or known.ended:
            self.refused(work)
            if known is not None and known.state == "authorised":
                known.state = "needs_reauthorisation"
        else:
            assert self.accounts[person]["user"] in self.run(work).told

    @precondition(lambda self: self.known)
    @rule(person=people)
    def end_at_the_service(self, person: int) -> None:
        user = self.accounts[person]["user"]
        self.sandbox.do("box", "revoke_grant", user=user)
        self.sandbox.do("box", "expire_tokens", user=user)
        if person in self.known:
            self.known[person].ended = True

    @precondition(lambda self: self.known)
    @rule(person=people, other=people)
    def reauthorise(self, person: int, other: int) -> None:
        known = self.known.get(person)
        if known is None or known.state == "deleting":
            with pytest.raises(Refused):
                made = authorise.again(self.office.ledger, self.name(person), {})
                self.run(self.office.sign_in(made, self.accounts[person]))
            return
        made = authorise.again(self.office.ledger, self.name(person), {})
        if other != person:
            with pytest.raises(Refused, match="signed in, but the connector"):
                self.run(self.office.sign_in(made, self.accounts[other]))
            return
        self.run(self.office.sign_in(made, self.accounts[person]))
        known.state, known.ended = "authorised", False

    @precondition(lambda self: self.known)
    @rule(person=people, trouble=st.booleans())
    def delete(self, person: int, trouble: bool) -> None:
        known, work = self.known.get(person), departures.delete(self.office.ledger, self.name(person), ADA)
        if known is None:
            self.refused(work)
            return
        nothing = known.state == "deauthorised"
        if trouble:
            self.sandbox.fault(fault="F06", service="box", path="*revoke*")
        left = self.run(work)
        self.sandbox.no_faults()
        assert left.gone == (nothing or not trouble)
        if left.gone:
            del self.known[person]
            self.gone += 1
        else:
            known.state = "deleting"

    @rule()
    def ninety_days_pass(self) -> None:
        done = self.run(departures.deauthorise_idle(self.office.ledger, now_us() + 91 * DAY_US))
        idle = [one for one in self.known.values() if one.state in ("authorised", "needs_reauthorisation")]
        assert sorted(one.row.id for one in done) == sorted(one.number for one in idle)
        for one in idle:
            one.state = "deauthorised"

    @rule()
    def change_the_key(self) -> None:
        vaults.rotate(self.office.ledger, ADA)

    @invariant()
    def everything_stands_where_it_should(self) -> None:
        ledger = self.office.ledger
        assert {one["name"]: one["state"] for one in connectors.every(ledger)} == {
            self.name(person): known.state for person, known in self.known.items()
        }
        for known in self.known.values():
            row = ledger.read(rows.by_id, known.number)
            assert (row.tokens is None) == (row.state == "deauthorised")
        deleted = [one for one in ledger.read(rows.every, deleted=True) if one.state == "deleted"]
        assert len(deleted) == self.gone
        assert all(one.sealed is None and one.tokens is None for one in deleted)
        assert ledger.read(lambda connection: list(audit.broken(connection))) == []
        vaults.ready(ledger)


SOME = settings(max_examples=3, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(SOME, max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize("how", [SOME, pytest.param(MANY, marks=pytest.mark.slow)], ids=["some", "many"])
def test_lives_of_connectors(sandbox: Sandbox, how: settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAULAGE_BACKOFF_SECONDS", "0.02")
    monkeypatch.setenv("HAULAGE_ATTEMPTS", "3")
    Lives.sandbox = sandbox
    made: Callable[[], Lives] = Lives
    run_state_machine_as_test(made, settings=how)
