"""A drive with too little room: the transfer pauses, once, before what cannot fit, and goes on when there is room."""

from pathlib import Path
from typing import Any

import pytest

from haulage.model.outcome import Status
from testbed.content import fill_folder, made, read_folder
from tests.clouds.person import Person
from tests.e2e.program import Ran

PARALLEL = 16
THREE = ("onedrive-business", *(pytest.param(one, marks=pytest.mark.slow) for one in ("onedrive", "office365")))


def uploads(person: Person, after: int) -> list[dict[str, Any]]:
    """Calls since then that bring bytes."""
    names = ("PUT uploadUrl", "createUploadSession", "content")
    seen = person.sandbox.history(service="microsoft", after=after)
    return [one for one in seen if any(name in one["operation"] for name in names)]


def paused(ran: Ran) -> None:
    """It said so, and how to go on."""
    assert ran.ended["status"] == Status.PAUSED_NO_SPACE, ran.out[-2000:]
    error = next(one for one in ran.events if one["event"] == "error")
    assert error["code"] == "quota"
    assert "run the same command again" in error["fix"]


@pytest.mark.parametrize("service_id", THREE)
def test_a_drive_with_too_little_room(person: Person, tmp_path: Path, service_id: str) -> None:
    """Half would fit: nothing goes up, and it is said what is needed and free. A dry run says it too."""
    tree = made(51, 40, awkward=False, largest=20_000)
    fill_folder(tree, tmp_path / "source")
    person.connect(service_id)
    sandbox, there = person.sandbox, person.at(service_id, "little")
    assert person("connectors", "browse", person.at(service_id, "")).code == 0
    sandbox.do("microsoft", "quota", **person.drive(service_id), left=tree.size // 2)
    before = sandbox.calls
    try:
        plan = person("copy", str(tmp_path / "source"), there, "--dry-run")
        assert (plan.code, "too much" in plan.out) == (0, True), plan.out + plan.err
        stopped = person("copy", str(tmp_path / "source"), there, "--json")
        paused(stopped)
        assert (stopped.counts["needed_bytes"], stopped.counts["free_bytes"]) == (tree.size, tree.size // 2)
        assert (stopped.counts["sent_bytes"], stopped.counts["failed"]) == (0, 0)
        assert uploads(person, before) == []
        sandbox.do("microsoft", "quota", **person.drive(service_id), left=tree.size)
        ran = person.copies(tmp_path / "source", there)
    finally:
        sandbox.do("microsoft", "quota", **person.drive(service_id), left=10**12)
    assert ran.counts["sent_bytes"] == tree.size
    again = person.copies(tmp_path / "source", there)
    assert again.counts["free_bytes"] is None, "asked although nothing is needed"
    person.copies(there, tmp_path / "back")
    assert read_folder(tmp_path / "back") == tree.digests()


@pytest.mark.slow
@pytest.mark.parametrize("service_id", ["onedrive-business", "onedrive", "office365"])
def test_a_drive_that_others_fill(person: Person, tmp_path: Path, service_id: str) -> None:
    """F35: it fits at first. Refused are no more calls than were on their way; what fitted in is whole, copied once."""
    tree = made(52, 120, awkward=False, largest=20_000)
    fill_folder(tree, tmp_path / "source")
    person.connect(service_id)
    sandbox, there = person.sandbox, person.at(service_id, "filled")
    assert person("connectors", "browse", person.at(service_id, "")).code == 0
    sandbox.settings(service="microsoft", latency_seconds=0.3)
    before = sandbox.calls
    try:
        process = person.start("copy", str(tmp_path / "source"), there, "--json")
        for line in process.stdout or ():
            if '"sent_bytes":0' not in line.replace(" ", "") and '"sent_bytes"' in line:
                sandbox.do("microsoft", "quota", **person.drive(service_id), left=40_000)
                break
        out, _ = process.communicate(timeout=120)
        assert f'"status":{int(Status.PAUSED_NO_SPACE)}' in out.replace(" ", ""), out[-2000:]
        seen = sandbox.history(service="microsoft", after=before)
        assert 0 < sum(one.get("status") == 507 for one in seen) <= PARALLEL
    finally:
        sandbox.settings(service="microsoft", latency_seconds=0)
        sandbox.do("microsoft", "quota", **person.drive(service_id), left=10**12)
    ran = person.copies(tmp_path / "source", there)
    assert 0 < ran.counts["sent_bytes"] < tree.size
    person.copies(there, tmp_path / "back")
    assert read_folder(tmp_path / "back") == tree.digests()
