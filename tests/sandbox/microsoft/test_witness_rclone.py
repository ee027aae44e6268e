"""rclone's onedrive backend, unmodified, on each kind of drive."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from testbed.sandbox import Sandbox
from tests.sandbox.with_rclone import Rclone, round_trip

RCLONE = pytest.mark.parametrize("witness", ["rclone 1.75"], indirect=True)
SERVICES = {"personal": "onedrive", "business": "onedrive-business", "documentLibrary": "onedrive-business"}
DRIVES = {"personal": "/me/drive", "business": "/me/drive", "documentLibrary": "/sites/root/drive"}


def onedrive(sandbox: Sandbox, folder: Path, kind: str, number: int = 0, **options: str) -> Rclone:
    """rclone with a drive of that kind as its remote; number: of the account whose it is."""
    service = SERVICES[kind]
    offer = sandbox.service(service)
    user = offer["accounts"][number]["user"]
    token = sandbox.do("microsoft", "sign-in", user=user, client_id=offer["client_id"])["access_token"]
    drive = graph(offer["base_url"], DRIVES[kind], token)["id"]
    return Rclone(
        sandbox, folder, "onedrive", service, vendor="microsoft", user=user, drive_id=drive, drive_type=kind, **options
    )


def graph(base: str, path: str, token: str) -> Any:
    """What Graph says at the sandbox's own port."""
    request = urllib.request.Request(f"{base}/v1.0{path}", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)


@RCLONE
@pytest.mark.parametrize("kind", ["personal", "business", pytest.param("documentLibrary", marks=pytest.mark.slow)])
def test_rclone_copies_in_and_out(witness: str, sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    """200 mixed files in and out, the large one in fragments; moved, deleted, and nothing to do the second time."""
    round_trip(onedrive(sandbox, tmp_path, kind), tmp_path)


@RCLONE
@pytest.mark.parametrize("kind", ["personal", "business"])
def test_rclone_lists_the_same_by_folder_and_by_delta(
    witness: str, sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    """Two ways to list a whole drive, of somebody who has no shortcuts (rclone follows those without end)."""
    slow = onedrive(sandbox, tmp_path, kind, number=1).listed("it:", "-R", "--hash")
    fast = onedrive(sandbox, tmp_path, kind, number=1, delta="true").listed("it:", "-R", "--hash", "--fast-list")
    assert {one["Path"]: one.get("Hashes") for one in slow} == {one["Path"]: one.get("Hashes") for one in fast}
    assert len(slow) == len(fast) > 30


@RCLONE
@pytest.mark.parametrize("kind", ["personal", "business"])
def test_rclone_reads_awkward_names(witness: str, sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    """What it reads of the generated files has the hash that was listed."""
    rclone = onedrive(sandbox, tmp_path, kind)
    found = rclone.listed("it:Awkward names", "--hash", "--files-only")
    read = rclone("hashsum", "quickxor", "--download", "it:Awkward names")
    assert {one["Name"]: one["Hashes"]["quickxor"] for one in found} == {
        name: digest for digest, name in (line.split("  ", 1) for line in read.splitlines())
    }
    assert len(found) > 15
    assert "Used:" in rclone("about", "it:")


@RCLONE
def test_rclone_versions_links_and_the_bin(witness: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Old versions are cleaned up, a link is made, a copy is made by the service, and files go for good."""
    rclone = onedrive(sandbox, tmp_path, "business", hard_delete="true")
    for text in ("one", "two", "three"):
        (tmp_path / "v.txt").write_text(text)
        rclone("copyto", str(tmp_path / "v.txt"), "it:versions/v.txt", "--ignore-times")
    rclone("cleanup", "it:versions")
    assert rclone("cat", "it:versions/v.txt") == "three"
    link = rclone("link", "it:versions/v.txt")
    assert link.startswith("https://aurora-my.sharepoint.com/personal/") and "download.aspx?share=" in link
    rclone("copyto", "it:versions/v.txt", "it:versions/w.txt")
    assert rclone("cat", "it:versions/w.txt") == "three"
    rclone("purge", "it:versions")
