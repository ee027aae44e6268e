"""A folder of 100,000 entries: listed whole, and copied (T37)."""

from pathlib import Path

import pytest

from tests.clouds.person import Person

ENTRIES = 100_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service_id", ["onedrive-business", "onedrive"])
def test_a_wide_folder(person: Person, tmp_path: Path, service_id: str) -> None:
    """All of it arrives; a run after that asks what happened since, and lists nothing."""
    person.connect(service_id)
    made = person.sandbox.do("microsoft", "wide_folder", user=person.account(service_id), count=ENTRIES)
    assert made
    wide = f"{service_id}:/Wide"
    scan = person("scan", wide, "--json", timeout=600)
    assert scan.code == 0, scan.err
    assert scan.counts["listed"] == ENTRIES
    ran = person.copies(wide, tmp_path / "back", seconds=3000)
    assert (ran.counts["listed"], ran.counts["successful"], ran.counts["failed"]) == (ENTRIES, ENTRIES, 0)
    assert ran.counts["source_calls"]["ListChildren"] <= ENTRIES // 1000 + 1
    assert sum(1 for _ in (tmp_path / "back").iterdir()) == ENTRIES
    again = person.copies(wide, tmp_path / "back", seconds=600)
    assert (again.ended["status"], again.counts["unchanged"]) == (101, ENTRIES)
    assert set(again.counts["source_calls"]) == {"GetDrive", "GetItem", "Delta"}
