"""A folder of 100,000 entries: listed whole, and copied (T37)."""

from pathlib import Path

import pytest

from tests.clouds.person import Person

ENTRIES = 100_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service_id", ["onedrive-business", "onedrive", "office365"])
def test_a_wide_folder(person: Person, tmp_path: Path, service_id: str) -> None:
    """All of it arrives (of a library, to which the same client speaks, each tenth file); a run after that asks what
    happened since, and lists nothing."""
    person.connect(service_id)
    made = person.sandbox.do("microsoft", "wide_folder", **person.drive(service_id), count=ENTRIES)
    assert made
    wide, some, copied = person.at(service_id, "Wide"), (), ENTRIES
    if service_id == "office365":
        some, copied = ("--include", "*0.txt"), ENTRIES // 10
    scan = person("scan", wide, "--json", timeout=600)
    assert scan.code == 0, scan.err
    assert scan.counts["listed"] == ENTRIES
    ran = person.copies(wide, tmp_path / "back", *some, seconds=3000)
    assert (ran.counts["listed"], ran.counts["successful"], ran.counts["failed"]) == (ENTRIES, copied, 0)
    assert ran.counts["skipped"] == ENTRIES - copied
    assert ran.counts["source_calls"]["ListChildren"] <= ENTRIES // 1000 + 1
    assert sum(1 for _ in (tmp_path / "back").iterdir()) == copied
    again = person.copies(wide, tmp_path / "back", *some, seconds=600)
    assert (again.ended["status"], again.counts["unchanged"]) == (101, copied)
    assert set(again.counts["source_calls"]) - {"GetDrive", "GetSite", "ListDrives"} == {"GetItem", "Delta"}
