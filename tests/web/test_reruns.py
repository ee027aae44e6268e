"""Automatic reruns (spec, "Runs"): up to three after a retryable status, where at least one failure may pass."""

from collections.abc import Sequence
from typing import Any

import pytest

from haulage.engine.context import Options
from haulage.ledger import audit, work
from haulage.ledger import runs as run_rows
from haulage.ledger.runs import RunRow, TransferKey
from haulage.ledger.work import Settled
from haulage.model.errors import Refused
from haulage.model.outcome import Outcome, OutcomeKind, RunKind, Side, Status
from haulage.model.person import Role
from haulage.operations import notices, transfers
from haulage.operations.running import STOPPED
from haulage.operations.transfers import Ended
from tests.web.house import House, Visitor, words
from tests.web.test_going_on import set_run, until

SOME, ONLY, GOOD = Status.SOME_UPLOAD_ERRORS, Status.ONLY_UPLOAD_ERRORS, Status.SUCCESS
KEY = TransferKey("file:///a", "file:///b", "{}", "from:/a", "to:/b")


class Script:
    """Runs that end as they are told to: a status each, and the codes of the items that failed in it."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends: list[tuple[Status, Sequence[str]]] = []
        self.refused: Refused | None = None
        self.told: list[tuple[int, str]] = []
        self._house = house
        monkeypatch.setattr(transfers, "copy", self._copy)
        monkeypatch.setattr(notices, "tell", self._tell)

    async def _tell(self, _ledger: Any, run: int, who: str, _url: str) -> bool:
        self.told.append((run, who))
        return True

    async def _copy(
        self, ledger: Any, source: Any, _destination: Any, _options: Any, watch: Any, *, create: bool
    ) -> Any:
        if self.refused is not None and self.runs():
            raise self.refused
        transfer = await ledger.run(run_rows.transfer_id, KEY)
        run = await ledger.run(run_rows.start, transfer, RunKind.COPY, "test")
        watch.tell("started", run=run.id, transfer=transfer, source=source.location, destination="")
        status, codes = self.ends.pop(0)
        failed = [
            Settled(Outcome(number, f"file {number}", OutcomeKind.FAILED, code=code, side=Side.DESTINATION))
            for number, code in enumerate(codes, 1)
        ]
        await ledger.run(work.commit, run.id, failed, {}, {})
        await ledger.run(run_rows.finish, run.id, status, {}, None)
        return Ended(await ledger.run(run_rows.get, run.id), status)

    def runs(self) -> list[RunRow]:
        """All of them, oldest first."""
        return self._house.ledger.read(run_rows.newest, 100)[::-1]

    async def play(self, *ends: tuple[Status, Sequence[str]]) -> list[RunRow]:
        """Start one, and see it and its reruns through: until somebody is told."""
        self.ends, told = list(ends), len(self.told)
        await self._house.app.state.runner.start("from:/a", "to:/b", Options(), audit.Actor("ada", "web"))
        await until(lambda: len(self.told) > told)
        return self.runs()


@pytest.fixture
def script(house: House, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Of the runs of a house."""
    return Script(house, monkeypatch)


async def test_what_may_pass_is_run_again_until_it_is_good(house: House, script: Script) -> None:
    """By itself, in the name of whoever started it, who is told of the last run alone; each run says what followed."""
    runs = await script.play((SOME, ["name_refused", "transient"]), (ONLY, ["hash"]), (GOOD, []))
    assert [one.status for one in runs] == [SOME, ONLY, GOOD]
    assert script.told == [(3, "ada")]
    assert [one.message for one in runs] == [
        "some failures may pass, so it was run again by itself as run 2 (rerun 1 of at most 3)",
        "some failures may pass, so it was run again by itself as run 3 (rerun 2 of at most 3)",
        None,
    ]
    started = [house.ledger.read(audit.of, f"run {number}")[0] for number in (1, 2, 3)]
    assert [(one.who, one.origin, one.event) for one in started] == [
        ("ada", origin, "run start") for origin in ("web", "rerun", "rerun")
    ]


async def test_at_most_three_times(script: Script) -> None:
    """Four runs in all, and then it is as it is."""
    runs = await script.play(*[(SOME, ["transient"])] * 5)
    assert [one.status for one in runs] == [SOME] * 4
    assert script.told == [(4, "ada")]
    assert runs[-1].message is None


async def test_a_restart_begins_no_new_count(house: House, script: Script) -> None:
    """The process ended during the second rerun: what goes on in the next one counts as the second."""
    await script.play((SOME, ["transient"]), (SOME, ["transient"]), (GOOD, []))
    set_run(house.ledger, 3, status=int(Status.PAUSED), message=STOPPED)
    script.ends, told = [(SOME, ["transient"])] * 3, len(script.told)
    assert await house.app.state.runner.resume_interrupted() == [4]
    await until(lambda: len(script.told) > told)
    assert [one.id for one in script.runs()] == [1, 2, 3, 4, 5]
    assert "(rerun 3 of at most 3)" in (script.runs()[3].message or "")


@pytest.mark.parametrize(
    "end",
    [
        (SOME, ["name_refused", "too_large", "permission", "blocked"]),
        (Status.LISTING_INCOMPLETE, ["transient"]),
        (Status.QUOTA_EXCEEDED, ["transient"]),
        (Status.CANNOT_CONNECT, []),
        (GOOD, []),
    ],
)
async def test_what_stays_as_it_is_is_not_repeated(script: Script, end: tuple[Status, Sequence[str]]) -> None:
    """Failures that only a person can mend, and statuses that are final."""
    assert len(await script.play(end, (GOOD, []))) == 1


async def test_what_was_killed_is_run_again_whatever_it_wrote(script: Script) -> None:
    """404 tells of the run, not of items."""
    assert len(await script.play((Status.CRASHED, []), (GOOD, []))) == 2


async def test_a_rerun_that_cannot_begin_is_told(script: Script) -> None:
    """The connector was deleted meanwhile, say: the run says so, and whoever started it is told."""
    script.refused = Refused("there is no connector 'to'", "Choose another.")
    (run,) = await script.play((SOME, ["transient"]))
    assert run.message == "not run again by itself: there is no connector 'to'"
    assert script.told == [(1, "ada")]


async def test_pages_lead_to_the_rerun(house: House, script: Script) -> None:
    """A page that watches the first run is loaded anew once it is known what follows, and names the later run."""
    house.person("ada", Role.ADMIN)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    await script.play((SOME, ["transient"]), (GOOD, []))
    assert (await visitor.get("/runs/1/events")).text == "event: ended\ndata: \n\n"
    page = await visitor.get("/runs/1")
    assert 'href="/runs/2"' in page.text
    assert "run again by itself as run 2" in words(page)
    assert "run again since" not in words(await visitor.get("/runs/2"))
    await visitor.close()
