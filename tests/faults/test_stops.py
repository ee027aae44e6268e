"""What ends a run before its time is said in a sentence, with an exit code and what to do; and it can be gone on."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from testbed.proxy import FaultProxy
from testbed.rules import azure_error, s3_error
from tests.e2e.program import PROGRAM, Program, Ran
from tests.faults.kit import NETWORKED, MakesWorld, World, bytes_of
from tests.torture.oracle import assert_ledger_whole, folder_shown, make_tree, sha256, unfinished

FILES = {f"f{number % 5}/{number:03}.bin": bytes_of(3000 + number, number) for number in range(60)}
LARGE = {"large.bin": bytes_of(20 * 1024 * 1024 + 3, 9)}
networked = pytest.mark.parametrize("service", NETWORKED)
roles = pytest.mark.parametrize("role", ["source", "destination"])
WRONG = {"s3": {"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "azure-blob": {"AZURE_STORAGE_KEY": "d3Jvbmcga2V5"}}


def world_with(role: str, service: str, make_world: MakesWorld, **environment: str) -> World:
    """The service stands at that end."""
    ends = (service, "local") if role == "source" else ("local", service)
    return make_world(*ends, **environment)


def said_plainly(ran: Ran, code: int, *words: str) -> None:
    """One sentence, what to do, and the exit code; never a traceback."""
    assert ran.code == code, (ran.code, ran.out, ran.err)
    assert "Traceback" not in ran.out + ran.err
    lines = [line for line in ran.err.splitlines() if line.strip()]
    assert lines[0].startswith("haulage: "), ran.err
    assert lines[1].startswith("         "), "nothing is said of what to do"
    assert len(lines) == 2, ran.err
    assert len(lines[0]) < 400
    for word in words:
        assert word in lines[0], ran.err


def plain(world: World) -> list[str]:
    """The command, for a person."""
    return world.words[:-1]


@networked
@roles
def test_a_wrong_key(service: str, role: str, make_world: MakesWorld) -> None:
    """F21, F23: exit code 4, at once."""
    world = world_with(role, service, make_world)
    world.plant({"a.bin": b"a"})
    wrong = Program(world.home, {**world.environment, **WRONG[service]})
    ran = wrong(*plain(world))
    said_plainly(ran, 4, "refuse")
    assert "wrong-secret" not in ran.err
    assert world.target.shown() == {}


@networked
@roles
def test_a_bucket_that_is_not_there(service: str, role: str, make_world: MakesWorld) -> None:
    """Exit code 2, and the sentence names what is missing; a destination is not made unasked."""
    world = world_with(role, service, make_world)
    world.plant({"a.bin": b"a"})
    words = [word.replace("//hau-", "//nobody-made-") for word in plain(world)]
    said_plainly(world.program(*words), 2, "nobody-made-")


@networked
def test_a_bucket_that_goes_away_during_the_run(service: str, make_world: MakesWorld) -> None:
    """411, exit code 2: not a failure of every single item."""
    world = make_world("local", service)
    files = {f"{number:03}.bin": bytes_of(300, number) for number in range(600)}  # more than are ever under way at once
    world.plant(files)
    gone = s3_error(404, "NoSuchBucket") if service == "s3" else azure_error(404, "ContainerNotFound")
    world.on("write", skip=10, times=None, answer=gone)
    ended = world.copy()
    assert (ended.code, ended.status) == (2, 411)
    assert len(world.seen("write")) < len(files)


@networked
@roles
def test_nothing_answers(service: str, role: str, make_world: MakesWorld) -> None:
    """F09, F41: exit code 5 within a reasonable time, and the address is named."""
    world = world_with(role, service, make_world)
    world.source.plant("a.bin", b"a")
    with FaultProxy(world.proxy.url) as closed:
        unused = closed.url.rsplit(":", 1)[1].split("/")[0]
    used = world.proxy.url.rsplit(":", 1)[1].split("/")[0]
    words = [word.replace(f":{used}", f":{unused}") for word in plain(world)]
    begun = time.monotonic()
    said_plainly(world.program(*words), 5, f"127.0.0.1:{unused}")
    assert time.monotonic() - begun < 30


@networked
@pytest.mark.parametrize("role", ["destination"])
def test_the_network_goes_away_for_a_while(service: str, role: str, make_world: MakesWorld) -> None:
    """F09, F10: every connection is reset in the middle of the run: stopped or listed, nothing lost, gone on later."""
    world = world_with(role, service, make_world)
    wanted = world.plant({**FILES, **LARGE})

    def cut_off(_: object) -> None:
        world.proxy.gone = True

    world.on("write", skip=20, before=cut_off)
    ended = world.copy()
    assert ended.code in (3, 5)
    world.proxy.gone = False
    world.nothing_partial(wanted)
    world.settles(wanted)


def held(world: World, call: str, after: int) -> tuple[subprocess.Popen[str], threading.Event]:
    """The program, stopped in the middle of its work: the n-th such call is not answered until the event is set."""
    gate = threading.Event()
    rule = world.on(call, skip=after, times=None, hold=gate)
    process = world.program.start(*world.words)
    deadline = time.monotonic() + 60
    while not rule.hits:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.6)  # so that what is done is in the ledger
    return process, gate


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("s3", signal.SIGTERM),
        ("azure-blob", signal.SIGINT),
        pytest.param("s3", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("azure-blob", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_told_to_stop(service: str, name: signal.Signals, make_world: MakesWorld) -> None:
    """F49: 130 within seconds, though answers hang; what was done is kept; the run shows as canceled, and goes on."""
    world = make_world("local", service)
    wanted = world.plant({**FILES, **LARGE})
    process, gate = held(world, "write", 30)
    begun = time.monotonic()
    process.send_signal(name)
    out, err = process.communicate(timeout=30)
    gate.set()
    assert time.monotonic() - begun < 15
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    world.nothing_partial(wanted)
    assert_ledger_whole(world.home)
    with closing(sqlite3.connect(world.home / "ledger.db")) as ledger:
        assert ledger.execute("SELECT status FROM runs").fetchall() == [(230,)]
        done = ledger.execute("SELECT count(*) FROM items WHERE state = 3").fetchone()[0]
    assert done >= 20, "what was done is not in the ledger"
    last = world.settles(wanted)
    assert last.counts["unchanged"] >= done


def test_told_to_stop_twice_and_three_times(make_world: MakesWorld) -> None:
    """F49: an impatient person does no harm."""
    world = make_world("local", "s3")
    wanted = world.plant(FILES)
    process, gate = held(world, "write", 30)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    out, err = process.communicate(timeout=30)
    gate.set()
    assert process.returncode in (130, -signal.SIGINT), err  # to a shell, being ended by the signal is 130 too
    assert "Traceback" not in out + err
    assert_ledger_whole(world.home)
    world.nothing_partial(wanted)
    world.settles(wanted)


@networked
def test_stopped_in_a_large_file_it_goes_on_with_the_next_part(service: str, make_world: MakesWorld) -> None:
    """F49, G12: of 20 MiB in three parts, those that had arrived are not sent again."""
    world = make_world("local", service)
    wanted = world.plant(LARGE)
    process, gate = held(world, "part", 1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert world.target.shown() == {}
    world.calm()
    last = world.copy()
    gate.set()
    assert last.code == 0
    assert last.counts["resumed_bytes"] == 8 * 1024 * 1024
    assert len(world.seen("part")) == 2
    world.settles(wanted)


@networked
def test_killed_while_the_end_of_an_upload_is_on_its_way(service: str, make_world: MakesWorld) -> None:
    """F48, T48: the file was made, and nobody learned of it: the next run finds it, and makes no second one."""
    world = make_world("local", service)
    wanted = world.plant(LARGE)
    rule = world.on("finish", answer_delay=60)
    process = world.program.start(*world.words)
    deadline = time.monotonic() + 60
    while not (rule.hits and world.target.shown() == wanted):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    world.calm()
    last = world.copy()
    assert last.code == 0
    assert last.counts["adopted"] == 1
    assert world.seen("part") == []
    world.settles(wanted)


@pytest.mark.parametrize("service", ["azure-blob", pytest.param("s3", marks=pytest.mark.slow)])
@pytest.mark.parametrize("then", ["it is small now", "somebody else brought it", "it is gone"])
def test_an_upload_that_is_not_gone_on_with_is_removed(service: str, then: str, make_world: MakesWorld) -> None:
    """G12, T01: half of a large file was sent; what becomes of the file by other means leaves nothing of it behind."""
    world = make_world("local", service)
    wanted = world.plant(LARGE)
    process, gate = held(world, "part", 1)
    process.kill()
    process.communicate()
    world.calm()
    gate.set()
    if then == "it is small now":
        wanted = world.plant({"large.bin": b"small now"})
    elif then == "it is gone":
        world.source.remove("large.bin")
        wanted = world.plant({"other.bin": b"o"})
    else:
        world.target.plant("large.bin", LARGE["large.bin"])
    world.settles(wanted)


@pytest.mark.parametrize("call", ["ftruncate", "fsync"])
def test_killed_in_the_instant_in_which_an_upload_begins(call: str, tmp_path: Path) -> None:
    """G2, F48: the hidden file was made and nothing of it is known yet: it is found all the same, and removed."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: it is what kills at a system call")
    source, target = tmp_path / "source", tmp_path / "target"
    wanted = make_tree(source, 0, seed=1, large=(9 * 1024 * 1024,))
    program = Program(tmp_path / "home")
    words = ["copy", str(source), str(target)]
    about = ["-P", str(target)] if call == "fsync" else []
    at = ["-e", f"trace={call}", *about, "-e", f"inject={call}:signal=KILL:when=1"]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", *at]
    subprocess.run([*strace, *PROGRAM, *words], env=program.environment, capture_output=True, timeout=60, check=False)
    (source / "folder 0" / "0000 ß.bin").write_bytes(b"small now")
    assert program(*words).code == 0
    assert folder_shown(target) == dict.fromkeys(wanted, sha256(b"small now"))
    assert unfinished(target) == []


