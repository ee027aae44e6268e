"""How fast a copy goes where a service's quota or its distance is the limit."""

import random
from pathlib import Path

import pytest

from haulage.services.registry import service
from testbed.content import Entry, fill_folder, made
from tests.clouds.person import Person, sampled
from tests.connectors.people import VENDORS

MINUTES = 3
LATENCY_SECONDS = 0.08
SMALL, LARGE_BYTES = 600, 45 * 1024 * 1024
FOLDER_CALLS = 2
AROUND = 12
"""Calls of a run that do not depend on how many files there are: signing in, finding the root, asking what changed."""
IN_TURN = 6
"""Of those, the ones that wait for each other."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("service_id", "quota", "units", "files", "operation"),
    [
        ("onedrive-business", "app-minute-units", 1250, 4200, ""),
        ("google-drive", "units per user", 20_000, 2400, ""),
        ("box", "uploads", 240, 1400, "post_files_content"),
    ],
)
def test_a_throttled_copy_uses_the_budget(
    person: Person, tmp_path: Path, service_id: str, quota: str, units: int, files: int, operation: str
) -> None:
    """At least 95 % of the units a minute over three full minutes after the first; nothing comes early.

    operation: the one that the quota is of, where it is not of all.
    """
    sandbox, vendor = person.sandbox, VENDORS[service_id]
    fill_folder(made(31, files, awkward=False, largest=2000), tmp_path / "source")
    person.connect(service_id)
    sandbox.settings(service=vendor, quotas={quota: units})
    before = sandbox.calls
    try:
        person.copies(tmp_path / "source", person.at(service_id, "throttled"), seconds=1500)
    finally:
        sandbox.settings(service=vendor, quotas_off=True)
    calls = [one for one in sandbox.history(service=vendor, after=before) if one.get("units")]
    calls = [one for one in calls if operation in ("", one["operation"])]
    first = calls[0]["time"]
    within = [one for one in calls if 60 <= one["time"] - first < 60 * (1 + MINUTES)]
    assert calls[-1]["time"] - first >= 60 * (1 + MINUTES), "the copy was over before the time that is measured"
    used = sum(one["units"] for one in within if one["status"] not in (403, 429))
    refused = sum(one["status"] in (403, 429) for one in within)
    print(f"{service_id}: {used:.0f} of {units * MINUTES} units used, {refused} calls refused")
    assert used >= 0.95 * units * MINUTES, (used, len(within))
    assert sandbox.history("early", service=vendor, after=before) == []


EGNYTE_CALLS_A_SECOND = 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_copy_to_egnyte_uses_its_calls(person: Person, tmp_path: Path) -> None:
    """At least 95 % of 2 calls a second over three full minutes after the first; nothing comes early."""
    sandbox = person.sandbox
    fill_folder(made(32, 260, awkward=False, largest=2000), tmp_path / "source")
    person.connect("egnyte")
    quotas = {"calls a second": EGNYTE_CALLS_A_SECOND, "calls a day": 1_000}
    sandbox.settings(service="egnyte", quotas=quotas)
    before = sandbox.calls
    try:
        ran = person.copies(tmp_path / "source", person.at("egnyte", "throttled"), seconds=900)
    finally:
        sandbox.settings(service="egnyte", quotas_off=True)
    budget = next(one for one in ran.events if one["event"] == "budget")
    assert (budget["calls_a_second"], budget["calls_a_day"]) == (EGNYTE_CALLS_A_SECOND, 1_000)
    calls = [one for one in sandbox.history(service="egnyte", after=before) if one.get("units")]
    first = calls[0]["time"]
    assert calls[-1]["time"] - first >= 60 * (1 + MINUTES), "the copy was over before the time that is measured"
    within = [one for one in calls if 60 <= one["time"] - first < 60 * (1 + MINUTES)]
    used = sum(one["status"] not in (403, 429) for one in within)
    print(f"egnyte: {used} of {EGNYTE_CALLS_A_SECOND * 60 * MINUTES} calls used")
    assert used >= 0.95 * EGNYTE_CALLS_A_SECOND * 60 * MINUTES, (used, len(within))
    assert sandbox.history("early", service="egnyte", after=before) == []


@pytest.mark.slow
@pytest.mark.parametrize("role", ["destination", "source"])
@pytest.mark.parametrize("service_id", sampled())
def test_a_distant_service(person: Person, tmp_path: Path, service_id: str, role: str) -> None:
    """At most 1.25 of the time that the calls take which have to be made; and those are what the traits say."""
    traits = service(service_id).traits
    assert traits is not None
    tree = made(33, SMALL, awkward=False, largest=30_000)
    tree.files.append(Entry("large.bin", LARGE_BYTES, 10**15, lambda: random.Random(1).randbytes(LARGE_BYTES)))
    fill_folder(tree, tmp_path / "source")
    person.connect(service_id)
    there = person.at(service_id, "distant")
    if role == "source":
        person.copies(tmp_path / "source", there)
    else:  # the sandbox fills a drive with what its owner has when it is first asked for it
        assert person("connectors", "browse", person.at(service_id, "")).code == 0
    person.sandbox.settings(service=VENDORS[service_id], latency_seconds=LATENCY_SECONDS)
    try:
        ends = (tmp_path / "source", there) if role == "destination" else (there, tmp_path / "back")
        ran = person.copies(*ends)
    finally:
        person.sandbox.settings(service=VENDORS[service_id], latency_seconds=0)
    folders = len({one for one in (tmp_path / "source").rglob("*") if one.is_dir()})
    parts = -(-LARGE_BYTES // traits.part_bytes(LARGE_BYTES))
    if role == "destination":
        expected = SMALL * traits.put_calls + traits.large_calls + parts + FOLDER_CALLS * folders + AROUND
    else:
        expected = (SMALL + 1) * traits.read_calls + folders + AROUND
    calls = sum(ran.counts["target_calls" if role == "destination" else "source_calls"].values())
    assert calls <= expected, ran.counts
    in_turn = (parts + traits.large_calls) if role == "destination" else 0
    bound = LATENCY_SECONDS * (max(calls / traits.parallel, in_turn) + IN_TURN)
    seconds = (ran.ended["ended_us"] - ran.ended["started_us"]) / 1_000_000
    print(f"{service_id} as {role}: {calls} calls, {seconds:.2f} s, bound {bound:.2f} s")
    assert seconds <= 1.25 * bound
