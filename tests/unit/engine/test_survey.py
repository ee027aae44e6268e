"""A scan counts what is there, keeps short lists, and its memory does not grow with the number of items."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from haulage.engine import survey as survey_module
from haulage.engine.counts import Watch
from haulage.engine.survey import SHOWN, Survey, Top, ancestors
from haulage.engine.surveying import run_survey
from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.ledger.runs import RunRow, TransferKey
from haulage.ledger.store import Ledger
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import Denied
from haulage.model.filters import Filters
from haulage.model.item import Item, Kind, Page
from haulage.model.naming import NameRules, extension
from haulage.model.outcome import RunKind, Status
from haulage.services.contract import Drive
from haulage.services.local.drive import TRAITS, LocalDrive

from .sides import write


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of its own."""
    opened = Ledger.open(tmp_path / "ledger.db")
    yield opened
    opened.close()


class Scanned:
    """What came of a scan."""

    def __init__(self, row: RunRow, status: Status, outcomes: list[OutcomeRow]) -> None:
        self.status = status
        self.counts = row.counts
        self.survey: dict[str, Any] = row.counts["survey"]
        self.outcomes = outcomes


async def scanned(ledger: Ledger, drive: Drive, filters: Filters | None = None, **destinations: Any) -> Scanned:
    """Scan a drive."""
    transfer = ledger.do(run_rows.transfer_id, TransferKey(drive.identity, "", "{}", "x", ""))
    run = ledger.do(run_rows.start, transfer, RunKind.SCAN, "test")
    status, stopped = await run_survey(ledger, run, drive, filters or Filters(), destinations, Watch())
    assert stopped is None
    outcomes = ledger.read(lambda connection: list(work.outcome_rows(connection, run.id)))
    assert ledger.read(lambda one: one.exec_driver_sql("SELECT count(*) FROM found").scalar()) == 0
    return Scanned(ledger.read(run_rows.get, run.id), status, outcomes)


