"""The trees that tests move are what they are said to be, in every place that holds them."""

from pathlib import Path

import pytest

from testbed.content import fill_folder, made, python_files, read_folder
from testbed.servers import Azurite, Moto, SeaweedFS
from testbed.stores import fill_bucket, fill_container, read_bucket, read_container


def test_the_same_seed_makes_the_same_tree() -> None:
    assert made(1).digests() == made(1).digests() != made(2).digests()
    assert [entry.modified_us for entry in made(1).files] == [entry.modified_us for entry in made(1).files]


def test_a_folder_holds_the_tree_with_its_times(tmp_path: Path) -> None:
    tree = made(1, largest=300_000)
    fill_folder(tree, tmp_path)
    assert read_folder(tmp_path) == tree.digests()
    assert {entry.size for entry in tree.files} >= {0, 1, 300_000}
    for entry in tree.files:
        assert (tmp_path / entry.path).stat().st_mtime_ns == entry.modified_us * 1000
    assert [list((tmp_path / folder).iterdir()) for folder in tree.empty_folders] == [[], []]


async def test_seaweed_holds_the_tree(seaweed: SeaweedFS, bucket: str) -> None:
    tree = made(2, holder="seaweed")
    await fill_bucket(tree, seaweed, bucket, "below/")
    assert await read_bucket(seaweed, bucket, "below/") == tree.digests()


async def test_moto_holds_the_tree(moto: Moto, bucket: str) -> None:
    tree = made(3, holder="moto")
    await fill_bucket(tree, moto, bucket)
    assert await read_bucket(moto, bucket) == tree.digests()


async def test_azurite_holds_the_tree(azurite: Azurite, container: str) -> None:
    tree = made(4, holder="azurite")
    await fill_container(tree, azurite, container)
    assert await read_container(azurite, container) == tree.digests()


@pytest.mark.slow
async def test_thousands_of_real_files(seaweed: SeaweedFS, bucket: str) -> None:
    tree = python_files(4000)
    assert len(tree.files) == 4000
    await fill_bucket(tree, seaweed, bucket)
    assert await read_bucket(seaweed, bucket) == tree.digests()
