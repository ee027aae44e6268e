"""G1, G2, F48: SIGKILL at any moment. Nothing is lost, nothing partial is visible, nothing finished is sent again."""

import random
import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from testbed.proxy import FaultProxy
from testbed.servers import SeaweedFS, s3_client
from tests.e2e.program import PROGRAM, Program
from tests.torture.oracle import (
    assert_ledger_whole,
    assert_nothing_partial,
    bucket_shown,
    folder_shown,
    make_tree,
    open_uploads,
    unfinished,
)

PART = 8 * 1024 * 1024
SYSCALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "linkat", "unlink", "ftruncate", "mkdir")


def run_for(program: Program, seconds: float, *words: str) -> bool:
    """Run, and kill after so many seconds. Returns whether it had ended by itself (well, then)."""
    process = program.start(*words)
    try:
        _, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    assert process.returncode == 0, err
    return True


def kill_again_and_again(tmp_path: Path, seaweed: SeaweedFS, bucket: str, kills: int, seed: int) -> int:
    """Copy 200 files and three large ones, killed `kills` times; each time it starts anew once it came through."""
    source = tmp_path / "source"
    wanted = make_tree(source, 200, seed, large=(PART + 1, 3 * PART, 20 * 1024 * 1024 + 5))
    generator = random.Random(seed)
    client, killed, started_over = s3_client(seaweed), 0, 0
    with FaultProxy(seaweed.endpoint_url) as proxy:
        longest = _seconds_of_a_copy(tmp_path, seaweed, proxy, f"{bucket}-whole", source)
        while killed < kills:
            here = f"{bucket}-{started_over}"
            client.create_bucket(Bucket=here)
            program = Program(tmp_path / f"home-{started_over}", {**seaweed.env, "AWS_ENDPOINT_URL": proxy.url})
            whole_before: set[str] = set()
            read: dict[tuple[str, str], str] = {}
            ended, killed_here = False, 0
            while not ended and killed < kills:
                proxy.clear()
                ended = run_for(program, generator.uniform(0.2, longest), "copy", str(source), f"s3://{here}")
                killed += not ended
                killed_here += not ended
                shown = bucket_shown(seaweed, here, read)
                assert_nothing_partial(shown, wanted)
                assert_ledger_whole(program.home)
                _assert_not_sent_again(proxy, here, whole_before)
                whole_before = set(shown)
            last = program("copy", str(source), f"s3://{here}", "--json", timeout=170)
            assert last.code == 0, last.out + last.err
            assert bucket_shown(seaweed, here) == wanted
            # A kill between S3's answer to CreateMultipartUpload and the ledger's note leaves an upload that nobody
            # can tell from another tool's; anything the ledger knew is cleaned up.
            assert open_uploads(seaweed, here) <= killed_here
            again = program("copy", str(source), f"s3://{here}", "--json")
            assert again.counts["sent_bytes"] == 0
            assert again.counts["unchanged"] == len(wanted)
            started_over += 1
    return started_over


def _seconds_of_a_copy(tmp_path: Path, seaweed: SeaweedFS, proxy: FaultProxy, bucket: str, source: Path) -> float:
    """How long the copy takes when nothing stops it: kills fall within that time, whatever the machine's pace."""
    s3_client(seaweed).create_bucket(Bucket=bucket)
    program = Program(tmp_path / "home-whole", {**seaweed.env, "AWS_ENDPOINT_URL": proxy.url})
    begun = time.monotonic()
    assert program("copy", str(source), f"s3://{bucket}").code == 0
    return time.monotonic() - begun


def _assert_not_sent_again(proxy: FaultProxy, bucket: str, whole_before: set[str]) -> None:
    """G12: no file that was whole at the destination before this run was sent in it; of any other, each part once."""
    sent: dict[str, int] = {}
    for seen in proxy.seen(method="PUT"):
        key = unquote(seen.path.removeprefix(f"/{bucket}/"))
        if seen.path.startswith(f"/{bucket}/") and seen.bytes_in:
            assert key not in whole_before, f"{key} was whole and was sent again"
            sent[key + str(seen.query.get("partNumber"))] = sent.get(key + str(seen.query.get("partNumber")), 0) + 1
    assert all(count == 1 for count in sent.values()), sent


@pytest.mark.timeout(600)
def test_random_kills_of_a_copy_to_s3(tmp_path: Path, seaweed: SeaweedFS, bucket: str) -> None:
    """A sample of 20 kills."""
    kill_again_and_again(tmp_path, seaweed, bucket, kills=20, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_300_random_kills_of_a_copy_to_s3(tmp_path: Path, seaweed: SeaweedFS, bucket: str) -> None:
    """G1 as for a change: 300 kills."""
    kill_again_and_again(tmp_path, seaweed, bucket, kills=300, seed=2)


def strace() -> str:
    """The program strace; without it these cases cannot be made."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed (Debian package strace); make setup installs it when root")
    return found


def count_calls(tmp_path: Path, environment: dict[str, str], words: list[str]) -> dict[str, int]:
    """How often each of the system calls happens in an undisturbed run."""
    log = tmp_path / "calls"
    traced = [strace(), "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(SYSCALLS)}", *PROGRAM, *words]
    subprocess.run(traced, env=environment, check=True, capture_output=True, timeout=120)
    calls = re.findall(r"^\d+\s+(\w+)\(", log.read_text(errors="replace"), re.MULTILINE)
    return {name: calls.count(name) for name in SYSCALLS if name in calls}


def killed_at(tmp_path: Path, source: Path, wanted: dict[str, str], name: str, number: int) -> None:
    """A copy of 20 files to a folder, killed at the n-th such call; then what is there is looked at, and finished."""
    place = tmp_path / f"{name}-{number}"
    place.mkdir()
    program, target = Program(place / "home"), place / "target"
    words = ["copy", str(source), str(target)]
    inject = f"inject={name}:signal=KILL:when={number}"
    traced = [strace(), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject, *PROGRAM, *words]
    process = subprocess.run(traced, env=program.environment, capture_output=True, timeout=120, check=False)
    assert process.returncode in (0, -9, 137), process.stderr
    assert_nothing_partial(folder_shown(target), wanted)
    assert_ledger_whole(program.home)
    last = program(*words, "--json")
    assert last.code == 0, (name, number, last.out, last.err)
    assert folder_shown(target) == wanted, (name, number)
    assert unfinished(target) == [], (name, number)
    assert program(*words, "--json").counts["sent_bytes"] == 0, (name, number)
    shutil.rmtree(place)


def kill_at_calls(tmp_path: Path, one_in: int) -> int:
    """Kill at every n-th of all those calls. Returns how many kills there were."""
    source = tmp_path / "source"
    wanted = make_tree(source, 18, seed=3, large=(PART + 1, 2 * PART + 9))
    program = Program(tmp_path / "count")
    counted = count_calls(tmp_path, program.environment, ["copy", str(source), str(tmp_path / "counted")])
    points = [(name, number) for name, count in counted.items() for number in range(1, count + 1)]
    chosen = points[one_in // 2 :: one_in]
    for name, number in chosen:
        killed_at(tmp_path, source, wanted, name, number)
    return len(chosen)


@pytest.mark.timeout(900)
def test_kill_at_a_sample_of_system_calls(tmp_path: Path) -> None:
    """G2: one in forty of all points."""
    assert kill_at_calls(tmp_path, one_in=40) > 5


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_kill_at_every_system_call(tmp_path: Path) -> None:
    """G2: all points."""
    assert kill_at_calls(tmp_path, one_in=1) > 200
