"""G3, F50, T59: the power goes at any moment. What was acknowledged is there, whole; and the run is taken up again."""

import random
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.program import PROGRAM, Program
from tests.torture.oracle import assert_ledger_whole, folder_shown, make_tree, sha256, unfinished
from tests.torture.power import Change, Keep, Tape, empty, everything, nothing, record, some, torn

Versions = Mapping[str, tuple[str, ...]]
"""The SHA-256 that a file may have, by path."""

PART = 8 * 1024 * 1024
TAKES = 5
"""On a busy machine strace may tell of two threads' calls in another order than they ended, and a tape lacks a file."""


@dataclass
class Recorded:
    """A taped run: the state folder and the destination below `root`, the source beside it."""

    tape: Tape
    program: Program
    source: Path
    root: Path
    versions: Versions
    wanted: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """The command that was taped, and that goes on after the cut."""
        return ["copy", str(self.source), str(self.root / "target"), "--json"]


def prepared(place: Path) -> tuple[Program, Path, Path]:
    """A source of 24 small files and a large one; the root and the state folder are there, and durable."""
    root, source = place / "root", place / "source"
    for folder in (root, root / "home", root / "target", place / "kept"):
        folder.mkdir(parents=True)
    make_tree(source, 24, seed=8, large=(PART + 70_000,))
    return Program(root / "home"), source, root


def first_run(place: Path) -> Recorded:
    """All of the source is new."""
    program, source, root = prepared(place)
    wanted = folder_shown(source)
    words = [*PROGRAM, "copy", str(source), str(root / "target")]
    tape = record(words, program.environment, root, place / "kept")
    return Recorded(tape, program, source, root, {path: (body,) for path, body in wanted.items()}, wanted)


def second_run(place: Path) -> Recorded:
    """Some files are replaced by newer ones of another size, the large one too, and some are new."""
    program, source, root = prepared(place)
    words = [*PROGRAM, "copy", str(source), str(root / "target")]
    assert program(*words[len(PROGRAM) :]).code == 0
    before = folder_shown(source)
    generator = random.Random(9)
    for number, path in enumerate(sorted(before)):
        if number % 3 == 0:
            (source / path).write_bytes(generator.randbytes((source / path).stat().st_size + 1 + number))
    for number in range(6):
        (source / f"new {number}").write_bytes(generator.randbytes(500 * number))
    wanted = folder_shown(source)
    tape = record(words, program.environment, root, place / "kept")
    versions = {path: tuple({body, before.get(path, body)}) for path, body in wanted.items()}
    return Recorded(tape, program, source, root, versions, wanted)


RUNS = {"first": first_run, "second": second_run}


@pytest.fixture(scope="module", params=RUNS)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Each kind of run, taped once."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: it is what tapes a run (Debian package strace)")
    for _ in range(TAKES):
        taken = RUNS[request.param](tmp_path_factory.mktemp(f"power-{request.param}"))
        play_to_the_end(taken)
        if folder_shown(taken.root / "target") == taken.wanted:
            yield taken
            return
    pytest.fail(f"{TAKES} tapes in a row lack something that the run left")


def play_to_the_end(recorded: Recorded) -> None:
    """Put the disk back as it was after the run, with nothing lost."""
    empty(recorded.root)
    recorded.tape.at(len(recorded.tape.steps), everything).put(recorded.tape.root, recorded.root)


def cut_at(recorded: Recorded, moment: int, keep: Keep) -> None:
    """Put the disk back as it was then, look at it, and start the program on it."""
    empty(recorded.root)
    recorded.tape.at(moment, keep).put(recorded.tape.root, recorded.root)
    home, target = recorded.root / "home", recorded.root / "target"
    assert_nothing_torn(target, recorded.versions)
    assert_acknowledged_is_there(home, target, recorded.versions)
    last = recorded.program(*recorded.words)
    assert last.code == 0, last.out + last.err
    assert folder_shown(target) == recorded.wanted
    assert_only_replacements_are_left(target, recorded.versions)
    assert_ledger_whole(home)
    assert last.counts["skipped"] == 0, "something of ours was taken for a stranger's"
    again = recorded.program(*recorded.words)
    assert again.code == 0, again.out + again.err
    assert (again.ended["status"], again.counts["sent_bytes"]) == (101, 0), again.out