def test_two_programs_share_one_ledger(make_world: MakesWorld) -> None:
    """F52: two transfers at once on one ledger, while somebody holds it locked and others look at the history."""
    world = make_world("local", "s3")
    wanted = world.plant(FILES)
    other = [*world.words]
    other[2] += "-other"
    processes = [world.program.start(*words) for words in (world.words, other)]
    deadline = time.monotonic() + 60
    while any(one.poll() is None for one in processes):
        assert time.monotonic() < deadline
        with closing(sqlite3.connect(world.home / "ledger.db", timeout=30)) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            time.sleep(0.3)
            ledger.rollback()
        time.sleep(0.2)
    outputs = [one.communicate() for one in processes]
    assert [one.returncode for one in processes] == [0, 0], outputs
    assert world.program("runs").code == 0
    assert_ledger_whole(world.home)
    world.settles(wanted)


def test_the_same_transfer_twice_ends_the_second_at_once(make_world: MakesWorld) -> None:
    """F52: in less than a second of its own work, and the first is not disturbed."""
    world = make_world("local", "s3")
    wanted = world.plant(FILES)
    process, gate = held(world, "write", 10)
    quick = os.times()
    ran = world.program(*plain(world))
    used = os.times()
    said_plainly(ran, 2, "already running", str(process.pid))
    assert used.children_user + used.children_system - quick.children_user - quick.children_system < 3
    gate.set()
    process.communicate(timeout=60)
    assert process.returncode == 0
    world.settles(wanted)
