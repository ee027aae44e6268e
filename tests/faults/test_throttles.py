"""Throttling (F01-F04, T70, T71): a service that asks us to wait is obeyed, by every call of its budget scope."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from testbed.rules import Answer, Seen
from tests.faults.kit import NETWORKED, MakesWorld, World, bytes_of, told

MANY_FILES = {f"f{number % 3}/{number:03}.bin": bytes_of(2000, number) for number in range(40)}
FLIGHT_SECONDS = 0.25
"""What was on its way when the throttle came may still arrive."""


def throttle(world: World, **headers: str) -> Answer:
    """The service's own way to say that it is too much."""
    answer = world.voice.throttle
    return Answer(answer.status, {**answer.headers, **headers}, answer.body)


def date(ahead: float, skew: float = 0.0) -> dict[str, str]:
    """Retry-After as a date, beside the Date of a service whose clock is `skew` seconds off."""
    now = datetime.now(UTC) + timedelta(seconds=skew)
    later = now + timedelta(seconds=ahead)
    return {"Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(later, usegmt=True)}


WAITS: dict[str, tuple[Callable[[], dict[str, str]], float]] = {
    "seconds": (lambda: {"Retry-After": "2"}, 2.0),
    "a fraction": (lambda: {"Retry-After": "1.5"}, 1.5),
    "a date": (lambda: date(3), 2.0),  # a date has whole seconds
    "a date, their clock an hour behind": (lambda: date(3, -3600), 2.0),
    "a date, their clock an hour ahead": (lambda: date(3, 3600), 2.0),
    "nothing": (dict, 0.0),
    "nonsense": (lambda: {"Retry-After": "120junk"}, 0.0),
    "less than nothing": (lambda: {"Retry-After": "-3"}, 0.0),
    "a date in the past": (lambda: date(-60), 0.0),
    "31 years": (lambda: {"Retry-After": "978307200"}, 0.0),
}
"""What comes with a throttle, and how long no call may be made then. Where it says nothing, we choose (shortly)."""
OTHERS = (("s3", 429), ("azure-blob", 503))
SAMPLE = ("seconds", "a date, their clock an hour ahead", "nonsense")


@pytest.mark.parametrize("service", NETWORKED)
@pytest.mark.parametrize(
    "wait", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in WAITS]
)
def test_a_throttle_holds_back_all_calls_of_the_scope(service: str, wait: str, make_world: MakesWorld) -> None:
    """F01-F04, T70, T71: 40 items are in flight; none of them calls before the time, and none fails."""
    world = make_world("local", service)
    wanted = world.plant(MANY_FILES)
    headers, seconds = WAITS[wait]
    rule = world.on("write", skip=5, answer=lambda seen: throttle(world, **headers()))
    begun = time.monotonic()
    ended = world.copy()
    took = time.monotonic() - begun
    assert (ended.code, ended.status) == (0, 100), told(ended)
    assert rule.hits == 1
    throttled = next(seen for seen in world.proxy.log if seen.rule is rule)
    assert early(world.proxy.log, throttled, seconds) == []
    assert took >= seconds
    assert took < seconds + 20, "a wait that was not asked for"
    assert "waiting" in [name for name, _ in world.events]
    world.settles(wanted)


def early(log: list[Seen], throttled: Seen, seconds: float) -> list[Seen]:
    """Calls that were made while none might be."""
    told_at = throttled.time + throttled.seconds
    return [seen for seen in log if told_at + FLIGHT_SECONDS < seen.time < told_at + seconds - 0.01]


@pytest.mark.parametrize(
    ("service", "status"),
    [("s3", 503), ("azure-blob", 429), *(pytest.param(*one, marks=pytest.mark.slow) for one in OTHERS)],
)
def test_throttled_for_long_no_item_fails(service: str, status: int, make_world: MakesWorld) -> None:
    """F01: more refusals than there are attempts, of every kind of call, on both ends of the work."""
    world = make_world("local", service)
    wanted = world.plant({**MANY_FILES, "large.bin": bytes_of(9 * 1024 * 1024, 5)})
    body = world.voice.throttle.body
    rules = [
        world.on(call, times=30 if call == "write" else 12, answer=Answer(status, {}, body))
        for call in world.voice.calls
        if call not in ("look", "read", "parts")
    ]
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    assert all(rule.hits == rule.times for rule in rules)
    assert world.target.shown() == wanted
    world.settles(wanted)


