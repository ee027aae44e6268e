"""Copies that the service makes by itself: proven before they have their name, and sent where it does not make them."""

from pathlib import Path
from typing import Any

import pytest

from haulage.engine import within
from haulage.model.errors import AuthLost, Blocked, Conflict, Denied, HaulageError, OutcomeUnknown, SessionGone
from haulage.model.item import Carried, Item, Written
from haulage.model.outcome import Status
from haulage.services.contract import Drive, Json
from tests.unit.engine.drives import MemoryDrive, copy, open_ledger

FILES = {"a": b"1", "b/c": b"22", "b/empty": b"", "d": bytes(200_000)}


class Copier(MemoryDrive):
    """Copies from other drives of memory. copies: under their attempts' names; lost: answers that do not come.

    refusal: what it says instead; damage: what it makes of the bytes; stops: placing ends the run, so often.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        super().__init__("memory://target", files)
        self.copies: dict[str, bytes] = {}
        self.refusal: HaulageError | None = None
        self.damage = b""
        self.lost = False
        self.stops = 0

    def copies_from(self, source: Drive) -> bool:
        """From those that are no copiers themselves."""
        return isinstance(source, MemoryDrive)

    async def begin_copy(self, source: Drive, item: Item, path: str, attempt: str) -> Json:
        """Made at once, and told later."""
        self.called["begin_copy"] += 1
        if self.refusal is not None:
            raise self.refusal
        assert isinstance(source, MemoryDrive)
        self.copies[attempt] = source.files[item.path] + self.damage
        if self.lost:
            raise OutcomeUnknown("no answer")
        return {"path": path, "attempt": attempt, "copy": True, "monitor": 1}

    async def copied(self, state: Json) -> Written | None:
        """Not at the first look."""
        if state["attempt"] not in self.copies:
            raise SessionGone(state["path"])
        if state.get("monitor") == 1:
            state["monitor"] = 2
            return None
        self.files[".made"] = self.copies[state["attempt"]]
        made = self.written(".made")
        del self.files[".made"]
        return made

    async def place(self, state: Json, made: Written, carried: Carried) -> Written:
        """Under its name."""
        if self.stops:
            self.stops -= 1
            raise AuthLost("signed out")
        if state["path"] in self.files:
            raise Conflict(state["path"])
        self.files[state["path"]] = self.copies.pop(state["attempt"])
        return self.written(state["path"])

    async def abort(self, state: dict[str, Any]) -> None:
        """Copies too."""
        self.copies.pop(state["attempt"], None)
        await super().abort(state)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No case waits long."""
    monkeypatch.setattr(within, "FIRST_WAIT_SECONDS", 0.001)


async def test_no_byte_comes_here(tmp_path: Path) -> None:
    """All but empty files are the service's work; a second run finds nothing to do."""
    source, target, ledger = MemoryDrive("memory://source", FILES), Copier(), open_ledger(tmp_path)
    ran = await copy(ledger, source, target)
    assert (ran.status, target.files, target.copies) == (Status.SUCCESS, FILES, {})
    assert (source.called["open"], target.called["put"], target.called["finish"]) == (1, 1, 0)
    assert (ran.counts.sent_bytes, ran.counts.successful) == (0, len(FILES))
    assert (await copy(ledger, source, target)).status == Status.NOTHING_TO_COPY


@pytest.mark.parametrize("refusal", [Denied("not yours"), Blocked("not here")])
async def test_what_the_service_does_not_copy_is_sent(tmp_path: Path, refusal: HaulageError) -> None:
    """Whatever it says, but for what concerns the whole run."""
    target = Copier()
    target.refusal = refusal
    ran = await copy(open_ledger(tmp_path), MemoryDrive("memory://source", FILES), target)
    assert (ran.status, target.files) == (Status.SUCCESS, FILES)


async def test_a_damaged_copy_never_gets_the_name(tmp_path: Path) -> None:
    """It is removed, and the file sent."""
    target = Copier()
    target.damage = b"!"
    ran = await copy(open_ledger(tmp_path), MemoryDrive("memory://source", FILES), target)
    assert (ran.status, target.files, target.copies) == (Status.SUCCESS, FILES, {})


async def test_a_lost_answer_is_looked_for(tmp_path: Path) -> None:
    """The copy that was made serves; none is asked for twice."""
    target = Copier()
    target.lost = True
    ran = await copy(open_ledger(tmp_path), MemoryDrive("memory://source", FILES), target)
    assert (ran.status, target.files, target.copies) == (Status.SUCCESS, FILES, {})
    assert (target.called["begin_copy"], target.called["put"]) == (3, 1)


async def test_a_run_that_was_stopped_goes_on_with_its_copy(tmp_path: Path) -> None:
    """Nothing is copied twice, and nothing is left beside it."""
    files = {"a": b"1"}
    source, target, ledger = MemoryDrive("memory://source", files), Copier(), open_ledger(tmp_path)
    target.stops = 1
    assert (await copy(ledger, source, target)).status == Status.AUTHORISATION_FAILED
    assert (len(target.copies), target.files) == (1, {})
    assert (await copy(ledger, source, target)).status == Status.SUCCESS
    assert (target.files, target.copies, target.called["begin_copy"]) == (files, {}, 1)


async def test_a_copy_of_what_is_another_file_by_now_is_removed(tmp_path: Path) -> None:
    """It is copied anew, in the revision that is there."""
    source, target, ledger = MemoryDrive("memory://source", {"a": b"1"}), Copier(), open_ledger(tmp_path)
    target.stops = 1
    await copy(ledger, source, target)
    source.files["a"] = b"2"
    assert (await copy(ledger, source, target)).status == Status.SUCCESS
    assert (target.files, target.copies, target.called["begin_copy"]) == ({"a": b"2"}, {}, 2)


async def test_a_name_that_another_file_has(tmp_path: Path) -> None:
    """Both are kept; what came there while the service copied is found then."""

    class Late(Copier):
        async def copied(self, state: Json) -> Written | None:
            self.files.setdefault("a", b"another's")
            return await super().copied(state)

    target = Late()
    ran = await copy(open_ledger(tmp_path), MemoryDrive("memory://source", {"a": b"1"}), target)
    assert ran.said == {"a": "kept_both"}
    assert (target.files, target.copies) == ({"a": b"another's", "a (2)": b"1"}, {})
