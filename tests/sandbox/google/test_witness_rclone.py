"""rclone's Google Drive backend, unmodified."""

import json
from pathlib import Path

import pytest

from testbed.sandbox import Sandbox
from tests.sandbox.with_rclone import Rclone, round_trip

RCLONE = pytest.mark.parametrize("witness", ["rclone 1.75"], indirect=True)


def remote(sandbox: Sandbox, folder: Path, **options: str) -> Rclone:
    """rclone in the administrator's name, without its own pacing."""
    pace = {"pacer_min_sleep": "1ms", "pacer_burst": "1000"}
    return Rclone(sandbox, folder, "drive", "google-drive", scope="drive", **pace, **options)


@RCLONE
def test_rclone_copies_in_and_out(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """200 mixed files, the large one resumable."""
    round_trip(remote(sandbox, tmp_path), tmp_path)


@RCLONE
def test_rclone_uploads_everything_in_chunks(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Chunks of 256 KiB, by POST, of files around the boundary; kept revisions of a second version.

    Not with a cutoff of 0: rclone then sends nothing at all of an empty file.
    """
    rclone = remote(sandbox, tmp_path, chunk_size="256k", upload_cutoff="1", keep_revision_forever="true")
    here = tmp_path / "chunks"
    here.mkdir()
    for size in (0, 1, 262_143, 262_144, 262_145, 700_000):
        (here / f"{size}.bin").write_bytes(bytes(size % 251 for _ in range(size)))
    rclone("copy", str(here), "it:chunks")
    rclone("check", str(here), "it:chunks", "--download")
    (here / "1.bin").write_bytes(b"another version")
    assert rclone.copied(str(here), "it:chunks") == 1
    rclone("check", str(here), "it:chunks")
    rclone("purge", "it:chunks")


@RCLONE
def test_rclone_lists_and_reads_the_generated_tree(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Both ways of listing agree, and every file has the hashes of the bytes that are read."""
    rclone = remote(sandbox, tmp_path)
    found = rclone.listed("it:", "-R", "--hash", "--files-only")
    assert len(found) > 100
    fast = rclone.listed("it:", "-R", "--hash", "--files-only", "--fast-list", "-M", "--drive-list-chunk", "100")
    assert {one["ID"] for one in fast} == {one["ID"] for one in found}
    read = rclone("hashsum", "sha256", "--download", "it:Awkward names", "--exclude", "twin.txt")
    downloaded = dict(reversed(line.split("  ", 1)) for line in read.splitlines())
    told = rclone("hashsum", "sha256", "it:Awkward names", "--exclude", "twin.txt")
    assert dict(reversed(line.split("  ", 1)) for line in told.splitlines() if line[0] != " ").items() <= (
        downloaded.items()
    )
    assert json.loads(rclone("about", "it:", "--json"))["used"] > 0


@RCLONE
def test_rclone_exports_documents(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Native documents come as Office files, by their export links; the long one too."""
    rclone = remote(sandbox, tmp_path)
    rclone("copy", "it:", str(tmp_path / "docs"), "--include", "/*.docx", "--max-depth", "1")
    handbook = tmp_path / "docs" / "Complete Handbook.docx"
    assert handbook.stat().st_size > 10 << 20
    assert handbook.read_bytes().startswith(b"PK")


@RCLONE
def test_rclone_sees_shared_drives_trash_and_what_is_shared(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    rclone = remote(sandbox, tmp_path)
    drives = json.loads(rclone("backend", "drives", "it:"))
    assert {"Projects", "Board"} <= {one["name"] for one in drives}
    drive = next(one["id"] for one in drives if one["name"] == "Board")
    team = remote(sandbox, tmp_path, team_drive=drive)
    assert team.listed("it:")
    (tmp_path / "one.txt").write_text("one")
    team("copy", str(tmp_path / "one.txt"), "it:new folder")
    assert team("cat", "it:new folder/one.txt") == "one"
    team("purge", "it:new folder")
    assert team.listed("it:", "--drive-trashed-only")
    rclone("lsf", "it:", "--drive-shared-with-me")
    rclone("cleanup", "it:")
