"""Listings that lie, loop, repeat and break (F28, F29, I12), and names that do not fit (F38, T41, T42)."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from haulage.model import naming
from haulage.services.registry import service as service_of
from testbed.content import BESIDES, EVERYWHERE
from testbed.rules import Answer, Rule
from tests.faults.kit import NETWORKED, Ended, MakesWorld, World, bytes_of, told
from tests.torture.oracle import sha256

FILES = {f"{number:02}.bin": bytes_of(300 + number, number) for number in range(17)}
networked = pytest.mark.parametrize("service", NETWORKED)
roles = pytest.mark.parametrize("role", ["source", "destination"])


@pytest.fixture(autouse=True)
def pages_of_five(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listings come in four pages."""
    monkeypatch.setattr("haulage.services.s3.listing.PAGE_ENTRIES", 5)
    monkeypatch.setattr("haulage.services.azure_blob.drive.PAGE_ENTRIES", 5)


def world_with(role: str, service: str, make_world: MakesWorld) -> World:
    """The service stands at that end."""
    return make_world(service, "local") if role == "source" else make_world("local", service)


@networked
@roles
def test_every_page_is_asked_for(service: str, role: str, make_world: MakesWorld) -> None:
    """T26: four pages and more, at the source and in the second run at the destination."""
    world = world_with(role, service, make_world)
    wanted = world.plant(FILES)
    assert world.copy().code == 0
    world.proxy.log.clear()
    world.settles(wanted)
    assert len(world.seen("list")) >= 2 * 4


def incomplete(ended: Ended) -> None:
    """The run says what it could not see, and does not pass for a good one."""
    assert (ended.code, ended.status) == (3, 228), told(ended)
    assert ended.counts["incomplete"]


def is_page(world: World, number: int) -> dict[str, object]:
    """Which list calls ask for a page that follows, and how many of them pass unharmed."""
    cursor = "continuation-token" if world.faulty == "s3" else "marker"
    return {"query": {**world.voice.calls["list"]["query"], cursor: None}, "skip": number - 2}


def break_page(world: World, number: int, **does: object) -> None:
    """From that page on, in every listing of this run."""
    world.proxy.add(Rule(method="GET", times=None, **{**is_page(world, number), **does}))  # type: ignore[arg-type] # a Rule's own


def loops(world: World) -> dict[str, object]:
    """A page whose cursor leads back to the page before it."""
    return {"repeat": True}


def names_no_cursor(world: World) -> dict[str, object]:
    """There is more, it says, but not where."""
    return {
        "body": lambda body: re.sub(rb"<NextContinuationToken>[^<]*</NextContinuationToken>", b"", body),
        "framing": "fits",
    }


def foreign(world: World) -> dict[str, object]:
    """A page with names from elsewhere."""
    return {"body": lambda body: body.replace(b"<Key>case-", b"<Key>else-").replace(b"<Name>case-", b"<Name>else-")}


def refused(world: World) -> dict[str, object]:
    """The cursor has expired."""
    error = b"<Error><Code>InvalidArgument</Code><Message>The continuation token is expired</Message></Error>"
    return {"answer": Answer(400, {"Content-Type": "application/xml"}, error)}


LIES: dict[str, tuple[Callable[[World], dict[str, object]], tuple[str, ...]]] = {
    "pages that lead in a circle": (loops, NETWORKED),
    "no cursor": (names_no_cursor, ("s3",)),
    "names from elsewhere": (foreign, NETWORKED),
    "an expired cursor": (refused, ("s3",)),
}
CELLS = [(lie, service) for lie, (_, services) in LIES.items() for service in services]


@pytest.mark.parametrize(("lie", "service"), CELLS)
@roles
def test_a_listing_that_cannot_be_right(lie: str, service: str, role: str, make_world: MakesWorld) -> None:
    """T30-T32, F29: the run is INCOMPLETE; what it saw is copied; from what it did not see nothing is concluded."""
    world = world_with(role, service, make_world)
    wanted = world.plant(FILES)
    assert world.copy().code == 0
    world.source.plant("new.bin", b"new")
    wanted["new.bin"] = sha256(b"new")
    break_page(world, 3, **LIES[lie][0](world))
    ended = world.copy()
    incomplete(ended)
    assert ended.counts["removed_at_source"] == 0, "an item that was not listed was taken for removed"
    world.nothing_partial(wanted)
    assert len(world.target.shown()) >= len(FILES)
    assert len(world.seen("list")) < 40, "the circle was not noticed"
    world.settles(wanted)


@networked
@roles
def test_a_page_that_comes_twice(service: str, role: str, make_world: MakesWorld) -> None:
    """T32, F28: the same items again, under the cursor of the next page: folded or told, never copied twice."""
    world = world_with(role, service, make_world)
    wanted = world.plant(FILES)
    pages: list[bytes] = []

    def items_of_the_first(body: bytes) -> bytes:
        pattern = rb"(?s)<Contents>.*</Contents>" if service == "s3" else rb"(?s)<Blobs>.*</Blobs>"
        pages.append(body)
        return re.sub(pattern, lambda _: re.search(pattern, pages[0])[0], body, count=1)  # type: ignore[index] # it is there

    world.on("list", skip=1, times=2, body=items_of_the_first, framing="fits")
    ended = world.copy()
    assert ended.code in (0, 3), told(ended)
    world.nothing_partial(wanted)
    world.settles(wanted)


