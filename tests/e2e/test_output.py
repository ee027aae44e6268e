"""Output that cannot be written, and terminals that go away: what the exit code says stays true."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.e2e.program import PROGRAM, Program

FILES = 400


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Small files, one large enough to be under way for a while, and one thing that nobody can copy."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"{number}")
    (folder / "film").write_bytes(os.urandom(12 * 1024 * 1024))
    (folder / "link").symlink_to("film")
    return folder


def in_a_shell(haulage: Program, words: str) -> subprocess.CompletedProcess[str]:
    """Run `haulage WORDS`, redirections and all, by a shell that says how each part of a pipe ended."""
    line = f'set -o pipefail; haulage() {{ "$PYTHON" -m haulage.cli.main "$@"; }}; haulage {words}'
    environment = {**haulage.environment, "PYTHON": PROGRAM[0]}
    return subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def on_a_terminal(haulage: Program, columns: int, *words: str) -> str:
    """What a terminal of that width shows."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in haulage.environment.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen([*PROGRAM, *words], env=environment, stdin=its, stdout=its, stderr=its):
        os.close(its)
        shown = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the program has ended
                break
            shown += more
    os.close(ours)
    return shown.decode()


def newest(haulage: Program) -> tuple[int, str | None]:
    """Status and message of the newest run."""
    told = haulage("runs", "--json").events[0]
    return told["status"], told["message"]


def test_a_copy_whose_events_nobody_reads_is_stopped_and_no_success(haulage: Program, album: Path) -> None:
    to = album.with_name("there")
    ran = in_a_shell(haulage, f"copy {album} {to} --json --bandwidth 6M | head -n 1")
    assert ran.returncode == 5, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "the run was stopped: standard output cannot be written" in ran.stderr
    status, message = newest(haulage)
    assert status == 230 and message is not None and "standard output" in message
    assert haulage("copy", str(album), str(to), "--json").code == 0
    assert (to / "film").read_bytes() == (album / "film").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("words", ["copy {0} {1} --json", "runs --json", "scan {0} --json", "copy /nowhere {1} --json"])
def test_output_to_a_full_disk_is_told_in_a_sentence(haulage: Program, album: Path, words: str) -> None:
    haulage("copy", str(album), str(album.with_name("before")))
    ran = in_a_shell(haulage, words.format(album, album.with_name("there")) + " > /dev/full")
    assert ran.returncode == (2 if "nowhere" in words else 5), ran.stderr
    assert ran.stderr.startswith("haulage: ") and "Traceback" not in ran.stderr and "Exception" not in ran.stderr


def test_the_last_words_change_nothing_of_how_a_run_ended(haulage: Program, album: Path) -> None:
    (album / "bad").mkdir()
    to = album.with_name("there")
    for redirected, said in (("> /dev/full", "cannot be written"), (">&-", ""), ("2>&-", ""), ("2> /dev/full", "")):
        ran = in_a_shell(haulage, f"copy {album} {to} {redirected}")
        assert ran.returncode == 0 and said in ran.stderr and "Traceback" not in ran.stderr, redirected
    assert len(list(to.iterdir())) == FILES + 2


def test_a_command_that_is_written_wrong_is_told_to_machines_too(haulage: Program) -> None:
    for words in (["copy", "./a"], ["copy", "./a", "./b", "--nope"], ["log", "x"]):
        ran = haulage(*words, "--json")
        assert (ran.code, ran.err) == (2, "")
        [told] = ran.events
        assert (told["event"], told["code"]) == ("error", "refused") and told["message"] and told["fix"]


def test_runs_on_a_narrow_terminal_are_told_in_lines(haulage: Program, album: Path) -> None:
    haulage("copy", str(album), str(album.with_name("there")))
    shown = on_a_terminal(haulage, 40, "runs")
    assert "1  copy  102 " in shown and f"   {album}\r\n" in shown
    assert f"{FILES + 1} verified, 0 unchanged" in shown
    assert "Verified" in on_a_terminal(haulage, 160, "runs")


def test_whoever_reads_the_beginning_of_a_log_has_enough(haulage: Program, album: Path) -> None:
    haulage("copy", str(album), str(album.with_name("there")))
    for words in ("log 1", "log 1 --json", "log 1 --csv", "runs --json"):
        ran = in_a_shell(haulage, f"{words} | head -n 1 > /dev/null")
        assert (ran.returncode, ran.stderr) == (0, ""), words


def test_a_terminal_that_closes_ends_a_run_in_order(haulage: Program, album: Path) -> None:
    ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where the tests themselves run under nohup
    try:
        running = haulage.start("copy", str(album), str(album.with_name("there")), "--json", "--bandwidth", "4M")
    finally:
        signal.signal(signal.SIGHUP, ours)
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGHUP)
    running.communicate(timeout=30)
    assert running.returncode == 130
    assert newest(haulage) == (230, "stopped by a person")


def test_a_signal_that_is_set_to_be_ignored_stays_ignored(haulage: Program, album: Path) -> None:
    to = album.with_name("there")
    line = f"trap '' HUP; {' '.join(PROGRAM)} copy {album} {to} --bandwidth 8M & sleep 1.2; kill -HUP $!; wait $!"
    ran = subprocess.run(["bash", "-c", line], env=haulage.environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
