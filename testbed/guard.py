"""Runs one program and ends it as soon as whoever started it is gone: `python guard.py GRACE PROGRAM ARGS...`.

The starter holds the other end of our standard input; its end (closed on purpose, or by a SIGKILL of the starter)
means stop: SIGTERM, and after GRACE seconds SIGKILL. Standard output carries the program's pid and
nothing else; what the program prints goes to standard error.
A parent-death signal on the program alone would not do: it fires when the *thread* that started it ends.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def die_with_guard() -> None:
    """In the program, before it runs: a guard that is killed takes the program along. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def signal_all(program: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """To the program and all that it started: some programs are a script around the real one."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, number)


def main() -> None:
    """Start, watch, stop; ends with the program's own status."""
    grace = float(sys.argv[1])
    program = subprocess.Popen(
        sys.argv[2:], stdin=subprocess.DEVNULL, stdout=2, process_group=0, preexec_fn=die_with_guard
    )
    print(program.pid, flush=True)

    def follow() -> None:
        status = program.wait()
        signal_all(program, signal.SIGKILL)
        os._exit(status & 0xFF)

    threading.Thread(target=follow, daemon=True).start()
    while os.read(0, 1024):
        continue
    signal_all(program, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(grace)
    signal_all(program, signal.SIGKILL)
    program.wait()


if __name__ == "__main__":
    main()
