"""Service x operation x fault (G5): the outcome is the one that is promised, and nothing is lost, partial or twice.

Every cell breaks one kind of call, once or as long as the run lasts. Once: the run comes through as if nothing had
been. Always: the item that is hit fails with its cause and the rest is verified, or the run stops; nothing that is
visible at the destination is partial. In either case the fault then stops, the same command finishes, and a further
run copies nothing. A sample runs in CI, every cell in `make torture`.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from haulage.model.outcome import SUCCESSFUL
from testbed.rules import Answer, End, cut, extend, flip
from tests.contract.voices import VOICES
from tests.faults.clouds import AT_LENGTH, CLOUDS, SPARSE
from tests.faults.kit import LARGE_FILES, NETWORKED, SMALL_FILES, Ended, MakesWorld, World, told

VICTIM = r"victim\.bin$"
SERVICES = (*NETWORKED, *CLOUDS)
CALLS_OF_A_LARGE_FILE = {"read large", "begin", "part", "finish"}
WITHOUT = {("azure-blob", "begin"), ("egnyte", "begin")}
"""Azure Blob has no call with which an upload in parts begins; at Egnyte the first part does it."""

UNSEEN = {(one, "part", "a bit flips on the way there", True) for one in ("onedrive-business", "office365")}
"""Flips at the same place of two fragments cancel each other in quickXorHash, the only hash there is (QUIRKS Q8)."""

ON_THE_SOURCE = ("list", "read", "read large")
ON_THE_DESTINATION = ("list", "write", "begin", "part", "finish")
WRITES = ("write", "begin", "part", "finish")
READS = ("read", "read large")
LISTS = ("list",)

TRIED = frozenset({"transient"})
EITHER = frozenset({"ok", "transient"})
SHORT = frozenset({"transient", "short_read", "hash"})
"""What the body lacks may show as a break, as a wrong length or as a wrong hash: never as success."""
BREAKS = SHORT | {"ok"}
"""A large file is read on from where it broke, and so comes to its end."""
MIDDLE, MIDDLE_OF_LARGE = 100_000, 6_000_000
BRIEF = ("box", "box-enterprise", "dropbox", "dropbox-business", "google-drive", "google-workspace", "onedrive")
IN_A_BRIEF_LISTING = 20
"""These tell of an empty folder in fewer bytes than those after which a listing breaks elsewhere."""


def half(body: bytes) -> bytes:
    """About half of it; what is left of a large file when it is read on comes whole in the end."""
    return body[: max(MIDDLE, len(body) // 2)]


@dataclass(frozen=True)
class Fault:
    """F number, what goes wrong (parts of a Rule), the calls that it makes sense for, and what comes of it for good.

    always: the codes with which the item (or, for listings, the run) may fail; "ok" where it succeeds all the same.
    """

    number: str
    does: dict[str, Any]
    calls: tuple[str, ...]
    always: frozenset[str] = TRIED
    environment: tuple[tuple[str, str], ...] = ()


GATEWAY = {"Content-Type": "text/plain"}
STALLS = (("HAULAGE_IDLE_SECONDS", "0.6"), ("HAULAGE_ATTEMPTS", "2"))
TRICKLES = (("HAULAGE_WINDOW_SECONDS", "0.4"), ("HAULAGE_ATTEMPTS", "2"), ("HAULAGE_IDLE_SECONDS", "3"))
ALL = (*LISTS, *READS, *WRITES)

FAULTS: dict[str, Fault] = {
    "500": Fault("F06", {"answer": Answer(500)}, ALL),
    "502 of a gateway": Fault("F06", {"answer": Answer(502, GATEWAY, b"Bad Gateway")}, ALL),
    "504 of a gateway": Fault("F06", {"answer": Answer(504, GATEWAY, b"Gateway Timeout")}, ALL),
    "500 but applied": Fault("F07", {"answer": Answer(500), "applied": True}, WRITES, EITHER),
    "504 but applied": Fault("F07", {"answer": Answer(504, GATEWAY, b"x"), "applied": True}, WRITES, EITHER),
    "answer lost in a reset": Fault("F07", {"answer_ends": End("reset")}, WRITES, EITHER),
    "answer lost in a close": Fault("F45", {"answer_ends": End("close")}, WRITES, EITHER),
    "reset before the answer": Fault("F10", {"answer_ends": End("reset")}, (*LISTS, *READS)),
    "200 with an error inside": Fault(
        "F08", {"answer": Answer(200, {}, b"<Error><Code>InternalError</Code></Error>")}, ("finish",)
    ),
    "200 with nothing": Fault("F08", {"answer": Answer(200)}, ("finish", "begin")),
    "reset before the request's body": Fault("F09", {"request_ends": End("reset", after=0)}, ("write", "part")),
    "reset in the request's body": Fault("F09", {"request_ends": End("reset", after=MIDDLE)}, ("write", "part")),
    "closed in the request's body": Fault("F09", {"request_ends": End("close", after=MIDDLE)}, ("write", "part")),
    "reset in the body": Fault("F10", {"answer_ends": End("reset", after=MIDDLE)}, READS, BREAKS),
    "closed in the body": Fault("F11", {"answer_ends": End("close", after=MIDDLE)}, READS, BREAKS),
    "reset in the listing": Fault("F10", {"answer_ends": End("reset", after=150)}, LISTS),
    "closed in the listing": Fault("F11", {"answer_ends": End("close", after=150)}, LISTS),
    "listing cut, length fits": Fault("F12", {"body": cut(150), "framing": "fits"}, LISTS, SHORT),
    "closed early without a length": Fault("F12", {"body": half, "framing": "close"}, READS, BREAKS),
    "chunked with an early end": Fault("F12", {"body": half, "framing": "chunked"}, READS, BREAKS),
    "chunked without an end": Fault("F12", {"body": half, "framing": "chunked_cut"}, READS, BREAKS),
    "short with a length that fits": Fault("F12", {"body": half, "framing": "fits"}, READS, SHORT),
    "longer than listed": Fault("F13", {"body": extend(b"more"), "framing": "fits"}, READS, SHORT),
    "longer, without a length": Fault("F13", {"body": extend(b"more"), "framing": "close"}, READS, SHORT),
    "stall before the answer": Fault("F14", {"answer_ends": End("stall")}, ALL, EITHER, STALLS),
    "stall in the body": Fault("F14", {"answer_ends": End("stall", after=MIDDLE)}, READS, BREAKS, STALLS),
    "stall in the listing": Fault("F14", {"answer_ends": End("stall", after=150)}, LISTS, TRIED, STALLS),
    "stall in the request": Fault(
        "F14", {"request_ends": End("stall", after=MIDDLE)}, ("write", "part"), TRIED, STALLS
    ),
    "trickle": Fault("F15", {"rate": 30_000}, READS, TRIED, TRICKLES),
    "trickling listing": Fault("F15", {"rate": 500}, LISTS, TRIED, TRICKLES),
    "a bit flips on the way there": Fault("F16", {"request_body": flip(1000)}, ("write", "part"), frozenset({"hash"})),
    "a bit flips on the way back": Fault(
        "F16", {"body": flip(1000)}, READS, frozenset({"hash", "verified with what came"})
    ),
    "an error page": Fault(
        "T13", {"answer": Answer(200, {"Content-Type": "text/html"}, b"<html>blocked</html>")}, READS,
        SHORT | {"changed_at_source"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix. role: at which end the service stands."""

    service: str
    role: str
    call: str
    fault: str
    always: bool

    def __str__(self) -> str:
        return f"{self.service} {self.role}, {self.call}, {self.fault}, {'always' if self.always else 'once'}"


