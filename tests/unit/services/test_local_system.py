"""What the system is really asked, in which order, and what a kill or a full disk leaves (F46, F48, F50, G2)."""

import asyncio
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from haulage.model.item import Carried, Kind
from haulage.services.contract import ABSENT
from haulage.services.local.drive import LocalDrive
from haulage.services.local.paths import UNFINISHED

SCRIPT = """
    import asyncio, os, sys
    from haulage.services.local import drive as local
    from haulage.model.item import Carried
    from haulage.services.contract import ABSENT, Precondition
    from haulage.services.local.drive import LocalDrive

    def say(word):
        os.write(1, (word + "\\n").encode())

    async def main():
        local._WRITERS = 1  # strace counts the calls of each thread by itself
        drive = LocalDrive(sys.argv[1])
        say("begin")
        first = await drive.put("d/a.bin", b"1" * 9000, Carried(modified_us=1), {}, ABSENT)
        say("acked d/a.bin 1")
        await drive.put("d/a.bin", b"2" * 9000, Carried(modified_us=2), {}, Precondition(revision=first.revision))
        say("acked d/a.bin 2")
        state = await drive.begin("d/b.bin", 9000, Carried(modified_us=3), "attempt", ABSENT)
        receipts = [
            await drive.put_part(state, number + 1, number * 3000, memoryview(b"3" * 3000), None) for number in range(3)
        ]
        await drive.finish(state, receipts, {}, ABSENT)
        say("acked d/b.bin 3")
        await drive.close()

    asyncio.run(main())
"""

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace shows and stops system calls")


def straced(script: Path, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["strace", "-f", "-qq", *options, sys.executable, str(script), str(root)]
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=quiet)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program that writes, replaces and uploads in parts, and says what was acknowledged."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return path


@needs_strace
def test_durable_before_it_is_said(tmp_path: Path, script: Path) -> None:
    """F50: data is synced before it gets its name, the folder after, and only then it is acknowledged."""
    log = tmp_path / "strace.log"
    watched = "mkdirat,pwrite64,utimensat,fsync,fdatasync,linkat,renameat2,write"
    (tmp_path / "root").mkdir()
    done = straced(script, tmp_path / "root", "-y", "-o", str(log), "-e", f"trace={watched}")
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    begun = next(number for number, line in enumerate(lines) if "write(1" in line and '"begin' in line)
    order = "".join(_letter(line, str(tmp_path / "root")) for line in lines[begun:])
    assert order == "mD" + "wtSnDA" + "wtSnnDA" + "SD" + "wsw" * 3 + "tSnDA"


def _letter(line: str, root: str) -> str:
    """m: folder made. w: written. t: time set. s, S: file synced. n: named. D: folder synced. A: acknowledged."""
    call = line.split(None, 1)[1].partition("(")[0]
    if call == "write":
        return "A" if "acked" in line else ""
    if root not in line:
        return ""
    if call == "fsync":
        target = line.partition("<")[2].partition(">")[0]
        return "D" if target in (root, f"{root}/d") else "S"
    return {"mkdirat": "m", "pwrite64": "w", "utimensat": "t", "fdatasync": "s", "linkat": "n", "renameat2": "n"}[call]


KILLS = [
    *(("fsync", when) for when in range(1, 9)),
    *(("linkat", when) for when in (1, 2)),
    *(("renameat2", when) for when in (1, 2)),
    *(("unlinkat", 1), ("mkdirat", 1), ("utimensat", 3), ("ftruncate", 2)),
    *(("pwrite64", when) for when in (1, 2, 3, 4, 5, 8)),
    *(("fdatasync", when) for when in (1, 2, 3)),
]


@needs_strace
@pytest.mark.parametrize(("call", "when"), KILLS)
def test_killed_at_a_system_call(tmp_path: Path, script: Path, call: str, when: int) -> None:
    """F48: at every name only whole versions, what was acknowledged is there, and what is left is never listed."""
    root = tmp_path / "root"
    root.mkdir()
    inject = f"inject={call}:signal=KILL:when={when}"
    done = straced(script, root, "-o", str(tmp_path / "log"), "-e", inject)
    assert done.returncode != 0, "the call was never reached"
    acked = dict(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("acked"))
    seen = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    unfinished = {path for path in seen if UNFINISHED.fullmatch(path.rpartition("/")[2])}
    for path in seen.keys() - unfinished:
        assert seen[path] in {digit * 9000 for digit in (b"1", b"2", b"3")}
    for path, digit in acked.items():
        assert seen[path][:1] >= digit.encode()
    asyncio.run(_starts_again(root, seen.keys() - unfinished))


async def _starts_again(root: Path, visible: set[str]) -> None:
    """The next run lists what is visible, and writes as if nothing had been."""
    drive = LocalDrive(str(root))
    top = (await drive.page("", None)).items
    below = (await drive.page("d", None)).items if top else []
    assert {item.path for item in [*top, *below] if item.kind == Kind.FILE} == visible
    await drive.put("d/c.txt", b"c", Carried(), {}, ABSENT)
    state = await drive.begin("d/again.bin", 3, Carried(), "attempt", ABSENT)
    receipt = await drive.put_part(state, 1, 0, memoryview(b"abc"), None)
    await drive.finish(state, [receipt], {}, ABSENT)
    assert (root / "d" / "again.bin").read_bytes() == b"abc"
    await drive.close()


FULL_SCRIPT = """
    import asyncio, sys
    from haulage.model.errors import DiskFull
    from haulage.model.item import Carried
    from haulage.services.contract import ABSENT
    from haulage.services.local.drive import LocalDrive

    async def main():
        drive = LocalDrive(sys.argv[1])
        for number in range(10):
            try:
                await drive.put(f"{number}.bin", bytes([number]) * 300_000, Carried(), {}, ABSENT)
            except DiskFull as error:
                print("full at", number, error.item_only)
                break
        try:
            state = await drive.begin("big.bin", 900_000, Carried(), "attempt", ABSENT)
            await drive.put_part(state, 1, 0, memoryview(bytes(900_000)), None)
        except DiskFull:
            print("full in a part")
        await drive.abort(state)
        print(sorted(item.path for item in (await drive.page("", None)).items))
        await drive.close()

    asyncio.run(main())
    import pathlib
    print(sorted((path.name, path.stat().st_size) for path in pathlib.Path(sys.argv[1]).iterdir()))
"""


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """F46, T61: the run is told, what was written stays, half a file is nowhere, the space is free again."""
    probe = (
        subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    )
    if probe is None or probe.returncode or os.geteuid() != 0:
        pytest.skip(
            "mounting a small disk needs root and mount namespaces; the simulated case is in test_local_writing"
        )
    script = tmp_path / "full.py"
    script.write_text(textwrap.dedent(FULL_SCRIPT))
    (tmp_path / "disk").mkdir()
    command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1"'
    arguments = [str(tmp_path / "disk"), sys.executable, str(script)]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, "sh", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "full at 3 False",
        "full in a part",
        "['0.bin', '1.bin', '2.bin']",
        "[('0.bin', 300000), ('1.bin', 300000), ('2.bin', 300000)]",
    ], done.stderr
