"""Copies from one folder of a drive to another: the service makes them by itself, and no byte comes here."""

from pathlib import Path

import pytest

from haulage.services.registry import service
from testbed.content import Tree, fill_folder, made, read_folder
from tests.clouds.person import Person, killed_after

BYTES = {"download", "PUT uploadUrl"}
"""What the sandbox calls the calls that carry content."""

COPY = "POST /drives/{drive}/items/{item}/copy"
SAMPLE = "onedrive-business"
OTHERS = ("onedrive", "office365")


def operations(person: Person, before: int) -> set[str]:
    """The calls since then. Those of Graph itself come from a User-Agent in the form that Microsoft asks for."""
    seen = person.sandbox.history(service="microsoft", after=before)
    agents = {one["agent"] for one in seen if one["host"] == "graph.microsoft.com"}
    assert agents
    assert all(one.startswith("NONISV|Haulage|Haulage/") for one in agents)
    return {one["operation"] for one in seen}


def filled(person: Person, service_id: str, folder: Path, files: int) -> Tree:
    """A tree in a folder of the drive that is named by how many files there are."""
    tree = made(41, files, awkward=False, largest=11 * 1024 * 1024)
    fill_folder(tree, folder / "source")
    person.connect(service_id)
    person.copies(folder / "source", person.at(service_id, f"{files} files"))
    return tree


def arrived(person: Person, service_id: str, place: str, folder: Path, tree: Tree) -> None:
    """All of the tree is there, with its times."""
    traits = service(service_id).traits
    assert traits is not None
    assert traits.times is not None
    person.copies(person.at(service_id, place), folder / place)
    assert read_folder(folder / place) == tree.digests()
    for entry in tree.files:
        found = (folder / place / entry.path).stat().st_mtime_ns // 1000
        assert found // traits.times == entry.modified_us // traits.times, entry.path


@pytest.mark.parametrize("service_id", [SAMPLE, *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)])
def test_a_copy_within_a_drive(person: Person, tmp_path: Path, service_id: str) -> None:
    """Contents and times are those of the source; nothing was read or sent."""
    tree = filled(person, service_id, tmp_path, 5)
    before = person.sandbox.calls
    ran = person.copies(person.at(service_id, "5 files"), person.at(service_id, "to"))
    assert (ran.counts["sent_bytes"], ran.counts["failed"]) == (0, 0)
    assert not BYTES & operations(person, before)
    arrived(person, service_id, "to", tmp_path, tree)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("service_id", [SAMPLE, *OTHERS])
def test_troubled_copies_within_a_drive(person: Person, tmp_path: Path, service_id: str) -> None:
    """What the service fails to copy is sent (F08); killed runs leave nothing beside it (F48)."""
    tree = filled(person, service_id, tmp_path, 12)
    there, sandbox = person.at(service_id, "12 files"), person.sandbox
    sandbox.fault(fault="async_failure", service="microsoft", operation=COPY, times=2)
    before = sandbox.calls
    person.copies(there, person.at(service_id, "failing"))
    sandbox.no_faults()
    assert operations(person, before) >= BYTES
    arrived(person, service_id, "failing", tmp_path, tree)

    killed, kills = person.at(service_id, "killed"), 0
    sandbox.settings(service="microsoft", latency_seconds=0.15)
    try:
        for number in range(12):
            kills += killed_after(person, 0.8 + 0.15 * number, "copy", there, killed)
    finally:
        sandbox.settings(service="microsoft", latency_seconds=0)
    assert kills
    person.copies(there, killed)
    assert person.copies(there, killed).ended["status"] == 101
    arrived(person, service_id, "killed", tmp_path, tree)
