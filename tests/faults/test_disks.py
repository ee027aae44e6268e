"""Disks that fill up or fail, under the ledger and under a local destination (F46, F47, T61)."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.program import PROGRAM, Program
from tests.torture.oracle import (
    assert_ledger_whole,
    assert_nothing_partial,
    folder_shown,
    make_tree,
    unfinished,
)

FULL_AND_THEN_MORE = """
    disk=$1; size=$2; out=$3; shift 3
    mount -t tmpfs -o size=$size tmpfs "$disk" || exit 77
    for turn in 1 2 3; do
        "$@" > "$out/$turn.out" 2> "$out/$turn.err"; echo $? > "$out/$turn.code"
        mkdir "$out/$turn"; cp -a "$disk/." "$out/$turn/"
        mount -o remount,size=1g "$disk"
    done
"""
"""The program on a disk of that size, then twice more with room enough; what the disk held after each is kept."""


def unsharing() -> list[str]:
    """How to get a mount table of one's own; as root, or as anybody where the system lets one."""
    for words in (["unshare", "-m"], ["unshare", "-Urm"]):
        probe = [*words, "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
        if shutil.which("unshare") and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return words
    pytest.skip("a small disk needs unshare and the right to mount a tmpfs, which this system does not give")


MOUNTED_TWICE = """
    mount --bind "$1" "$2" || exit 77
    shift 2
    exec "$@"
"""
FILLED_MEANWHILE = """
    disk=$1; shift
    mount -t tmpfs -o size=20m tmpfs "$disk" || exit 77
    "$@" || exit 78
    dd if=/dev/zero of="$disk/others" bs=4k 2> /dev/null
    exec "$@"
"""


def in_mounts_of_its_own(script: str, folders: list[Path], program: Program, *words: str) -> tuple[int, str]:
    """Run the script, then the program in it: the exit code, and what it said on standard error."""
    command = [*unsharing(), "sh", "-c", script, "sh", *map(str, folders), *PROGRAM, *words]
    done = subprocess.run(command, env=program.environment, capture_output=True, text=True, timeout=170, check=False)
    return done.returncode, done.stderr


def test_a_disk_that_others_fill_under_the_ledger_is_told_as_full(tmp_path: Path) -> None:
    """F46: SQLite calls it an error of the disk; nobody must look for a broken one."""
    (tmp_path / "home").mkdir()
    make_tree(tmp_path / "source", 3, seed=1)
    words = ["copy", str(tmp_path / "source"), str(tmp_path / "target")]
    code, err = in_mounts_of_its_own(FILLED_MEANWHILE, [tmp_path / "home"], Program(tmp_path / "home"), *words)
    assert code == 5, err
    said_plainly(err, "no space left on the disk of the ledger", "Free space")


@pytest.mark.parametrize(
    ("source", "destination", "why"),
    [
        ("a", "mounted", "are the same"),
        ("a", "mounted/in", "lies inside the source"),
        ("mounted/in", "a", "inside"),
    ],
)
def test_a_folder_that_is_mounted_twice_is_the_same(tmp_path: Path, source: str, destination: str, why: str) -> None:
    """T54, T55: nothing is copied onto or into itself, by whatever path."""
    (tmp_path / "a" / "in").mkdir(parents=True)
    (tmp_path / "a" / "file").write_text("content")
    (tmp_path / "mounted").mkdir()
    program = Program(tmp_path / "home")
    words = ["copy", str(tmp_path / source), str(tmp_path / destination)]
    code, err = in_mounts_of_its_own(MOUNTED_TWICE, [tmp_path / "a", tmp_path / "mounted"], program, *words)
    assert code == 2, err
    said_plainly(err, why)
    assert folder_shown(tmp_path / "a" / "in") == {}


class Small:
    """A world in which one folder is a small disk."""

    def __init__(self, tmp_path: Path, disk: str, size: str, files: int, large: tuple[int, ...] = ()) -> None:
        """disk: "home" or "target"."""
        self.source, self.out = tmp_path / "source", tmp_path / "out"
        self.target, self.home = tmp_path / "target", tmp_path / "home"
        self.wanted = make_tree(self.source, files, seed=4, large=large)
        for folder in (self.out, self.target, self.home):
            folder.mkdir()
        self.program = Program(self.home)
        self.words = ["copy", str(self.source), str(self.target)]
        self.disk = tmp_path / disk
        command = [*unsharing(), "sh", "-c", FULL_AND_THEN_MORE, "sh", str(self.disk), size, str(self.out)]
        done = subprocess.run(
            [*command, *PROGRAM, *self.words],
            env=self.program.environment,
            capture_output=True,
            timeout=170,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def code(self, turn: int) -> int:
        """The exit code of that run."""
        return int((self.out / f"{turn}.code").read_text())

    def err(self, turn: int) -> str:
        """What it said on standard error."""
        return (self.out / f"{turn}.err").read_text()

    def held(self, turn: int) -> Path:
        """What the disk held then."""
        return self.out / str(turn)


def said_plainly(err: str, *words: str) -> None:
    """One sentence and what to do, and no traceback."""
    assert "Traceback" not in err
    assert "unexpected error" not in err
    lines = [line for line in err.splitlines() if line.startswith(("haulage: ", "         "))]
    assert len([line for line in lines if line.startswith("haulage: ") and "the log" not in line]) == 1, err
    for word in words:
        assert word in err, err


@pytest.mark.parametrize(
    ("size", "large"),
    [("600k", ()), ("9m", (20 * 1024 * 1024,)), pytest.param("1m", (9 * 1024 * 1024,), marks=pytest.mark.slow)],
)
def test_the_destination_fills_up(tmp_path: Path, size: str, large: tuple[int, ...]) -> None:
    """F46: stopped with exit code 5; all that is visible is whole; with room again it goes on where it stopped."""
    small = Small(tmp_path, "target", size, 200, large)
    assert small.code(1) == 5, small.err(1)
    said_plainly(small.err(1), "No space left on device", "Free space on that disk")
    first = folder_shown(small.held(1))
    assert_nothing_partial(first, small.wanted)
    assert first.keys() < small.wanted.keys()
    assert small.code(2) == 0, small.err(2)
    assert folder_shown(small.held(2)) == small.wanted
    assert unfinished(small.held(2)) == []
    assert small.code(3) == 0
    assert "nothing needed copying" in (small.out / "3.out").read_text()
    assert_ledger_whole(small.home)


@pytest.mark.parametrize(
    "size",
    [
        "36k",
        "200k",
        "600k",
        *(pytest.param(f"{size}k", marks=pytest.mark.slow) for size in (4, 64, 100, 300, 450, 900)),
    ],
)
def test_the_disk_of_the_ledger_fills_up(tmp_path: Path, size: str) -> None:
    """F46, T61: stopped with exit code 5; nothing is taken for done that is not; with room again it goes on."""
    small = Small(tmp_path, "home", size, 700)
    assert small.code(1) == 5, small.err(1)
    said_plainly(small.err(1), "no space left", "Free space on that disk")
    now = folder_shown(small.target)
    assert small.code(2) == 0, small.err(2)
    assert now == small.wanted
    assert small.code(3) == 0
    assert "nothing needed copying" in (small.out / "3.out").read_text()
    assert_ledger_whole(small.held(2))


# --- single calls that fail


LEDGER = ("home/ledger.db", "home/ledger.db-wal", "home/ledger.db-journal")
FOLDERS = ("target", *(f"target/folder {number}" for number in range(7)))
INJECTED: dict[str, tuple[str, str, tuple[str, ...], tuple[int, ...], tuple[int, ...]]] = {
    "the ledger's sync": ("fsync", "EIO", LEDGER, (4, 6), (1, 2, 3, 5, 7)),
    "the ledger's write, no space": ("pwrite64", "ENOSPC", LEDGER, (20,), (1, 2, 3, 6, 9, 14, 30)),
    "the ledger's write, bad disk": ("pwrite64", "EIO", LEDGER, (25,), (1, 2, 3, 5, 10, 15)),
    "a part's sync": ("fdatasync", "EIO", (), (1,), ()),
    "a folder's sync": ("fsync", "EIO", FOLDERS, (2,), (1, 3)),
    "a file's write, no space": ("pwrite64", "ENOSPC", (), (), (1, 2, 3)),
    "a file's link, bad disk": ("linkat", "EIO", (), (), (1, 2, 3)),
    "a file's link, no space": ("linkat", "ENOSPC", (), (2,), (1, 3)),
    "a folder, no space": ("mkdirat", "ENOSPC", (), (), (1, 2)),
    "a rename, bad disk": ("renameat2", "EIO", (), (1,), ()),
}
"""Call, error, the paths that it has to be about (any, if none is named), and the n-th calls: sample, and the rest."""
POINTS = [
    pytest.param(call, error, paths, number, id=f"{name} {number}", marks=() if number in sample else pytest.mark.slow)
    for name, (call, error, paths, sample, rest) in INJECTED.items()
    for number in (*sample, *rest)
]


@pytest.mark.parametrize(("call", "error", "paths", "number"), POINTS)
def test_a_call_that_fails(tmp_path: Path, call: str, error: str, paths: tuple[str, ...], number: int) -> None:
    """F46, F47: the n-th such call of each thread fails, and so do all after it: stopped, said, nothing trusted."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: it is what lets a system call fail")
    source, target, log = tmp_path / "source", tmp_path / "target", tmp_path / "calls"
    wanted = make_tree(source, 40, seed=6, large=(9 * 1024 * 1024,))
    program = Program(tmp_path / "home")
    words = ["copy", str(source), str(target)]
    inject = f"inject={call}:error={error}:when={number}+"
    about = [word for path in paths for word in ("-P", str(tmp_path / path))]
    options = ["-f", "-qq", "-o", str(log), *about, "-e", f"trace={call}", "-e", inject]
    ran = subprocess.run(
        ["strace", *options, *PROGRAM, *words],
        env=program.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "(INJECTED)" in log.read_text(errors="replace"), "it never happened"
    assert ran.returncode == 5, (ran.returncode, ran.stdout, ran.stderr)
    said_plainly(ran.stderr)
    assert_nothing_partial(folder_shown(target), wanted)
    assert_ledger_whole(program.home)
    assert_nothing_acknowledged_is_missing(program.home, target, wanted)
    if paths is LEDGER and error == "EIO":
        assert_no_end_is_recorded(program.home)
    last = program(*words, "--json")
    assert last.code == 0, last.out + last.err
    assert folder_shown(target) == wanted
    assert unfinished(target) == []
    assert program(*words, "--json").counts["sent_bytes"] == 0


def assert_nothing_acknowledged_is_missing(home: Path, target: Path, wanted: dict[str, str]) -> None:
    """I7: what the ledger holds for done is at the destination, whole."""
    if not (home / "ledger.db").exists():
        return
    shown = folder_shown(target)
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone():
            return
        for path, place in ledger.execute("SELECT path, target FROM items WHERE state = 3 AND kind = 'file'"):
            assert shown.get(place or path) == wanted[path], path


def assert_no_end_is_recorded(home: Path) -> None:
    """F47: after a disk error nothing more is written to the ledger, not even that the run has ended."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        if ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
            assert ledger.execute("SELECT count(*) FROM runs WHERE ended_us IS NOT NULL").fetchone() == (0,)


def test_the_events_tell_of_a_full_disk(tmp_path: Path) -> None:
    """F46 for machines: status 312, the code disk_full, and a run that is in the history."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: it is what lets a system call fail")
    source = tmp_path / "source"
    make_tree(source, 10, seed=6)
    program = Program(tmp_path / "home")
    words = ["copy", str(source), str(tmp_path / "target"), "--json"]
    inject = ["-e", "trace=linkat", "-e", "inject=linkat:error=ENOSPC:when=1+"]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", *inject]
    ran = subprocess.run(
        [*strace, *PROGRAM, *words], env=program.environment, capture_output=True, text=True, timeout=120, check=False
    )
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [event["code"] for event in events if event["event"] == "error"] == ["disk_full"]
    assert next(event["status"] for event in events if event["event"] == "ended") == 312
    assert "312" in program("runs").out