def cells() -> list[Cell]:
    """Every cell that there can be."""
    roles = (("source", ON_THE_SOURCE), ("destination", ON_THE_DESTINATION))
    return [
        Cell(service, role, call, name, always)
        for service in SERVICES
        for role, calls in roles
        for call in calls
        if (service, call) not in WITHOUT
        for name, fault in FAULTS.items()
        if call in fault.calls
        for always in (False, True)
        if (service, call, name, always) not in UNSEEN
    ]


CELLS = cells()
SAMPLE_STEP, SPARSE_STEP = 11, 41
"""No divisors of the rows' lengths, so that the sample meets every call and nearly every fault."""


def sampled() -> list[Any]:
    """All cells; those that are not in the sample are marked slow."""

    def quick(at: int, cell: Cell) -> bool:
        step = SPARSE_STEP if cell.service in SPARSE else SAMPLE_STEP
        return at % step == 5 and cell.service not in AT_LENGTH

    return [
        pytest.param(cell, id=str(cell), marks=() if quick(at, cell) else pytest.mark.slow)
        for at, cell in enumerate(CELLS)
    ]


@pytest.mark.parametrize("cell", sampled())
def test_cell(cell: Cell, make_world: MakesWorld) -> None:
    """F06-F17, F45, T01-T06, T10, T11, T13, T14, T18, T34, G5: the promise of this cell."""
    fault = FAULTS[cell.fault]
    ends = (cell.service, "local") if cell.role == "source" else ("local", cell.service)
    world = make_world(*ends, **dict(fault.environment))
    files = LARGE_FILES if cell.call in CALLS_OF_A_LARGE_FILE else SMALL_FILES
    if not world.voice.named:  # a rule cannot tell whose call it is
        files = {path: body for path, body in files.items() if path == "victim.bin"}
    wanted = world.plant(files)
    path, times = VICTIM if cell.call != "list" and world.voice.named else None, None if cell.always else 1
    skip = 1 if cell.call == world.voice.checked_by else 0  # the first call only asks whether the root is there
    rule = world.on(cell.call.split()[0], path, times=times, skip=skip, **fault.does)
    if cell.call == "read large" and rule.answer_ends and rule.answer_ends.after:
        rule.answer_ends = End(rule.answer_ends.how, MIDDLE_OF_LARGE)
    if cell.call == "list" and cell.service in BRIEF:
        if rule.answer_ends and rule.answer_ends.after:
            rule.answer_ends = End(rule.answer_ends.how, IN_A_BRIEF_LISTING)
        rule.body = rule.body and cut(IN_A_BRIEF_LISTING)
        rule.rate = rule.rate and IN_A_BRIEF_LISTING
    ended = world.copy()
    assert rule.hits, "the fault never happened"
    if world.voice.takes_hashes or "request_body" not in fault.does:
        world.nothing_partial(wanted)
    # else the service made a file of what arrived, and its answer was the first to tell: the run says that it failed
    if not cell.always:
        came_through(world, ended, wanted)
    elif cell.call == "list":
        stopped(world, ended, fault)
    else:
        goes_on = cell.service in CLOUDS and cell.call == "read large"  # from where a short answer ended, to the end
        only_the_victim_failed(ended, fault.always | ({"ok"} if goes_on else set()), wanted)
    world.settles(wanted)