def started(world: World) -> subprocess.Popen[str]:
    """The program, once it has begun its run."""
    process = world.program.start(*world.words)
    assert process.stdout is not None
    for line in process.stdout:
        if '"started"' in line:
            return process
    raise AssertionError(process.communicate())


def waits_until_throttled(world: World, **headers: str) -> tuple[subprocess.Popen[str], Seen]:
    """A process that was told to wait by the answer to its third write, and that answer."""
    rule = world.on("write", skip=2, answer=throttle(world, **headers))
    process = started(world)
    deadline = time.monotonic() + 60
    while not rule.hits:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(2 * FLIGHT_SECONDS)
    return process, next(seen for seen in world.proxy.log if seen.rule is rule)


@pytest.mark.parametrize("service", [NETWORKED[0], pytest.param(NETWORKED[1], marks=pytest.mark.slow)])
def test_a_wait_outlives_the_process_and_holds_for_others(service: str, make_world: MakesWorld) -> None:
    """F02: stopped and started again, and beside a second transfer: nobody calls before the time that was named."""
    world = make_world("local", service)
    wanted = world.plant(MANY_FILES)
    process, throttled = waits_until_throttled(world, **{"Retry-After": "15"})
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 130
    elsewhere = [re.sub(r"(case-\d+)$", r"\1-other", word) for word in world.words]
    processes = [world.program.start(*words) for words in (world.words, elsewhere)]
    outputs = [one.communicate(timeout=60) for one in processes]
    assert [one.returncode for one in processes] == [0, 0], outputs
    assert early(world.proxy.log, throttled, 15.0) == []
    assert all('"waiting"' in out for out, _ in outputs), "nobody was told what the program waits for"
    world.settles(wanted)


def test_a_wait_for_a_day_is_said_and_can_be_interrupted(make_world: MakesWorld) -> None:
    """F04: the program says until when it waits; stopping it is no matter of waiting; nor is it forgotten."""
    world = make_world("local", "s3")
    world.plant(MANY_FILES)
    process, _ = waits_until_throttled(world, **{"Retry-After": "86400"})
    calls = len(world.proxy.log)
    again: Any = None
    heard = ""
    for _ in range(2):
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - begun < 10
        assert process.returncode == 130, err
        assert '"waiting"' in heard + out
        assert "86400" in heard + out or "863" in heard + out
        again = process
        process = world.program.start(*world.words)
        assert process.stdout is not None
        heard = ""
        while '"waiting"' not in heard:  # a program that has not begun yet cannot end in order
            line = process.stdout.readline()
            assert line, "it ended without waiting"
            heard += line
    process.kill()
    process.communicate()
    assert again is not None
    assert len(world.proxy.log) == calls, "called although it was asked to wait for a day"


@pytest.mark.slow
def test_a_wait_is_heard_by_a_program_that_runs_already(make_world: MakesWorld) -> None:
    """F02, T71: two transfers run; one is asked to wait, and within a second or two the other calls no more either."""
    world = make_world("local", "s3")
    wanted = world.plant({f"{number:04}.bin": bytes_of(1000, number) for number in range(3000)})
    world.proxy.latency = 0.05
    other = [re.sub(r"(case-\d+)$", r"\1-other", word) for word in world.words]
    first = started(world)
    second = world.program.start(*other)
    time.sleep(3)
    rule = world.on("write", path="-other/", answer=throttle(world, **{"Retry-After": "12"}))
    deadline = time.monotonic() + 60
    while not rule.hits:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert first.poll() is None
    throttled = next(seen for seen in world.proxy.log if seen.rule is rule)
    assert [one.wait(120) for one in (first, second)] == [0, 0]
    late = [seen for seen in early(world.proxy.log, throttled, 12.0) if seen.time > throttled.time + 2.5]
    assert late == []
    world.proxy.latency = 0
    world.settles(wanted)