class Flat:
    """A drive of items that lists them all in one flat listing, as buckets do."""

    traits = TRAITS
    identity = "flat://"

    def __init__(self, items: list[Item], page_items: int = 3) -> None:
        self.calls: dict[str, int] = {}
        self._items = items
        self._page_items = page_items

    async def tree(self, cursor: str | None) -> Page:
        start = int(cursor or 0)
        end = start + self._page_items
        return Page(self._items[start:end], str(end) if end < len(self._items) else None)

    async def _never(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a scan only lists")

    check = page = item = open = create_folder = put = begin = put_part = parts = finish = abort = close = _never


def flat(*items: Item | str) -> Any:
    """A bucket with those items; a text is an empty file, or with a slash in the end a marker."""
    return Flat(
        [
            one
            if isinstance(one, Item)
            else Item(one[:-1], Kind.FOLDER)
            if one.endswith("/")
            else Item(one, Kind.FILE, 0, revision="1")
            for one in items
        ]
    )


async def test_a_folder(ledger: Ledger, tmp_path: Path) -> None:
    """The numbers, and who stands out."""
    root = tmp_path / "root"
    files: dict[str, bytes | None] = {
        "a.TXT": b"12345",
        "sub/b.txt": b"123",
        "sub/deep/c.tar.gz": b"1" * 1000,
        "sub/deep/.hidden": b"",
        "sub/none": b"12",
        "empty one": None,
        "sub/empty two": None,
    }
    write(root, files)
    (root / "link").symlink_to("a.TXT")
    ran = await scanned(ledger, LocalDrive(str(root)), local=TRAITS)
    assert ran.status == Status.UNSUPPORTED_ITEMS
    survey = ran.survey
    numbers = {name: survey[name] for name in ("files", "folders", "empty_files", "empty_folders", "bytes")}
    assert numbers == {"files": 5, "folders": 4, "empty_files": 1, "empty_folders": 2, "bytes": 1010}
    assert survey["extensions"] == [
        {"extension": "gz", "files": 1, "bytes": 1000},
        {"extension": "txt", "files": 2, "bytes": 8},
        {"extension": "", "files": 2, "bytes": 2},
    ]
    assert survey["largest"][0] == {"path": "sub/deep/c.tar.gz", "bytes": 1000}
    assert survey["deepest"][0] == {"path": "sub/deep/.hidden", "parts": 3}
    assert survey["longest"][0]["path"] == "sub/deep/c.tar.gz"
    assert survey["uncopyable"] == {
        "count": 1,
        "first": [{"path": "link", "code": "not_a_file", "why": "symlink to a.TXT"}],
    }
    assert [(one.path, one.outcome) for one in ran.outcomes] == [("link", "unsupported")]
    assert (ran.counts["listed"], ran.counts["listed_bytes"], ran.counts["unsupported"]) == (10, 1010, 1)


async def test_oldest_and_newest(ledger: Ledger) -> None:
    """By the time of modification; files without one do not count."""
    drive = flat(*(Item(path, Kind.FILE, 1, at) for path, at in (("b", 5), ("a", 9), ("c", None), ("d", -3))))
    survey = (await scanned(ledger, drive)).survey
    assert (survey["oldest"]["path"], survey["newest"]["path"]) == ("d", "a")


async def test_folders_of_a_bucket_are_counted_by_what_is_in_them(ledger: Ledger) -> None:
    """Implied ones, markers with and without content, whatever the order in which they come."""
    drive = flat("x/y/z/file", "x/y/", "empty/", "later/inside", "later/", "file")
    survey = (await scanned(ledger, drive)).survey
    assert (survey["files"], survey["folders"], survey["empty_folders"]) == (3, 5, 1)


async def test_names_that_are_one_where_case_and_form_do_not_count(ledger: Ledger) -> None:
    """Every later one is told with the first, over pages too; one that is listed twice is none."""
    drive = flat("Straße", "b", "c", "d", "STRASSE", "caf\u00e9", "cafe\u0301", "d", "strasse")
    ran = await scanned(ledger, drive)
    assert ran.survey["duplicates"] == {
        "count": 3,
        "first": [
            {"path": "STRASSE", "other": "Straße"},
            {"path": "cafe\u0301", "other": "caf\u00e9"},
            {"path": "strasse", "other": "Straße"},
        ],
    }
    assert (ran.survey["files"], ran.counts["listed"]) == (8, 8)


async def test_many_of_everything_are_counted_and_the_first_shown(ledger: Ledger) -> None:
    """The lists stay short."""
    names = [f"n{number}" for number in range(100)]
    others = [Item(f"o{number:03}", Kind.OTHER, note="socket") for number in range(50)]
    ran = await scanned(ledger, flat(*names, *(name.upper() for name in names), *others))
    for name, count in (("duplicates", 100), ("uncopyable", 50)):
        assert (ran.survey[name]["count"], len(ran.survey[name]["first"])) == (count, SHOWN)
    assert len(ran.outcomes) == 50
    assert len(ran.survey["largest"]) == len(ran.survey["deepest"]) == len(ran.survey["longest"]) == SHOWN


async def test_an_archived_file_cannot_be_copied(ledger: Ledger) -> None:
    """With what to do about it."""
    ran = await scanned(ledger, flat(Item("cold", Kind.FILE, 7, note="archived")))
    assert (ran.outcomes[0].code, ran.outcomes[0].message) == ("blocked", "archived")
    assert (ran.survey["files"], ran.survey["uncopyable"]["count"]) == (0, 1)


async def test_what_would_not_fit(ledger: Ledger) -> None:
    """For each destination: fitted, refused and too large, with examples."""
    strict = msgspec.structs.replace(TRAITS, names=NameRules(forbidden=":", longest_part=5), largest_file=10)
    drive = flat("a:b", "toolong", Item("big", Kind.FILE, 11), Item("most", Kind.FILE, 10))
    told = (await scanned(ledger, drive, strict=strict, local=TRAITS)).survey["destinations"]
    assert [one["service"] for one in told] == ["strict", "local"]
    assert told[0]["fitted"]["count"] == told[0]["refused"]["count"] == told[0]["too_large"]["count"] == 1
    assert (told[0]["fitted"]["first"][0]["path"], told[0]["fitted"]["first"][0]["becomes"]) == ("a:b", "a_b")
    assert "the limit is 5" in told[0]["refused"]["first"][0]["why"]
    assert told[0]["too_large"]["first"] == [{"path": "big", "bytes": 11}]
    assert {told[1][name]["count"] for name in ("fitted", "refused", "too_large")} == {0}


async def test_filters(ledger: Ledger) -> None:
    """What they leave out is counted, and nothing more."""
    drive = flat("a.txt", "b.jpg", "sub/c.txt", "sub/d.jpg")
    ran = await scanned(ledger, drive, Filters(exclude=("*.jpg",)))
    assert (ran.survey["files"], ran.counts["skipped"], ran.counts["listed"]) == (2, 2, 4)


async def test_a_folder_that_cannot_be_listed(ledger: Ledger, tmp_path: Path) -> None:
    """It is told, it is not taken for an empty one, and the scan is incomplete."""
    write(tmp_path / "root", {"open/a": b"1", "closed/b": b"1"})

    class Closed(LocalDrive):
        async def page(self, folder: str, cursor: str | None) -> Page:
            if folder == "closed":
                raise Denied("not allowed")
            return await super().page(folder, cursor)

    ran = await scanned(ledger, Closed(str(tmp_path / "root")))
    assert ran.status == Status.LISTING_INCOMPLETE
    assert ran.survey["unlisted_folders"]["first"] == [{"path": "closed", "code": "permission", "why": "not allowed"}]
    assert (ran.survey["folders"], ran.survey["empty_folders"], ran.survey["files"]) == (2, 0, 1)
    assert [(one.path, one.outcome, one.code) for one in ran.outcomes] == [("closed", "failed", "permission")]


def test_the_top_is_what_sorting_gives() -> None:
    """Whatever the order in which it comes, equals by path."""
    source = random.Random(5)
    ones = [(source.randrange(30), f"p{number:04}") for number in range(1000)]
    source.shuffle(ones)
    top = Top()
    for measure, path in ones:
        top.put(measure, path)
    assert top.sorted() == sorted(ones, key=lambda one: (-one[0], one[1]))[:SHOWN]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.TXT", "txt"),
        ("a/b.c/d", ""),
        (".hidden", ""),
        ("a.", ""),
        ("a.tar.gz", "gz"),
        ("v1.2 final", ""),
        ("x.thisisfartoolongtobeone", ""),
        ("é.日本", "日本"),
    ],
)
def test_extensions(path: str, expected: str) -> None:
    """Only what looks like one."""
    assert extension(path) == expected


def test_ancestors() -> None:
    """All folders above, the root not; empty parts of a bucket's keys stay what they are."""
    assert ancestors(["a/b/c", "a/d", "e", "x//y"]) == {"a", "a/b", "x/", "x"}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand items, each with an extension and a folder of its own."""
    monkeypatch.setattr(survey_module, "MOST_EXTENSIONS", 500)
    survey = Survey({"local": TRAITS})
    tracemalloc.start()
    try:
        for number in range(100_000):
            survey.put(Item(f"folder{number}/{'x' * 20}{number}.e{number}", Kind.FILE, number, number))
            if number == 10_000:
                early = tracemalloc.get_traced_memory()[0]
        late = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert late - early < 200_000
    document = survey.document()
    assert document["extensions_complete"] is False
    assert document["other_extensions"]["files"] + sum(one["files"] for one in document["extensions"]) == 100_000