def came_through(world: World, ended: Ended, wanted: dict[str, str]) -> None:
    """Retried, and nothing more to tell."""
    assert (ended.code, ended.status) == (0, 100), told(ended)
    assert {path for path, kind in ended.kinds().items() if kind in SUCCESSFUL} >= wanted.keys()
    assert world.target.shown() == wanted


def stopped(world: World, ended: Ended, fault: Fault) -> None:
    """Of a listing that fails nothing follows: nothing is written, and the run does not pass for a good one (T34)."""
    assert ended.code == 5, told(ended)
    assert ended.error is not None
    assert ended.error.code in fault.always
    assert world.target.shown() == {}


def only_the_victim_failed(ended: Ended, always: frozenset[str], wanted: dict[str, str]) -> None:
    """The victim failed with a code that says why, three times tried; all others are verified."""
    rows = ended.outcomes
    for path in wanted.keys() - {"victim.bin"}:
        assert rows[path].outcome == "verified", told(ended)
    victim = rows["victim.bin"]
    if victim.outcome in SUCCESSFUL:
        assert "ok" in always, told(ended)
        assert ended.code == 0
        return
    assert victim.outcome == "failed", told(ended)
    assert victim.code in always, told(ended)
    assert victim.message
    assert victim.fix
    assert (ended.code, ended.status // 100) == (3, 2), told(ended)


def test_every_call_is_known() -> None:
    """The matrix names only calls that the voices know, and each of its faults has a cell."""
    for service in SERVICES:
        known = {call.split()[0] for call in (*ON_THE_SOURCE, *ON_THE_DESTINATION) if (service, call) not in WITHOUT}
        assert known <= VOICES[service].calls.keys()
    assert {cell.fault for cell in CELLS} == FAULTS.keys()
