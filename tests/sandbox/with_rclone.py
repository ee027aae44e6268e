"""rclone, unmodified, against a service of the sandbox: the same round for each of them."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

from testbed.sandbox import Sandbox, clean_env

SMALL_FILES = 199
LARGE_BYTES = 100_000_000
SECONDS = 150
SIZES = (0, 1, 100, 5_000, 200_000)


class Rclone:
    """rclone with one remote. kind: of its backend; options: more of the remote's section.

    vendor: the simulator, where it has another name than the service; user: who signs in, an administrator if nobody is
    named.
    """

    def __init__(
        self, sandbox: Sandbox, folder: Path, kind: str, service: str, vendor: str = "", user: str = "", **options: str
    ) -> None:
        offer = sandbox.service(service)
        user = user or next(one["user"] for one in offer["accounts"] if one["role"] == "admin")
        client = offer["client_id"]
        signed_in = sandbox.do(vendor or service.partition("-")[0], "sign-in", user=user, client_id=client)
        token = {
            "access_token": "expired",
            "token_type": "bearer",
            "refresh_token": signed_in["refresh_token"],
            "expiry": "2020-01-01T00:00:00Z",
        }
        lines = {"type": kind, "client_id": client, "client_secret": offer["client_secret"]}
        lines |= {"token": json.dumps(token), **options}
        config = folder / "rclone.conf"
        config.write_text("[it]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))
        program = shutil.which("rclone", path=str(Path(__file__).resolve().parents[2] / ".venv" / "bin"))
        self._command = [program or "rclone", "--config", str(config), "--retries", "1", "--ca-cert", sandbox.ca_file]
        self._env = clean_env(sandbox.client_env)

    def __call__(self, *words: str) -> str:
        """Run it; returns what it printed. Raises AssertionError with what it complained of."""
        return self._run(*words).stdout

    def copied(self, *words: str) -> int:
        """Run a `copy`; how many files it transferred."""
        return self._run("copy", *words, "-v").stderr.count(": Copied (")

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([*self._command, *words], env=self._env, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, f"rclone {words}: {done.stderr[-2000:]}"
        return done

    def listed(self, *words: str) -> list[dict[str, Any]]:
        """`lsjson` of a place."""
        found: list[dict[str, Any]] = json.loads(self("lsjson", *words))
        return found


def make_files(folder: Path) -> None:
    """200 files of many sizes, one of them of 100 MB."""
    dice = random.Random(3)
    for number in range(SMALL_FILES):
        place = folder / f"dir {number % 7}" / f"sub é {number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file {number} ü.bin").write_bytes(dice.randbytes(SIZES[number % len(SIZES)] + number % 2))
    (folder / "large.bin").write_bytes(dice.randbytes(LARGE_BYTES))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path."""
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def round_trip(rclone: Rclone, folder: Path) -> None:
    """In, compared by hash, once more (nothing to do), out, moved, deleted."""
    here, back = folder / "here", folder / "back"
    make_files(here)
    assert rclone.copied(str(here), "it:proof") == SMALL_FILES + 1
    compared = rclone("check", str(here), "it:proof", "--combined", "-").splitlines()
    assert len(compared) == SMALL_FILES + 1
    assert {line[0] for line in compared} == {"="}
    assert rclone.copied(str(here), "it:proof") == 0
    rclone("copy", "it:proof", str(back))
    assert contents(back) == contents(here)
    rclone("moveto", "it:proof/large.bin", "it:proof/dir 1/larger.bin")
    rclone("move", "it:proof/dir 2", "it:proof/moved")
    names = {one["Name"] for one in rclone.listed("it:proof")}
    assert names == {"dir 0", "dir 1", "dir 3", "dir 4", "dir 5", "dir 6", "moved"}
    rclone("deletefile", "it:proof/dir 1/larger.bin")
    rclone("purge", "it:proof")
    assert "proof" not in {one["Name"] for one in rclone.listed("it:")}
