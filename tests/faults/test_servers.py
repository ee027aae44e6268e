"""The test bed's servers: they come up, keep what they are said to keep, and never outlive their starter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed.process import ROOT, DidNotStart, Program, free_ports
from testbed.servers import Azurite, Moto, SeaweedFS, blob_client, s3_client


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_seaweed_keeps_an_object_over_a_crash_on_the_same_address(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        address = server.endpoint_url
        s3_client(server).create_bucket(Bucket="hau-kept")
        s3_client(server).put_object(Bucket="hau-kept", Key="a/b", Body=b"kept")
        server.kill()
        server.start()
        assert server.endpoint_url == address
        assert s3_client(server).get_object(Bucket="hau-kept", Key="a/b")["Body"].read() == b"kept"
        pid = server.pid
    assert not alive(pid)


def test_moto_keeps_awkward_keys(moto: Moto, bucket: str) -> None:
    client = s3_client(moto)
    client.create_bucket(Bucket=bucket)
    keys = ["/lead", "a//b", "a/b", "bs\\a"]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]] == keys


def test_azurite_stores_a_blob(azurite: Azurite, container: str) -> None:
    made = blob_client(azurite).create_container(container)
    made.upload_blob("dir/ö", b"bytes")
    assert made.download_blob("dir/ö").readall() == b"bytes"


@pytest.mark.skipif(sys.platform != "linux", reason="looks a process up in /proc")
def test_a_server_ends_with_its_starter(tmp_path: Path) -> None:
    code = (
        f"import time; from pathlib import Path; from testbed.servers import Moto; "
        f"print(Moto(Path({str(tmp_path)!r})).start().pid, flush=True); time.sleep(100)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert alive(pid)
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_server_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    program = Program([sys.executable, "-c", "print('no such disk'); raise SystemExit(3)"], tmp_path / "log")
    with pytest.raises(DidNotStart, match=r"ended \(3\)(.|\n)*no such disk"):
        program.wait_until(lambda: False, 20)


def test_a_server_that_never_answers_is_stopped(tmp_path: Path) -> None:
    program = Program([sys.executable, "-c", "import time; time.sleep(100)"], tmp_path / "log")
    with pytest.raises(DidNotStart, match="no answer"):
        program.wait_until(lambda: False, 0.3)
    assert not program.running


@pytest.mark.skipif(sys.platform != "linux", reason="looks a process up in /proc")
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_a_server_started_ends_with_it(tmp_path: Path, end: str) -> None:
    inner = [sys.executable, "-c", "import time; time.sleep(100)"]
    outer = f"import subprocess; p = subprocess.Popen({inner!r}); print(p.pid, flush=True); p.wait()"
    program = Program([sys.executable, "-c", outer], tmp_path / "log", grace=1)
    program.wait_until(lambda: program.tail().endswith("\n"), 20)
    pid = int(program.tail())
    assert alive(pid)
    getattr(program, end)()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(40))) == 40
