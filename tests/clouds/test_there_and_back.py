"""Awkward trees to a drive in the cloud and back: contents, names and times; what rclone sees there; second runs."""

import json
from pathlib import Path

import pytest

from haulage.model.naming import fit, fold
from haulage.services.registry import service
from testbed.content import Tree, fill_folder, made, read_folder
from tests.clouds.person import SERVICES, Person, sampled


def drive_options(person: Person, service_id: str) -> dict[str, str]:
    """What rclone has to be told of the drive besides."""
    if service_id == "dropbox":
        return {}
    kind = "personal" if service_id == "onedrive" else "business"
    return {"drive_type": kind, "drive_id": drive_id(person, service_id)}


def drive_id(person: Person, service_id: str) -> str:
    """The drive, by what the sandbox saw of the calls to it."""
    seen = person.sandbox.history("changes", service="microsoft")
    return str(seen[-1]["drive"])


def told_targets(person: Person, run: int) -> dict[str, str]:
    """Source path -> name at the destination, as the log of that run tells it."""
    log = person("log", str(run), "--json")
    assert log.code == 0, log.err
    rows = [json.loads(line) for line in log.out.splitlines()]
    return {row["path"]: row.get("target") or row["path"] for row in rows if "path" in row}


def there_and_back(person: Person, service_id: str, tree: Tree, folder: Path, seconds: float) -> None:
    """From a folder to the drive, again, and into another folder."""
    source, back = folder / "source", folder / "back"
    fill_folder(tree, source)
    person.connect(service_id)
    there = person.at(service_id, "there and back")
    first = person.copies(source, there, seconds=seconds)
    listed = sum(1 for _ in source.rglob("*"))
    assert first.counts["successful"] == first.counts["listed"] == listed
    again = person.copies(source, there, seconds=seconds)
    assert (again.ended["status"], again.counts["sent_bytes"], again.counts["unchanged"]) == (101, 0, listed)

    person.copies(there, back, seconds=seconds)
    targets = told_targets(person, first.ended["run"])
    digests = tree.digests()
    assert read_folder(back) == {targets[path]: digest for path, digest in digests.items()}
    traits = service(service_id).traits
    assert traits is not None and traits.times is not None
    folds = {fold(fit(path, traits.names).path, traits.names) for path in digests}
    kept = [path for path in digests if fit(path, traits.names).path == path]
    assert len(kept) > len(digests) * 0.8
    assert len(folds) <= len(set(targets.values())) == len(targets)
    for entry in tree.files:
        found = (back / targets[entry.path]).stat().st_mtime_ns // 1000
        assert found // traits.times == entry.modified_us // traits.times, entry.path

    rclone = person.rclone(service_id, folder, **drive_options(person, service_id))
    rclone("check", str(back), "it:there and back", "--checkers", "8")


@pytest.mark.parametrize("service_id", sampled())
def test_an_awkward_tree_there_and_back(person: Person, tmp_path: Path, service_id: str) -> None:
    """Every name of the catalogue, several sizes, one file in several parts."""
    there_and_back(person, service_id, made(21, 40, largest=11 * 1024 * 1024), tmp_path, 300)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service_id", SERVICES)
def test_five_thousand_awkward_files_there_and_back(person: Person, tmp_path: Path, service_id: str) -> None:
    """The same, at length."""
    there_and_back(person, service_id, made(22, 4900, largest=21 * 1024 * 1024), tmp_path, 1800)
