"""`haulage verify` as a person sees it."""

import os
from pathlib import Path

import pytest

from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client
from tests.e2e.program import Program
from tests.unit.engine.sides import rot, write

FILES: dict[str, bytes | None] = {
    "a.txt": b"first",
    "b.txt": b"other",
    "empty": b"",
    "sub/x": os.urandom(5000),
    "sub/Grüße 日本.txt": b"x" * 1000,
}


def test_the_story_of_a_folder(haulage: Program, tmp_path: Path) -> None:
    """Copied and verified; damaged where only --deep can tell; more damage, in words and in JSON."""
    source, target = tmp_path / "source", tmp_path / "destination"
    write(source, FILES)
    sides = f"file://{source}", f"file://{target}"
    missing = haulage("verify", *sides)
    assert missing.code == 2
    assert "destination" in missing.err
    assert haulage("copy", *sides).code == 0

    good = haulage("verify", *sides)
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("Everything is at the destination as it is at the source (run 2, status 100).\n")
    assert "6 verified" in good.out

    rot(target / "sub/x", 77)
    assert haulage("verify", *sides).code == 0
    deep = haulage("verify", *sides, "--deep")
    assert deep.code == 3
    assert "failed: sub/x: the bytes at the destination are not those at the source" in deep.err
    assert "1 failed" in deep.out
    assert "By code: hash 1" in deep.out

    (target / "a.txt").unlink()
    write(target, {"extra": b"1"})
    machine = haulage("verify", *sides, "--deep", "--json")
    assert machine.code == 3
    assert (machine.ended["status"], machine.ended["deep"]) == (201, True)
    assert (machine.counts["by_code"], machine.counts["extra"]) == ({"missing": 1, "hash": 1}, 1)
    problems = {event["path"]: event["code"] for event in machine.events if event["event"] == "problem"}
    assert problems == {"a.txt": "missing", "sub/x": "hash"}


def test_filters_are_those_of_copy(haulage: Program, tmp_path: Path) -> None:
    """What a filtered copy has left out is not missing."""
    source, target = tmp_path / "source", tmp_path / "destination"
    write(source, FILES)
    words = str(source), str(target), "--exclude", "sub", "--max-size", "1k"
    assert haulage("copy", *words).code == 0
    ran = haulage("verify", *words, "--json")
    assert (ran.code, ran.counts["successful"], ran.counts["skipped"]) == (0, 3, 3)
    assert haulage("verify", str(source), str(target)).code == 3


def test_a_copy_that_is_under_way_is_left_alone(haulage: Program, tmp_path: Path) -> None:
    """The transfer is held by the other process."""
    source, target = tmp_path / "source", tmp_path / "destination"
    write(source, {"large": bytes(4 * 1024 * 1024)})
    copying = haulage.start("copy", str(source), str(target), "--bandwidth", "1M", "--json")
    try:
        assert copying.stdout is not None
        assert '"started"' in copying.stdout.readline()
        ran = haulage("verify", str(source), str(target), "--json")
        assert ran.code == 2
        assert ran.events[-1]["code"] == "already_running"
    finally:
        copying.terminate()
        copying.communicate(timeout=60)


def test_s3(haulage: Program, seaweed: SeaweedFS, bucket: str, tmp_path: Path) -> None:
    """Bucket to bucket by what the service tells, bucket to folder by what was proven; damage is found in both."""
    client = s3_client(seaweed)
    client.create_bucket(Bucket=bucket)
    for path, body in FILES.items():
        client.put_object(Bucket=bucket, Key=f"from/{path}", Body=body)
    haulage.environment |= {**seaweed.env, "AWS_ENDPOINT_URL": seaweed.endpoint_url}
    source, there, here = f"s3://{bucket}/from", f"s3://{bucket}/to", str(tmp_path / "here")
    for target in (there, here):
        assert haulage("copy", source, target).code == 0
        ran = haulage("verify", source, target, "--json")
        assert (ran.code, ran.counts["successful"], ran.counts["weak"], ran.counts["extra"]) == (0, 5, 0, 0)
        assert ran.counts["read_bytes"] == 0
        deep = haulage("verify", source, target, "--json", "--deep")
        assert (deep.code, deep.counts["read_bytes"]) == (0, 2 * 6010)

    misspelt = haulage("verify", f"s3://{bucket}/form", here)
    assert (misspelt.code, "nothing lies below" in misspelt.err) == (2, True)

    client.put_object(Bucket=bucket, Key="to/a.txt", Body=b"First")
    client.delete_object(Bucket=bucket, Key="to/b.txt")
    client.put_object(Bucket=bucket, Key="to/sub/more", Body=b"1")
    ran = haulage("verify", source, there, "--json")
    assert (ran.code, ran.counts["by_code"], ran.counts["extra"]) == (3, {"hash": 1, "missing": 1}, 1)
    rot(tmp_path / "here" / "sub" / "x")
    assert haulage("verify", source, here, "--deep", "--json").counts["by_code"] == {"hash": 1}


def test_azure(haulage: Program, azurite: Azurite, container: str, tmp_path: Path) -> None:
    """A folder to a container: what was proven stays proven until somebody writes there."""
    client = blob_client(azurite).create_container(container)
    source = tmp_path / "source"
    write(source, {**FILES, "empty folder": None})
    haulage.environment |= {
        "AZURE_STORAGE_ACCOUNT": azurite.account_name,
        "AZURE_STORAGE_KEY": azurite.account_key,
        "AZURE_STORAGE_BLOB_ENDPOINT": azurite.endpoint_url,
    }
    sides = str(source), f"az://{container}/in/here"
    assert haulage("copy", *sides).code == 0
    ran = haulage("verify", *sides, "--json")
    assert (ran.code, ran.counts["successful"], ran.counts["weak"], ran.counts["extra"]) == (0, 6, 0, 0)
    assert ran.counts["read_bytes"] == 0
    assert haulage("verify", *sides, "--deep").code == 0

    client.upload_blob("in/here/a.txt", b"First", overwrite=True)
    client.upload_blob("in/here/b.txt", b"other", overwrite=True)
    client.delete_blob("in/here/sub/x")
    ran = haulage("verify", *sides, "--json")
    assert (ran.code, ran.counts["by_code"]) == (3, {"hash": 1, "missing": 1})
    assert ran.counts["read_bytes"] == 10, "both were written by somebody else since, so they are looked into"


@pytest.mark.parametrize("word", ["--bandwidth", "--max-size"])
def test_nonsense_is_refused(haulage: Program, tmp_path: Path, word: str) -> None:
    """Before anything is opened."""
    ran = haulage("verify", str(tmp_path), str(tmp_path / "b"), word, "many")
    assert ran.code == 2
    assert "'many' is not a size" in ran.err