@networked
@roles
def test_an_empty_page_in_the_middle(service: str, role: str, make_world: MakesWorld) -> None:
    """F29: a page without items that says that more comes: the listing goes on to its end."""
    world = world_with(role, service, make_world)
    wanted = world.plant(FILES)
    world.on("list", skip=2, body=world.voice.without_items, framing="fits")
    ended = world.copy()
    assert ended.code == 0, told(ended)
    world.nothing_partial(wanted)
    world.settles(wanted)


@networked
def test_what_a_stranger_has_and_the_listing_hides(service: str, make_world: MakesWorld) -> None:
    """I5, I12: the destination's listing leaves a stranger's file out; it is found by the write, and kept."""
    world = make_world("local", service)
    wanted = world.plant(FILES)
    for number in range(17):
        world.target.plant(f"{number:02}.bin", b"theirs")
    world.on("list", times=None, body=world.voice.without_items, framing="fits")
    ended = world.copy()
    assert ended.code == 0, told(ended)
    shown = world.target.shown()
    assert {path: shown[path] for path in FILES} == dict.fromkeys(FILES, sha256(b"theirs"))
    assert {path.replace(".bin", " (2).bin"): hashed for path, hashed in wanted.items()}.items() <= shown.items()
    assert len(shown) == 2 * len(FILES)
    world.calm()
    world.nothing_left_to_do()


@networked
def test_a_listing_that_forgets_what_was_copied(service: str, make_world: MakesWorld) -> None:
    """F30: the destination does not list for a while what was just written: written again it is not, and not twice."""
    world = make_world("local", service)
    wanted = world.plant(FILES)
    assert world.copy().code == 0
    world.on("list", times=None, body=world.voice.without_items, framing="fits")
    ended = world.copy()
    assert ended.code == 0, told(ended)
    assert world.target.shown() == wanted
    world.settles(wanted)


@networked
def test_a_source_that_lists_nothing_for_a_while(service: str, make_world: MakesWorld) -> None:
    """T34, T35: an empty but well-formed listing: refused as a wrong place, and nothing is deleted or concluded."""
    world = make_world(service, "local")
    wanted = world.plant(FILES)
    assert world.copy().code == 0
    empty = {"body": world.voice.without_items, "framing": "fits"}
    world.on("list", times=None, **empty)
    ended = world.copy()
    assert (ended.code, ended.status) == (2, 411), told(ended)
    assert world.target.shown() == wanted
    world.calm()
    world.nothing_left_to_do()
    assert world.target.shown() == wanted


# --- names


@pytest.mark.parametrize("service", ["local", *NETWORKED])
def test_awkward_names_arrive(service: str, make_world: MakesWorld) -> None:
    """F38, T41: every name that a folder can hold is taken literally; none is skipped, and the second run is idle."""
    world = make_world("local", service)
    spellings = {"s3": ("back\\slash",), "azure-blob": ()}.get(service, ())
    names = [name for name in EVERYWHERE + BESIDES["local"] if name not in spellings]  # SeaweedFS makes it a slash
    files = {f"names {part}/{name}": name.encode() for name in names for part in ("a", "b*?")}
    wanted = world.plant(files)
    ended = world.copy()
    assert ended.code == 0, told(ended)
    assert sorted(world.target.shown().values()) == sorted(wanted.values())
    shown = world.target.shown()
    for path, row in ended.outcomes.items():
        if path in wanted:
            assert shown[row.target or path] == wanted[path], path
    world.calm()
    world.nothing_left_to_do()
    assert world.target.shown() == shown


@pytest.mark.parametrize("pairs", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_names_that_become_one(pairs: int, make_world: MakesWorld) -> None:
    """T42: pairs whose fitted names are the same at the destination: both contents, distinct names, nothing lost."""
    world = make_world("local", "azure-blob")
    rules = service_of("azure-blob").traits.names
    files: dict[str, bytes] = {}
    for number in range(pairs):
        hard = [f"{number}\\x", f"{number}.", f"{number}\x01y", f"d{number}\x7f/z"][number % 4]
        easy = naming.fit(hard, rules).path
        assert easy != hard
        files |= {f"t/{hard}": f"hard {number}".encode(), f"t/{easy}": f"easy {number}".encode()}
    root = Path(world.source.location)
    wanted = world.plant(files)
    ended = world.copy()
    assert ended.code == 0, told(ended)
    shown = world.target.shown()
    assert sorted(shown.values()) == sorted(wanted.values())
    for path, row in ended.outcomes.items():
        if (root / path).is_file():
            assert shown[row.target or path] == wanted[path], path
    world.calm()
    world.nothing_left_to_do()
    assert world.target.shown() == shown
