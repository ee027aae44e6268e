"""Awkward trees to a drive in the cloud and back: contents, names and times; what rclone sees there; second runs."""

import hashlib
import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from egnyte import EgnyteClient

from haulage.model.naming import fit, fold, length
from haulage.services.registry import service
from testbed.content import Tree, fill_folder, made, read_folder
from tests.clouds.person import SERVICES, TINY, Person, sampled
from tests.connectors.people import VENDORS

KINDS = {"onedrive": "personal", "onedrive-business": "business", "office365": "documentLibrary"}
"""rclone's names for Microsoft's kinds of drives."""


def drive_options(person: Person, service_id: str) -> dict[str, str]:
    """What rclone has to be told of the drive besides."""
    if VENDORS[service_id] == "google":
        return {"scope": "drive"}
    if VENDORS[service_id] != "microsoft":
        return {}
    return {"drive_type": KINDS[service_id], "drive_id": drive_id(person, service_id)}


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
    tree = fitting(tree, service_id)
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

    if service_id == "egnyte":
        assert egnyte_shown(person, there.partition(":")[2]) == read_folder(back)
        return
    rclone = person.rclone(service_id, folder, **drive_options(person, service_id))
    rclone("check", str(back), "it:there and back", "--checkers", "8")


def fitting(tree: Tree, service_id: str) -> Tree:
    """Without the names that are too long for a service: those are refused, which the contract's cases try."""
    traits = service(service_id).traits
    assert traits is not None
    longest, unit = traits.names.longest_part or 10_000, traits.names.unit
    short = [one for one in tree.files if all(length(part, unit) <= longest for part in one.path.split("/"))]
    return Tree(short, tree.empty_folders)


def egnyte_shown(person: Person, path: str) -> dict[str, str]:
    """What Egnyte's own client sees below a folder: path -> SHA-256 of what it reads."""
    client, found, waiting = person.egnyte(), dict[str, str](), [path]
    with patch.dict(os.environ, person.sandbox.client_env):
        while waiting:
            folders, files = egnyte_listed(client, waiting.pop())
            waiting += folders
            for one in files:
                with client.file(one).download() as body:
                    found[one.removeprefix(f"{path}/")] = hashlib.sha256(body.read()).hexdigest()
    return found


def egnyte_listed(client: EgnyteClient, path: str) -> tuple[list[str], list[str]]:
    """Paths of the folders and files in a folder, by pages: the client's own list() asks for the first page alone."""
    url, folders, files = client.folder(path)._url, list[str](), list[str]()  # which it has no other name for
    while True:
        told = client.GET(url, params={"offset": len(folders) + len(files)}).json()
        page = [[one["path"] for one in told.get(kind, ())] for kind in ("folders", "files")]
        folders, files = folders + page[0], files + page[1]
        if not any(page) or len(folders) + len(files) >= told["total_count"]:
            return folders, files


@pytest.mark.parametrize("service_id", sampled())
def test_an_awkward_tree_there_and_back(person: Person, tmp_path: Path, service_id: str) -> None:
    """Every name of the catalogue, several sizes, one file in several parts."""
    there_and_back(person, service_id, made(21, 40, largest=11 * 1024 * 1024), tmp_path, 300)


@pytest.mark.parametrize("service_id", TINY)
def test_a_few_files_there_and_back(person: Person, tmp_path: Path, service_id: str) -> None:
    """A few plain ones and an empty folder."""
    there_and_back(person, service_id, made(23, 8, largest=100_000, awkward=False), tmp_path, 120)


def test_a_small_budget_is_told_before_the_start(person: Person, tmp_path: Path) -> None:
    """Egnyte takes few calls: how many are used and needed, how long that is, and how to be allowed more."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("a")
    person.connect("egnyte")
    there = person.at("egnyte", "budget")
    person.sandbox.settings(service="egnyte", quotas={"calls a second": 50, "calls a day": 1_000})
    try:
        person.copies(tmp_path / "source", there)
        ran = person("copy", there, str(tmp_path / "back"), "--dry-run")
    finally:
        person.sandbox.settings(service="egnyte", quotas_off=True)
    assert ran.code == 0, ran.err
    assert "Egnyte takes 50 calls a second and 1,000 a day" in ran.err
    assert "2 items need about 2 calls" in ran.err
    assert "partners@egnyte.com" in ran.err


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service_id", SERVICES)
def test_five_thousand_awkward_files_there_and_back(person: Person, tmp_path: Path, service_id: str) -> None:
    """The same, at length."""
    there_and_back(person, service_id, made(22, 4900, largest=21 * 1024 * 1024), tmp_path, 1800)