def assert_only_replacements_are_left(target: Path, versions: Versions) -> None:
    """Nothing is left of new files, nor of uploads in parts.

    A file that replaces another is swapped with it under a hidden name, and then the old one is removed. A cut in
    between may leave either under that name, whole; nobody lists it. It is not swept up: had a stranger replaced
    the file in that very instant, it would be the stranger's, and the only copy.
    """
    known = {body for bodies in versions.values() for body in bodies}
    for path in unfinished(target):
        assert any(len(bodies) > 1 for bodies in versions.values()), f"{path} is left of a first run"
        assert sha256(path.read_bytes()) in known, f"{path} is left, and is no whole version"


def assert_nothing_torn(target: Path, versions: Versions) -> None:
    """I3: every file under its final name is one of its versions, whole."""
    for path, body in folder_shown(target).items():
        assert body in versions[path], f"{path} is visible with other bytes"


def assert_acknowledged_is_there(home: Path, target: Path, versions: Versions) -> None:
    """I7: SQLite opens the ledger without complaint, and what it says is done is there, as it says."""
    if not (home / "ledger.db").exists():
        return
    probe = home.parent / "probe"
    shutil.copytree(home, probe)
    try:
        with closing(sqlite3.connect(probe / "ledger.db")) as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone():
                return
            done = ledger.execute(
                "SELECT path, coalesce(target, path), done_size FROM items WHERE state = 3 AND kind = 'file'"
            )
            for path, place, size in done:
                body = (target / place).read_bytes()
                assert len(body) == size, f"{path} is done with {size} bytes, and has {len(body)}"
                assert sha256(body) in versions[path]
    finally:
        shutil.rmtree(probe)


def moments(recorded: Recorded, count: int, seed: int) -> Iterator[tuple[int, Keep]]:
    """Moments all over the run, each with another way in which what was not synced comes back."""
    generator = random.Random(seed)
    steps = len(recorded.tape.steps)
    for number in range(count):
        moment = generator.randrange(number * steps // count, (number + 1) * steps // count) + 1
        keeps = (nothing, some(generator), torn(recorded.tape, moment, generator), some(generator))
        yield moment, keeps[number % len(keeps)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [5, pytest.param(150, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_power_cuts(recorded: Recorded, count: int) -> None:
    """G3: integrity_check ok, no acknowledged item lost, nothing short taken for verified, and it always finishes."""
    for moment, keep in moments(recorded, count, seed=count):
        cut_at(recorded, moment, keep)


@pytest.mark.timeout(300)
def test_the_tape_is_complete(recorded: Recorded) -> None:
    """Played to its end with nothing lost, the tape gives what the run left: else no cut would prove anything."""
    play_to_the_end(recorded)
    assert folder_shown(recorded.root / "target") == recorded.wanted
    assert_ledger_whole(recorded.root / "home")
    again = recorded.program(*recorded.words)
    assert (again.ended["status"], again.counts["sent_bytes"]) == (101, 0), again.out


@pytest.mark.timeout(300)
def test_a_run_that_did_not_sync_would_be_found_out(recorded: Recorded) -> None:
    """The harness itself is held to account (G15): without the syncs of the files, it sees empty ones."""
    names = {path.rpartition("/")[2] for path in recorded.wanted}
    folders = {step.node for step in recorded.tape.steps if isinstance(step, Change) and step.kind == "names"}
    linked = {
        node
        for step in recorded.tape.steps
        if isinstance(step, Change)
        for name, node in step.names
        if name in names and node is not None
    }
    steps = [
        step
        for step in recorded.tape.steps
        if isinstance(step, Change) or step.node in folders or step.node not in linked
    ]
    empty(recorded.root)
    Tape(recorded.tape.root, steps).at(len(steps), nothing).put(recorded.tape.root, recorded.root)
    with pytest.raises((AssertionError, FileNotFoundError)):
        assert_nothing_torn(recorded.root / "target", recorded.versions)
    with pytest.raises((AssertionError, FileNotFoundError)):
        assert_acknowledged_is_there(recorded.root / "home", recorded.root / "target", recorded.versions)
