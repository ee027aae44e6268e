"""Between every two services of the sandbox: whatever is at the source is at the destination, once, with its content.

What the services saw is asked, and neither our ledger nor our own listings: the sandbox's history of changes.
"""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from testbed.content import Tree, fill_folder, made
from tests.clouds.person import MATRIX, Person
from tests.clouds.test_there_and_back import fitting, told_targets
from tests.connectors.people import VENDORS

SAMPLE = (("box", "egnyte"), ("egnyte", "google-drive"))
"""Tried in every test run, with few items; all pairs with many in the long one."""

PLAIN, AWKWARD_ONLY = 220, 26


def awkward(files: int) -> Tree:
    """Some 300 items with every name of the catalogue that all services take; or just awkward ones."""
    tree = made(41, files)
    for service_id in MATRIX:
        tree = fitting(tree, service_id)
    return tree


def settle(person: Person, service_id: str, tree: Tree, folder: Path, seconds: float) -> dict[str, str]:
    """The tree at a service; path there -> SHA-256."""
    fill_folder(tree, folder)
    ran = person.copies(folder, person.at(service_id, "pairs"), seconds=seconds)
    assert ran.counts["successful"] == ran.counts["listed"]
    targets = told_targets(person, ran.ended["run"])
    return {targets[path]: digest for path, digest in tree.digests().items()}


def arrive(person: Person, source: str, target: str, wanted: dict[str, str], seconds: float) -> None:
    """Copy from one to the other, and hold it against what the sandbox saw."""
    place, before = f"from {source}", person.sandbox.calls
    ran = person.copies(person.at(source, "pairs"), person.at(target, place), seconds=seconds)
    assert ran.counts["successful"] == ran.counts["listed"] >= len(wanted)
    targets = told_targets(person, ran.ended["run"])
    seen = written(person, target, before)
    inside = [(path.partition(f"/{place}/")[2], digest) for path, digest in seen if f"/{place}/" in path]
    assert len(inside) == len(seen) == len(wanted), "something was written twice, elsewhere, or not at all"
    assert dict(inside) == {targets[path]: digest for path, digest in wanted.items()}
    if VENDORS[source] != VENDORS[target]:
        assert person.sandbox.history("changes", service=VENDORS[source], after=before) == []


def written(person: Person, service_id: str, before: int) -> list[tuple[str, str]]:
    """Path and SHA-256 of every content that became visible at a vendor since then."""
    changes: list[dict[str, Any]] = person.sandbox.history("changes", service=VENDORS[service_id], after=before)
    return [(str(one["path"]), str(one["sha256"])) for one in changes if one["sha256"]]


@pytest.mark.parametrize(("source", "target"), SAMPLE)
def test_a_pair(person: Person, tmp_path: Path, source: str, target: str) -> None:
    """Some thirty awkward names."""
    tree = awkward(0)
    few = Tree(tree.files[-AWKWARD_ONLY:], tree.empty_folders)
    for one in (source, target):
        person.connect(one)
    arrive(person, source, target, settle(person, source, few, tmp_path / "tree", 120), 120)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("source", MATRIX)
def test_every_pair(person: Person, tmp_path: Path, source: str) -> None:
    """From each to each other one, some 300 items."""
    for one in MATRIX:
        person.connect(one)
    wanted = settle(person, source, awkward(PLAIN), tmp_path / "tree", 300)
    assert len(wanted) > 280
    for target in (there for here, there in permutations(MATRIX, 2) if here == source):
        arrive(person, source, target, wanted, 300)
