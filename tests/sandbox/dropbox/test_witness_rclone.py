"""rclone's Dropbox backend, unmodified."""

import random
from pathlib import Path

import pytest

from haulage.sandbox.frame.hashing import digests
from testbed.sandbox import Sandbox
from tests.sandbox.with_rclone import Rclone, round_trip

BLOCK = 4 << 20
BOUNDARIES = [0, 1, *(blocks * BLOCK + more for blocks in (1, 2, 3) for more in (-1, 0, 1))]


@pytest.mark.parametrize("witness", ["rclone 1.75"], indirect=True)
def test_rclone_copies_in_and_out(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """200 mixed files in batches of upload sessions."""
    round_trip(Rclone(sandbox, tmp_path, "dropbox", "dropbox"), tmp_path)


@pytest.mark.parametrize("witness", ["rclone 1.75"], indirect=True)
def test_rclone_lists_and_reads_the_generated_tree(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Every file it lists has the content_hash of the bytes that it reads."""
    rclone = Rclone(sandbox, tmp_path, "dropbox", "dropbox", export_formats="md")
    found = rclone.listed("it:", "-R", "--files-only")
    assert len(found) > 100
    assert any(one["Name"].endswith(".md") and one["Size"] < 0 for one in found)
    hashed = rclone("hashsum", "dropbox", "it:Awkward names")
    assert len(hashed.splitlines()) > 20
    assert sorted(hashed.splitlines()) == sorted(
        rclone("hashsum", "dropbox", "--download", "it:Awkward names").splitlines()
    )
    rclone("about", "it:")


def test_content_hash_is_that_of_rclone(sandbox: Sandbox, tmp_path: Path) -> None:
    """Around every boundary of blocks of 4 MiB."""
    dice, here = random.Random(11), tmp_path / "here"
    here.mkdir()
    ours = {}
    for size in BOUNDARIES:
        body = dice.randbytes(size)
        (here / f"{size}.bin").write_bytes(body)
        ours[f"{size}.bin"] = digests([body], ["dropbox"])["dropbox"].hex()
    printed = Rclone(sandbox, tmp_path, "dropbox", "dropbox")("hashsum", "dropbox", str(here))
    assert {name: digest for digest, name in (line.split("  ", 1) for line in printed.splitlines())} == ours
