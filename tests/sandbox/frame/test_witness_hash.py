"""quickXorHash as rclone computes it, of random bytes of every length around which something changes."""

import random
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from haulage.sandbox.frame.hashing import QuickXor
from testbed.sandbox import clean_env

RING = 1_760  # bytes after which the shifts begin anew
BOUNDARIES = (0, 8, 11, 20, 64, 160, RING, 2 * RING, 4_096, 10 * RING, 65_536, 1 << 20)


@pytest.mark.parametrize("seed", range(2))
def test_quick_xor_is_what_rclone_computes(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    lengths = {max(edge + step, 0) for edge in BOUNDARIES for step in range(-3, 4)}
    lengths |= {dice.randrange(200_000) for _ in range(40)}
    for length in lengths:
        (tmp_path / str(length)).write_bytes(dice.randbytes(length))
    program = shutil.which("rclone", path=sysconfig.get_path("scripts")) or "rclone"
    command = [program, "--config", "/dev/null", "hashsum", "quickxor", str(tmp_path)]
    told = subprocess.run(command, env=clean_env({}), capture_output=True, text=True, timeout=120, check=True).stdout
    theirs = {int(name): digest for digest, name in (line.split("  ", 1) for line in told.splitlines())}
    assert theirs == {length: _ours((tmp_path / str(length)).read_bytes(), dice) for length in lengths}


def _ours(body: bytes, dice: random.Random) -> str:
    """In pieces, as it comes from a wire."""
    made, at = QuickXor(), 0
    while at < len(body):
        size = dice.choice((1, 7, 160, RING, 65_536))
        made.update(body[at : at + size] if len(body) < 10_000 else body[at : at + max(size, 1_000)])
        at += size if len(body) < 10_000 else max(size, 1_000)
    return made.digest().hex()
