"""rclone's Box backend, unmodified."""

from pathlib import Path

import pytest

from testbed.sandbox import Sandbox
from tests.sandbox.with_rclone import Rclone, round_trip


@pytest.mark.parametrize("witness", ["rclone 1.75"], indirect=True)
def test_rclone_copies_in_and_out(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """200 mixed files, the large one as an upload session."""
    round_trip(Rclone(sandbox, tmp_path, "box", "box"), tmp_path)


@pytest.mark.parametrize("witness", ["rclone 1.75"], indirect=True)
def test_rclone_lists_and_reads_the_generated_tree(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Every file it lists has the SHA-1 of the bytes that it reads."""
    rclone = Rclone(sandbox, tmp_path, "box", "box")
    found = rclone.listed("it:", "-R", "--hash", "--files-only")
    assert len(found) > 500
    small = [one for one in found if one["Path"].startswith("Awkward names/")]
    assert len(small) > 20
    hashed = dict(reversed(line.split("  ", 1)) for line in rclone("sha1sum", "it:Awkward names").splitlines())
    read = rclone("hashsum", "sha1", "--download", "it:Awkward names")
    downloaded = dict(reversed(line.split("  ", 1)) for line in read.splitlines())
    assert hashed == downloaded == {one["Name"]: one["Hashes"]["sha1"] for one in small}
    rclone("about", "it:")
