"""An upload in parts goes on inside the file: after a kill, at most one part is sent again."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from testbed.proxy import FaultProxy
from testbed.servers import Azurite, SeaweedFS, s3_client
from tests.e2e.program import Program
from tests.torture.oracle import sha256

PART = 8 * 1024 * 1024
MIB = 1024 * 1024


def make_file(path: Path, size: int) -> str:
    """A file of random bytes; returns its SHA-256."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
        file.write(os.urandom(size % MIB))
    return sha256(path.read_bytes())


def sent_parts(proxy: FaultProxy) -> list[str]:
    """The parts whose bodies arrived at the server as a whole: S3's part numbers, Azure's block ids."""
    parts = [*proxy.seen("PUT", query={"partNumber": None}), *proxy.seen("PUT", query={"comp": "block"})]
    whole = [seen for seen in parts if seen.upstream_status in (200, 201)]
    return [seen.query.get("partNumber") or seen.query["blockid"] for seen in whole]


def resumed(program: Program, proxy: FaultProxy, source: Path, target: str, size: int, killed_at: float) -> None:
    """Copy, kill when so much of the file is over, copy again; then look at what was sent."""
    running = program.start("copy", str(source), target, "--create")
    while len(sent_parts(proxy)) < size * killed_at / PART:
        assert running.poll() is None, running.communicate()
        try:
            running.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    running.send_signal(signal.SIGKILL)
    running.communicate()
    time.sleep(1)  # a part that was all under way when the program died still arrives
    before = sent_parts(proxy)
    proxy.log.clear()
    last = program("copy", str(source), target, "--json", timeout=170)
    assert last.code == 0, last.out + last.err
    again = sent_parts(proxy)
    parts = -(-size // PART)
    assert len(set(before) | set(again)) == parts, "all parts, and no upload begun anew"
    assert len(before) + len(again) <= parts + 1, "one part at most was sent twice"
    assert last.counts["resumed_bytes"] >= (len(before) - 1) * PART
    assert last.counts["sent_bytes"] + last.counts["resumed_bytes"] == size
    assert program("copy", str(source), target, "--json").counts["sent_bytes"] == 0


def on_s3(tmp_path: Path, seaweed: SeaweedFS, bucket: str, size: int) -> None:
    wanted = make_file(tmp_path / "source" / "large.bin", size)
    with FaultProxy(seaweed.endpoint_url) as proxy:
        program = Program(tmp_path / "home", {**seaweed.env, "AWS_ENDPOINT_URL": proxy.url})
        resumed(program, proxy, tmp_path / "source", f"s3://{bucket}/x", size, 0.5)
    body = s3_client(seaweed).get_object(Bucket=bucket, Key="x/large.bin")["Body"].read()
    assert sha256(body) == wanted
    assert "Uploads" not in s3_client(seaweed).list_multipart_uploads(Bucket=bucket)


def on_azure(tmp_path: Path, azurite: Azurite, container: str, size: int) -> None:
    wanted = make_file(tmp_path / "source" / "large.bin", size)
    with FaultProxy(azurite.endpoint_url) as proxy:
        keys = {"AZURE_STORAGE_ACCOUNT": azurite.account_name, "AZURE_STORAGE_KEY": azurite.account_key}
        program = Program(tmp_path / "home", {**keys, "AZURE_STORAGE_BLOB_ENDPOINT": proxy.url})
        resumed(program, proxy, tmp_path / "source", f"az://{container}/x", size, 0.5)
        back = program("copy", f"az://{container}/x", str(tmp_path / "back"), timeout=170)
        assert back.code == 0, back.err
    assert sha256((tmp_path / "back" / "large.bin").read_bytes()) == wanted


def test_on_s3(tmp_path: Path, seaweed: SeaweedFS, bucket: str) -> None:
    on_s3(tmp_path, seaweed, bucket, 96 * MIB + 5)


def test_on_azure(tmp_path: Path, azurite: Azurite, bucket: str) -> None:
    on_azure(tmp_path, azurite, bucket, 96 * MIB + 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_gibibyte_on_s3(tmp_path: Path, seaweed: SeaweedFS, bucket: str) -> None:
    on_s3(tmp_path, seaweed, bucket, 1024 * MIB)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_gibibyte_on_azure(tmp_path: Path, azurite: Azurite, bucket: str) -> None:
    on_azure(tmp_path, azurite, bucket, 1024 * MIB)


def test_a_local_destination_goes_on_inside_the_file_too(tmp_path: Path, seaweed: SeaweedFS, bucket: str) -> None:
    """From S3 to a folder: what is durable in the hidden file is not written again."""
    size = 64 * MIB + 5
    wanted = make_file(tmp_path / "source" / "large.bin", size)
    program = Program(tmp_path / "home", {**seaweed.env, "AWS_ENDPOINT_URL": seaweed.endpoint_url})
    assert program("copy", str(tmp_path / "source"), f"s3://{bucket}", "--create").code == 0
    target = tmp_path / "target"
    running = program.start("copy", f"s3://{bucket}", str(target), "--bandwidth", "32M", "--json")
    assert running.stdout is not None
    for line in running.stdout:
        if (sent := re.search(r'"sent_bytes":(\d+)', line)) and int(sent[1]) >= 2 * PART:
            break
    running.kill()
    running.communicate()
    assert not (target / "large.bin").exists()
    last = program("copy", f"s3://{bucket}", str(target), "--json")
    assert last.code == 0, last.out
    assert last.counts["resumed_bytes"] >= 2 * PART
    assert sha256((target / "large.bin").read_bytes()) == wanted
    assert list(target.iterdir()) == [target / "large.bin"]
