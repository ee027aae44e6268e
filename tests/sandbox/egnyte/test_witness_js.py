"""Egnyte's official JavaScript SDK, unmodified: a tour of what it covers, in the way of its own tests."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testbed.process import NotInstalled
from testbed.sandbox import Sandbox, clean_env
from testbed.servers import ROOT, tool
from tests.sandbox.egnyte.conftest import Account

SDK = ROOT / ".testbed" / "npm" / "node_modules" / "egnyte-js-sdk"
NAMES = (
    "&yet", "_foo", "zażółćGęśląJaźń", "Русские Буквы", "download(1).foo", "brs{}", "fifty%", "z;z", "#bang#bang",
    "allAtOnce-. _~!$&'(),;=@^][`+#",
)  # fmt: skip
BAD_FOLDERS, BAD_FILES = (" space ",), ("danglingdot.", "spam.tmp", "Thumbs.db")
CHUNK_BYTES = 10 << 20


def run(sandbox: Sandbox, told: dict[str, Any]) -> dict[str, Any]:
    """What the tour saw."""
    if not SDK.is_dir():
        pytest.skip("egnyte-js-sdk is not installed: run `make setup`")
    try:
        node = tool("node", "run `make setup`")
    except NotInstalled as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [node, str(Path(__file__).parent / "tour.cjs"), str(SDK), json.dumps(told)],
        env=clean_env(sandbox.client_env), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("witness", ["egnyte-js-sdk 2.10.1"], indirect=True)
def test_tour(witness: str, sandbox: Sandbox, people: list[Account]) -> None:
    offer, who, other = sandbox.service("egnyte"), people[0], people[-1]["user"]
    top = "/Shared/Tour in JavaScript"
    told = {"domain": f"https://{offer['details']['domain']}", "key": offer["client_id"], "user": who["user"]}
    told |= {"password": who["password"], "other": other, "top": top}
    seen = run(sandbox, {**told, "names": NAMES, "badFolders": BAD_FOLDERS, "badFiles": BAD_FILES})
    sees_folders(seen, who, top)
    sees_files(seen)
    sees_locks(seen)
    sees_people(seen, who, other)
    assert [(one["action"], one["data"]["target_path"]) for one in seen["update"]["events"]] == [
        ("create", f"{top}/candy.txt")
    ]
    assert (seen["notMine"], seen["nothingNew"]) == (204, 204)
    assert (seen["gone"], seen["after"]) == (200, False)


def sees_folders(seen: dict[str, Any], who: Account, top: str) -> None:
    """Signing in, folders, names."""
    assert seen["wrong"]["status"] == 400 and seen["me"]["username"] == who["user"]
    assert seen["made"]["path"] == top and seen["root"]["status"] == 409
    assert seen["again"] == {"status": 403, "message": "Folder already exists at this location"}
    assert not seen["jibberish"] and not seen["left"]
    assert seen["names"] == [name for name in NAMES for _ in range(2)]
    assert [one["status"] for one in seen["badNames"]] == [400] * 4
    assert seen["byId"]["path"] == f"{top}/Two" and seen["byId"]["folder_id"] == seen["one"]["folder_id"]
    assert seen["ancestors"]["status"] == 501
    assert {one["name"] for one in seen["listed"]["files"]} == set(NAMES)


def sees_files(seen: dict[str, Any]) -> None:
    """Versions, copies, chunks."""
    first, second, third = seen["firstFacts"], seen["secondFacts"], seen["thirdFacts"]
    assert seen["first"]["id"] == first["entry_id"] and seen["second"]["id"] == second["entry_id"] != first["entry_id"]
    assert seen["second"]["group_id"] == first["group_id"] == second["group_id"]
    assert [one["entry_id"] for one in second["versions"]] == [first["entry_id"]] and second["num_versions"] == 2
    assert (seen["download"], seen["oldVersion"], seen["stream"]) == ("first", "first", "second")
    assert seen["removedVersion"] == 200 and seen["wrongVersion"]["status"] == 404
    assert "versions" not in third and third["entry_id"] == second["entry_id"]
    assert seen["copied"]["path"].endswith("/copy.txt") and seen["removed"] == 200
    assert seen["copyOntoItself"]["status"] == 403
    bodies = [letter * CHUNK_BYTES for letter in (b"a", b"b", b"c")] + [b"the end"]
    joined = hashlib.sha512("".join(hashlib.sha512(one).hexdigest() for one in bodies).encode()).hexdigest()
    facts = seen["largeFacts"]
    assert (facts["checksum"], facts["size"]) == (f"2-4-{CHUNK_BYTES}-{joined}", 3 * CHUNK_BYTES + 7)
    assert seen["large"]["id"] == facts["entry_id"] and seen["smallChunk"] == 400


def sees_locks(seen: dict[str, Any]) -> None:
    """One's own, and another's."""
    assert seen["lock"]["lock_token"] and seen["lock"]["timeout"] == 1799 and seen["lockedFacts"]["locked"]
    assert seen["wrongUnlock"]["status"] == 404 and seen["wrongUnlock"]["message"]
    assert "value" in seen["unlock"] and "value" in seen["unlockAgain"] and "value" in seen["othersUnlock"]
    assert seen["ownToken"]["lock_token"] == "1234567890"
    assert seen["refused"] == {"status": 403, "message": "The file is locked"}
    assert seen["nobody"]["status"] == 400


def sees_people(seen: dict[str, Any], who: Account, other: str) -> None:
    """Permissions and users."""
    assert seen["granted"] == 200
    assert seen["grants"]["users"] == [{"subject": other, "permission": "Editor"}]
    assert seen["noGrants"]["users"] == []
    assert {one["subject"] for one in seen["allGrants"]["users"]} == {who["user"], other}
    assert seen["effective"]["permission"] == "Owner" and seen["othersEffective"]["permission"] == "Editor"
    assert seen["noneLeft"]["permission"] == "None"
    assert seen["byUserId"]["userName"] == seen["byName"]["userName"] == other
    assert (seen["noName"]["status"], seen["noId"]["status"]) == (404, 404)
