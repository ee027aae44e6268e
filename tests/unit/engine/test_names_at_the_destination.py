"""Names at the destination that are taken, or that leave no room."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from haulage.engine import plan
from haulage.ledger.codec import load
from haulage.ledger.schema import items, outcomes
from haulage.ledger.store import Connection, Ledger
from haulage.model.errors import NameRefused
from haulage.model.item import Carried, Written
from haulage.model.naming import NameRules
from haulage.model.outcome import Status
from haulage.services.contract import Precondition
from tests.unit.engine.drives import TRAITS, MemoryDrive, copy, open_ledger


class Narrow(MemoryDrive):
    """A destination that takes three bytes of a path, and no colon."""

    traits = msgspec.structs.replace(TRAITS, names=NameRules(forbidden=":", longest_path=3))


async def test_a_name_without_room_for_a_number_fails_and_the_others_are_copied(tmp_path: Path) -> None:
    """Both become a/_ there, and "a/_ (2)" is too long (T42)."""
    source = MemoryDrive("memory://source", {"a/:": b"1", "a/_": b"2", "b": b"3"})
    target = Narrow("memory://target")
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.status, ran.said) == (
        Status.SOME_UPLOAD_ERRORS,
        {"a/:": "name_refused", "a/_": "verified", "b": "verified"},
    )
    assert target.files == {"a/_": b"2", "b": b"3"}


async def test_a_file_gets_a_name_of_its_own_where_its_own_was_given_away(tmp_path: Path) -> None:
    """Both hold the same, so that one copy could seem to do for both; then one of them changes (I4, T42)."""
    ledger, source = open_ledger(tmp_path), MemoryDrive("memory://source", {"a": b"1"})
    target = MemoryDrive("memory://target", {"a": b"a stranger's"})
    assert (await copy(ledger, source, target)).said == {"a": "kept_both"}
    assert target.files == {"a": b"a stranger's", "a (2)": b"1"}
    source.files["a (2)"] = b"1"
    await copy(ledger, source, target)
    source.files["a"] = b"2"
    ran = await copy(ledger, source, target)
    assert (ran.status, ran.said) == (Status.SUCCESS, {"a": "verified"})
    assert target.files == {"a": b"a stranger's", "a (2)": b"2", "a (2) (2)": b"1"}
    assert (await copy(ledger, source, target)).status == Status.NOTHING_TO_COPY


class Fussy(MemoryDrive):
    """A destination that refuses what its rules do not tell of: questions, and names of more than 60 bytes."""

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Refused, or as ever."""
        if "?" in path or len(path.encode()) > 60:
            raise NameRefused(f"no {path!r} here")
        return await super().put(path, body, carried, digests, condition)


def take_offers(ledger: Ledger) -> list[str]:
    """A person takes what the newest run offers. Returns that."""

    def take(connection: Connection) -> list[str]:
        rows = connection.execute(outcomes.select().order_by(outcomes.c.run_id.desc())).all()
        newest = {row.item_id: load(row.evidence)["offered"] for row in rows if row.run_id == rows[0].run_id}
        for item, name in newest.items():
            chosen = {"target": name, "target_key": name, "chosen": 1}
            connection.execute(items.update().where(items.c.id == item).values(chosen))
        return [*newest.values()]

    return ledger.do(take)


async def test_what_only_the_service_refuses_is_offered_more_cautiously_until_it_is_taken(tmp_path: Path) -> None:
    """And the name stays: for a second run, for a new version, and where somebody removed it there."""
    ledger, path = open_ledger(tmp_path), f"{'why ' * 20}?.txt"
    source, target = MemoryDrive("memory://source", {path: b"1"}), Fussy("memory://target")
    assert (await copy(ledger, source, target)).said == {path: "name_refused"}
    assert take_offers(ledger) == [path.replace("?", "_")]
    assert (await copy(ledger, source, target)).said == {path: "name_refused"}
    (name,) = take_offers(ledger)
    assert (await copy(ledger, source, target)).said == {path: "verified"}
    assert target.files == {name: b"1"} and len(name) <= 60 and name.endswith(".txt")
    assert (await copy(ledger, source, target)).status == Status.NOTHING_TO_COPY
    source.files[path] = b"22"
    assert (await copy(ledger, source, target)).said == {path: "verified"}
    assert target.files == {name: b"22"}
    target.files.clear()
    assert (await copy(ledger, source, target)).said == {path: "verified"}
    assert target.files == {name: b"22"}


async def test_an_offered_name_that_is_taken_meanwhile_gets_a_number(tmp_path: Path) -> None:
    """By a stranger's file at the destination, or by another item: nothing is overwritten."""
    ledger, source = open_ledger(tmp_path), MemoryDrive("memory://source", {"why?": b"1"})
    target = Fussy("memory://target", {"why_": b"a stranger's"})
    await copy(ledger, source, target)
    assert take_offers(ledger) == ["why_"]
    source.files["why_ (2)"] = b"2"
    assert (await copy(ledger, source, target)).said == {"why?": "kept_both", "why_ (2)": "verified"}
    assert target.files == {"why_": b"a stranger's", "why_ (2)": b"2", "why_ (3)": b"1"}
    assert (await copy(ledger, source, target)).status == Status.NOTHING_TO_COPY


class Folding(MemoryDrive):
    """A destination to which "A" is "a"."""

    traits = msgspec.structs.replace(TRAITS, names=NameRules(case_sensitive=False))


async def test_names_are_told_apart_whatever_is_decided_on_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy begins with a few items, and a name among these is given away to none of those that follow."""
    names = [f"{name}{number}" for number in range(6) for name in ("a", "A", "b", "B (2)")]
    source = MemoryDrive("memory://source", {name: name.encode() for name in names})
    said = []
    for first in (2, plan.FIRST_PAGE):
        monkeypatch.setattr(plan, "FIRST_PAGE", first)
        target = Folding(f"memory://target {first}")
        (tmp_path / str(first)).mkdir()
        ran = await copy(open_ledger(tmp_path / str(first)), source, target)
        assert (ran.status, sorted(target.files.values())) == (Status.SUCCESS, sorted(source.files.values()))
        assert len({name.casefold() for name in target.files}) == len(names)
        said.append(target.files)
    assert said[0] == said[1]


class New(MemoryDrive):
    """A destination whose root was made when it was looked for."""

    root_is_new = True

    async def tree(self, cursor: str | None) -> None:  # type: ignore[override]  # nothing is to come of it
        """Nothing lies in it."""
        raise AssertionError("what was made a moment ago is not listed")


async def test_what_others_put_into_a_new_root_is_found_when_it_is_in_the_way(tmp_path: Path) -> None:
    """It is not listed; so a file that came since is met when its name is taken, and left alone."""
    source = MemoryDrive("memory://source", {"a": b"1", "b": b"2", "c": b"3"})
    target = New("memory://target", {"a": b"a stranger's", "b": b"2"})
    ran = await copy(open_ledger(tmp_path), source, target)
    assert (ran.status, ran.said) == (Status.SUCCESS, {"a": "kept_both", "b": "verified", "c": "verified"})
    assert target.files == {"a": b"a stranger's", "a (2)": b"1", "b": b"2", "c": b"3"}
    assert ran.counts.adopted == 1
