"""A drive that is full: the transfer pauses, once, and goes on when there is room."""

from pathlib import Path

import pytest

from haulage.model.outcome import Status
from testbed.content import fill_folder, made, read_folder
from tests.clouds.person import Person

PARALLEL = 16


@pytest.mark.parametrize("service_id", ["onedrive-business", pytest.param("onedrive", marks=pytest.mark.slow)])
def test_a_full_drive(person: Person, tmp_path: Path, service_id: str) -> None:
    """F35: no more calls are refused than were on their way; what fitted in is whole, and copied once."""
    tree = made(51, 40, awkward=False, largest=20_000)
    fill_folder(tree, tmp_path / "source")
    person.connect(service_id)
    sandbox, user, there = person.sandbox, person.account(service_id), person.at(service_id, "full")
    sandbox.do("microsoft", "quota", user=user, left=tree.size // 2)
    before = sandbox.calls
    try:
        stopped = person("copy", str(tmp_path / "source"), there, "--json")
        assert stopped.ended["status"] == Status.QUOTA_EXCEEDED, stopped.out[-2000:]
        assert stopped.counts["failed"] <= PARALLEL
        refused = [one for one in sandbox.history(service="microsoft", after=before) if one["status"] == 507]
        assert 0 < len(refused) <= PARALLEL
    finally:
        sandbox.do("microsoft", "quota", user=user, left=10**9)
    sent = stopped.counts["sent_bytes"]
    ran = person.copies(tmp_path / "source", there)
    assert 0 < sent + ran.counts["sent_bytes"] <= tree.size + stopped.counts["failed"] * 20_000
    person.copies(there, tmp_path / "back")
    assert read_folder(tmp_path / "back") == tree.digests()
