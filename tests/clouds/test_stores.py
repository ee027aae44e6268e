"""Between a store of objects and a drive of the sandbox, both ways: each item once, with its content (see there)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from testbed.content import Holder, Tree, made
from testbed.servers import Azurite, SeaweedFS
from testbed.stores import fill_bucket, fill_container, read_bucket, read_container
from tests.clouds.person import MATRIX, Person
from tests.clouds.test_every_pair import PLAIN, written
from tests.clouds.test_there_and_back import fitting, told_targets


@dataclass
class Store:
    """A server of objects, as the program and its own client know it."""

    scheme: str
    holder: Holder
    environment: dict[str, str]
    fill: Callable[[Tree, str], Any]
    read: Callable[[str], Any]


@pytest.fixture(params=["s3", "azure"])
def store(request: pytest.FixtureRequest) -> Store:
    """SeaweedFS, or Azurite."""
    if request.param == "s3":
        seaweed: SeaweedFS = request.getfixturevalue("seaweed")
        return Store(
            "s3",
            "seaweed",
            {**seaweed.env, "AWS_ENDPOINT_URL": seaweed.endpoint_url},
            lambda tree, name: fill_bucket(tree, seaweed, name),
            lambda name: read_bucket(seaweed, name),
        )
    azurite: Azurite = request.getfixturevalue("azurite")
    environment = {
        "AZURE_STORAGE_ACCOUNT": azurite.account_name,
        "AZURE_STORAGE_KEY": azurite.account_key,
        "AZURE_STORAGE_BLOB_ENDPOINT": azurite.endpoint_url,
    }
    return Store(
        "az",
        "azurite",
        environment,
        lambda tree, name: fill_container(tree, azurite, name),
        lambda name: read_container(azurite, name),
    )


def with_folders(tree: Tree) -> Tree:
    """Without the keys that no folders can hold: those are refused, which the unit tests of names try."""
    kept = [one for one in tree.files if not {"", ".", ".."} & set(one.path.split("/"))]
    return Tree(kept, tree.empty_folders)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("service_id", MATRIX)
def test_a_store_and_a_drive(person: Person, store: Store, service_id: str, bucket: str, second_bucket: str) -> None:
    """Some 300 items from the store to the drive, held against what the sandbox saw; and from there to the store."""
    tree = fitting(with_folders(made(43, PLAIN, holder=store.holder, largest=200_000)), service_id)
    asyncio.run(store.fill(tree, bucket))
    person.connect(service_id)
    person.environment |= store.environment
    place, before = f"from {bucket}", person.sandbox.calls
    there = person.copies(f"{store.scheme}://{bucket}", person.at(service_id, place), seconds=300)
    assert there.counts["successful"] == there.counts["listed"] >= len(tree.files)
    targets = told_targets(person, there.ended["run"])
    wanted = {targets[path]: digest for path, digest in tree.digests().items()}
    seen = written(person, service_id, before)
    inside = [(path.partition(f"/{place}/")[2], digest) for path, digest in seen if f"/{place}/" in path]
    assert len(inside) == len(seen) == len(wanted) > 250, "something was written twice, elsewhere, or not at all"
    assert dict(inside) == wanted
    back = person.copies(person.at(service_id, place), f"{store.scheme}://{second_bucket}", "--create", seconds=300)
    targets = told_targets(person, back.ended["run"])
    found = asyncio.run(store.read(second_bucket))
    assert found == {targets[path]: digest for path, digest in wanted.items()}
