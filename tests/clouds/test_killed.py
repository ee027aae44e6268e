"""SIGKILL in the middle of uploads to a cloud: nothing partial is ever visible, at most one part is sent again."""

import random
import time
from pathlib import Path

import pytest

from haulage.services.registry import service
from testbed.content import Entry, fill_folder, made
from tests.clouds.person import Person, killed_after, sampled
from tests.connectors.people import VENDORS

LARGE = 45 * 1024 * 1024
LATENCY_SECONDS = 0.15
UPLOADS = (
    *("PUT uploadUrl", "files/upload_session/append_v2", "files/upload_session/start"),
    *("put_files_upload_sessions_id", "post_files_content", "post_files_id_content"),
    *("upload", "upload chunk"),
    *("drive.files.create", "drive.files.update", "drive.files.upload"),
)

FACTS_BYTES = {
    **{"drive.files.create": 700, "drive.files.update": 700},
    **{"post_files_content": 110, "post_files_id_content": 110},  # in JSON: a name of 14 letters, a folder's id, a time
}
"""What such a call tells of a file besides its content, at most. A part of a large file tells nothing besides."""


def kill_again_and_again(person: Person, service_id: str, folder: Path, kills: int, seed: int) -> None:
    """One large file and twelve small ones; the clock of the kills is that of an undisturbed copy."""
    dice, source, sandbox = random.Random(seed), folder / "source", person.sandbox
    tree = made(seed, 12, awkward=False)
    tree.files.append(Entry("large.bin", LARGE, 1_600_000_000_000_000, lambda: random.Random(seed).randbytes(LARGE)))
    fill_folder(tree, source)
    person.connect(service_id)
    wanted = tree.digests()
    traits = service(service_id).traits
    assert traits is not None
    sandbox.settings(service=VENDORS[service_id], latency_seconds=LATENCY_SECONDS)
    try:
        begun = time.monotonic()
        person.copies(source, person.at(service_id, f"whole {seed}"))
        whole, before, done, rounds = time.monotonic() - begun, sandbox.calls, 0, 0
        while done < kills:
            place, killed = f"killed {seed} {rounds}", 0
            target = person.at(service_id, place)
            while done < kills and killed_after(person, dice.uniform(0.4, whole), "copy", str(source), target):
                killed, done = killed + 1, done + 1
            person.copies(source, target)
            again = person.copies(source, target)
            assert (again.ended["status"], again.counts["sent_bytes"]) == (101, 0)
            seen = sandbox.history(service=VENDORS[service_id], after=before)
            uploads = [one for one in seen if one["operation"] in UPLOADS]
            sent = sum(max(0, one.get("received", 0) - FACTS_BYTES.get(one["operation"], 0)) for one in uploads)
            # a part of the large file and whatever small ones were on their way, for each kill
            assert sent <= tree.size + killed * (traits.part_bytes(LARGE) + tree.size - LARGE), (sent, killed)
            changes = sandbox.history("changes", service=VENDORS[service_id], after=before)
            made_visible = [(one["path"].partition(f"/{place}/")[2], one) for one in changes if one["sha256"]]
            assert {path: one["sha256"] for path, one in made_visible} == wanted
            assert all(one["sha256"] == wanted[path] for path, one in made_visible)
            assert len(made_visible) == len(wanted), "a file was made twice"
            before, rounds = sandbox.calls, rounds + 1
    finally:
        sandbox.settings(service=VENDORS[service_id], latency_seconds=0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service_id", sampled())
def test_random_kills_of_a_copy_to_a_cloud(person: Person, tmp_path: Path, service_id: str) -> None:
    """A sample."""
    kill_again_and_again(person, service_id, tmp_path, kills=3, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service_id", sampled())
def test_many_kills_of_a_copy_to_a_cloud(person: Person, tmp_path: Path, service_id: str) -> None:
    """At length."""
    kill_again_and_again(person, service_id, tmp_path, kills=60, seed=2)
