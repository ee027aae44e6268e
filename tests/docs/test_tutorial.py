"""The tutorial works as it stands: its commands are run in one shell, and they print what it says."""

import os
import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-copy.md"
BLOCK = re.compile(r"^(% second terminal\n)?```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "--- end of block"


def blocks() -> list[tuple[str, str]]:
    """("sh", "second terminal" or "text", its lines)."""
    found = BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    return [("second terminal" if second else kind, body) for second, kind, body in found]


def shape(text: str) -> str:
    """The text without what differs from run to run: numbers of runs, blanks."""
    return re.sub(r"run \d+", "run N", " ".join(text.split()))


def test_every_command_works_and_prints_what_is_shown(tmp_path: Path) -> None:
    served = tmp_path / "serve"
    environment = {
        **os.environ,
        "HAULAGE_HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path),
        "PATH": os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"])),
        "LC_ALL": "C.UTF-8",
    }
    server = [sys.executable, "-m", "testbed.serve", str(served)]
    assert ".venv/bin/python -m testbed.serve" in dict(blocks())["second terminal"]
    script = ["set -euo pipefail"]
    for kind, body in blocks():
        if kind == "sh":
            script += [body.replace('"$checkout/.testbed/serve/env"', f'"{served}/env"'), f"echo '{END}'"]
    with subprocess.Popen(server, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL) as serving:
        try:
            wait_for(served / "env", serving)
            ran = subprocess.run(
                ["bash", "-c", "\n".join(script)],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=150,
                check=False,
            )
        finally:
            serving.terminate()
    assert ran.returncode == 0, ran.stdout
    compare(ran.stdout)


def wait_for(env: Path, serving: subprocess.Popen[bytes]) -> None:
    """Until the servers of the second terminal are there."""
    deadline = time.monotonic() + 60
    while not env.exists():
        assert serving.poll() is None, "the servers ended"
        assert time.monotonic() < deadline, "the servers did not come up"
        time.sleep(0.1)


def compare(output: str) -> None:
    """Each line that the tutorial shows was printed by the block before it."""
    printed = iter(output.split(END))
    current, shown_lines = "", 0
    for kind, body in blocks():
        if kind == "sh":
            current = shape(next(printed))
        elif kind == "text":
            for line in body.splitlines():
                assert shape(line) in current, f"{line!r} was not printed:\n{current}"
                shown_lines += 1
    assert shown_lines > 8
