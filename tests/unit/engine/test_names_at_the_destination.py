"""Names at the destination that are taken, or that leave no room."""

from pathlib import Path

import msgspec

from haulage.model.naming import NameRules
from haulage.model.outcome import Status
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
