"""An organisation's users found on both sides, matched and moved together."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.clouds.person import Person

FROM, TO = "dropbox-business", "box-enterprise"


def found(person: Person) -> dict[str, Any]:
    """A migration with everybody in it, and what was discovered."""
    for service_id in (FROM, TO):
        person.connect(service_id)
    assert person("migrations", "create", "Everybody", FROM, TO).code == 0
    return person("migrations", "discover", "Everybody", "--add", "--json").events[0]


def test_users_are_discovered_and_matched(person: Person) -> None:
    """By e-mail address, each once; who has nobody at the other side is named. A second time adds nobody."""
    told = found(person)
    assert told["added"] == len(told["taken"]) > 3
    assert {one["how"] for one in told["taken"]} == {"email"}
    assert all(one["source"]["path"].lower() == one["destination"]["path"].lower() for one in told["taken"])
    assert len({one["destination"]["path"] for one in told["taken"]}) == len(told["taken"])
    assert told["sources"], "team folders of Dropbox are nobody's at Box"
    assert person("migrations", "discover", "Everybody", "--add", "--json").events[0]["added"] == 0
    assert len(person("migrations", "show", "Everybody", "--json").events) == told["added"] + 1


@pytest.mark.slow
def test_two_users_are_moved(person: Person, tmp_path: Path) -> None:
    """All that they have arrives; what their service withholds is told, with its reason, and with nobody else's."""
    found(person)
    rows = person("migrations", "show", "Everybody", "--json").events[:2]
    for row in rows:
        ran = person("migrations", "start", "Everybody", "--filter", f"id:{row['id']}", "--json", timeout=900)
        assert ran.code in (0, 3), ran.err
    assert person("migrations", "report", "Everybody", "--output", str(tmp_path)).code == 0
    with (tmp_path / "errors.csv").open(encoding="utf-8-sig") as lines:
        errors = list(csv.DictReader(lines))
    assert {one["Username"] for one in errors} <= {one["source"] for one in rows}
    assert all("restricted_content" in one["Error Message"] for one in errors), errors
    for row in person("migrations", "show", "Everybody", "--json").events[:2]:
        counts = row["run"]["counts"]
        proven = counts["successful"] + counts["unchanged"]
        assert counts["source_complete"] and counts["target_complete"]
        assert proven + counts["unsupported"] + counts["failed"] == counts["listed"]
        assert proven > 0


@pytest.mark.slow
def test_what_scans_find_is_reported(person: Person, tmp_path: Path) -> None:
    """Of everybody that was scanned: as many items as were listed; what Box does not take as it is, by name."""
    found(person)
    scanned = person("migrations", "scan", "Everybody", "--json", timeout=600)
    assert scanned.code in (0, 3), scanned.err
    listed = sum(one["counts"]["listed"] for one in scanned.events if "counts" in one)
    told = person("migrations", "scan-report", "Everybody", "--output", str(tmp_path), "--json").events[0]
    with zipfile.ZipFile(told["zip"]) as packed:
        texts = {name: packed.read(name).decode("utf-8-sig") for name in packed.namelist()}
    tables = {name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in texts.items()}
    summary = tables["ScanSummaryReport.csv"]
    assert len(summary) == told["totals"]["Users"] > 3
    counted = (int(one[name] or 0) for one in summary for name in ("Files", "Folders", "Cannot Be Copied"))
    assert sum(counted) == listed > 0
    assert sum(int(one["Files"]) for one in tables["FilesExtensionReport.csv"]) == told["totals"]["Files"]
    assert any("Box takes 240 uploads a minute" in one["Bound By"] for one in summary)
