"""Somebody takes a folder away while a run writes into it: what had arrived there is not claimed to be there (F34)."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.clouds.person import Person
from tests.connectors.google_api import DriveApi
from tests.e2e.program import PROGRAM, Ran

FILES = 120


def copy_under_way(person: Person, *words: str) -> "subprocess.Popen[str]":
    """Begin a copy."""
    return subprocess.Popen(
        [*PROGRAM, "copy", *words, "--json"],
        env=person.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(300)
def test_a_folder_in_the_trash(person: Person, tmp_path: Path) -> None:
    """The folder is made anew; the run says what went with the old one, and is no success; the next one brings it."""
    person.connect("google-drive")
    source = tmp_path / "source"
    (source / "in").mkdir(parents=True)
    for number in range(FILES):
        (source / "in" / f"{number}.txt").write_text(f"number {number}")
    api = DriveApi(person.sandbox, person.account("google-drive"))
    target = "google-drive:/Taken away"

    def inside(name: str, folder: str) -> list[str]:
        return [one["id"] for one in api.found(f"'{folder}' in parents and trashed = false and name contains '{name}'")]

    person.sandbox.settings(service="google", latency_seconds=0.2)
    try:
        running = copy_under_way(person, str(source), target)
        folder = ""
        for _ in range(600):
            time.sleep(0.1)
            found = api.found("name = 'Taken away' and trashed = false")
            folder = next(iter(inside("in", found[0]["id"])), "") if found else ""
            if folder and len(api.found(f"'{folder}' in parents and trashed = false")) >= 20:
                break
        api.update(folder, trashed=True)
        out, err = running.communicate(timeout=120)
    finally:
        person.sandbox.settings(service="google", latency_seconds=0)
    ran = Ran(subprocess.CompletedProcess(PROGRAM, running.returncode, out, err))
    assert (ran.code, ran.ended["status"]) == (3, 228), out[-2000:] + err
    assert "'in' was taken away while the run went on, with" in ran.ended["counts"]["incomplete"][0]
    again = person.copies(source, target)
    (root,) = api.found("name = 'Taken away' and trashed = false")
    (there,) = inside("in", root["id"])
    assert len(api.found(f"'{there}' in parents and trashed = false")) == FILES
    assert again.counts["successful"] + again.counts["unchanged"] == FILES + 1
    assert person.copies(source, target).ended["status"] == 101
