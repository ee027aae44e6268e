"""The scan reports of a migration, against small trees with awkward names."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from defusedxml import ElementTree

from haulage.ledger import runs as run_rows
from haulage.ledger import surveyed
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.runs import TransferKey
from haulage.ledger.schema import migration_rows
from haulage.ledger.scratch import Scratch
from haulage.ledger.store import Connection, Ledger
from haulage.model import naming
from haulage.model.item import Item, Kind
from haulage.model.outcome import RunKind, Status
from haulage.operations import scan_reports
from haulage.reports import workbook
from haulage.reports.estimating import Estimator
from haulage.reports.readiness import judged, of_scan
from haulage.reports.workbook import MOST_CHARACTERS, Book
from haulage.services.contract import Quota

MIGRATION = MigrationRow(1, "Wave <1>", "old", "new", "google-workspace", "office365", "{}", "ada", 0)
TO = "alice@new.example/Box"
BEFORE = "personal/alice_new_example/Documents/Box/"


def file(path: str, size: int | None = 1, note: str | None = None) -> Item:
    """A file."""
    return Item(path, Kind.FILE, size, note=note)


def folder(path: str) -> Item:
    """A folder."""
    return Item(path, Kind.FOLDER)


class Made:
    """A ledger in which scans were made."""

    def __init__(self, home: Path) -> None:
        self.ledger = Ledger.open(home / "ledger.db")
        self.out = home / "out"
        self.rows: list[TransferRow] = []

    def user(self, source: str, *items: Item, to: str = TO, status: Status = Status.SUCCESS, keep: bool = True) -> int:
        """A user whose scan listed these items; the run's number."""
        number = len(self.rows) + 1

        def put(connection: Connection) -> int:
            transfer = run_rows.transfer_id(connection, TransferKey(f"x://{source}", "", "{}", source, ""))
            run = run_rows.start(connection, transfer, RunKind.SCAN, "test").id
            surveyed.name_holders(connection, run, [(naming.fold(one.path, naming.STRICTEST), one) for one in items])
            run_rows.finish(connection, run, status, {"listed": len(items)}, None)
            surveyed.settle(connection, run, transfer, keep=keep)
            values = {"id": number, "migration_id": 1, "source": source, "destination": to, "tags": "", "notes": ""}
            connection.execute(migration_rows.insert().values(**values, scan_id=transfer))
            return run

        run = self.ledger.do(put)
        self.rows.append(TransferRow(number, source, to, (), "", None, None, None, None, None, None))
        return run

    def written(self) -> scan_reports.Written:
        """The reports of all users."""
        return scan_reports.write(self.ledger, MIGRATION, self.rows, self.out)

    def tables(self) -> dict[str, list[dict[str, str]]]:
        """The lines of each CSV file, by its name without an ending."""
        with zipfile.ZipFile(self.written().zip) as packed:
            texts = {name[:-4]: packed.read(name).decode("utf-8-sig") for name in packed.namelist()}
        return {name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in texts.items()}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """One of its own."""
    one = Made(tmp_path)
    yield one
    one.ledger.close()


def test_names_are_fitted_and_told_once_each(made: Made) -> None:
    """A folder's name in its own line, not in those of all that lies in it; formulas are made harmless."""
    made.user("alice@old.example/x", folder("a:b"), file("a:b/plain.txt"), file("a:b/c?.txt"), file("=1+1|.csv"))
    names = made.tables()["NameIssuesReport"]
    assert [(one["Path"], one["Name"], one["Fitted Path"]) for one in names] == [
        ("'=1+1|.csv", "'=1+1|.csv", "'=1+1_.csv"),
        ("a:b", "a:b", "a_b"),
        ("a:b/c?.txt", "c?.txt", "a_b/c_.txt"),
    ]
    assert names[2]["Why"] == "the character '?' is not allowed, replaced by '_'"
    assert {(one["Username"], one["Schedule ID"]) for one in names} == {("alice@old.example", "1")}


def test_folders_of_buckets_are_judged_though_nothing_lists_them(made: Made) -> None:
    """They are only in the paths of what lies in them, and told once."""
    made.user("u", file("a:b/one"), file("a:b/two"), file("a:b c/three"))
    names = [one["Path"] for one in made.tables()["NameIssuesReport"]]
    assert sorted(names) == ["a:b", "a:b c"]


def test_duplicates_by_case_by_form_and_once_fitted(made: Made) -> None:
    """Whatever would be one name at the destination; what it keeps apart is told as such."""
    made.user(
        "u", file("Readme"), file("README"), file("cafe\u0301"), file("caf\u00e9"), file("x?"), file("x*"), file("x_")
    )
    told = {(one["Path"], one["Same Name As"]) for one in made.tables()["DuplicateNamesReport"]}
    assert ("Readme", "README") in told and ("caf\u00e9", "cafe\u0301") in told
    assert {path for path, _ in told} == {"Readme", "caf\u00e9", "x?", "x*"}
    assert {one["One Name At The Destination"] for one in made.tables()["DuplicateNamesReport"]} == {"Yes"}


def test_long_paths_and_the_folder_to_move(made: Made) -> None:
    """Counted as the destination does, with what comes before; the uppermost folder that mends it, with how many."""
    deep = "/".join(["a" * 100, "b" * 100, "c" * 100])
    items = [folder(deep[:100]), folder(deep[:201]), folder(deep), *(file(f"{deep}/{n}{'d' * 60}") for n in range(3))]
    made.user("alice@old.example", *items, file("e" * 360), file("f" * 256))
    tables = made.tables()
    long = {one["Long Path Folder or File"]: one for one in tables["LongPathReport"] if one["What"] == "path"}
    assert [long[item.path]["Length"] for item in items[3:]] == [str(len(BEFORE) + 364)] * 3
    assert long[items[3].path]["Over The Limit"] == "Yes" and long["e" * 360]["Over The Limit"] == "Yes"
    names = [one for one in tables["LongPathReport"] if one["What"] == "name"]
    assert [(one["Length"], one["Limit"]) for one in names] == [("360", "255"), ("256", "255")]
    common = tables["CommonPathReport"]
    assert [(one["Common Path Name"], one["Total Children"], one["Type"]) for one in common] == [
        (deep[:201], "3", "Folder"),
        ("e" * 360, "0", "File"),
    ]
    assert common[0]["Longest If Moved To The Top"] == str(len(BEFORE) + 364 - 101)
    assert int(common[0]["Longest Child Name Length"]) > 400 >= int(common[0]["Longest If Moved To The Top"])
    assert "Shorten the names" in common[1]["What To Do"]


def test_sizes_extensions_and_what_is_no_plain_file(made: Made) -> None:
    """Files beyond the destination's limit first; extensions by their data; documents, links, archived files."""
    items = [
        *(file("big.iso", 300 * 2**30), file("large.iso", 16 * 10**9), file("a.txt", 5), file("none", 2)),
        *(file("Plan.docx", None), Item("site", Kind.OTHER, note="a Google site"), file("cold.bin", 9, "archived")),
    ]
    made.user("u", *items)
    tables = made.tables()
    assert [(one["Path"], one["Too Large"]) for one in tables["LargeFilesReport"]] == [
        ("big.iso", "Yes"),
        ("large.iso", "No"),
    ]
    extensions = [(one["File Extension"], one["Files"], one["Bytes"]) for one in tables["FilesExtensionReport"]]
    assert extensions[0] == (".iso", "2", str(300 * 2**30 + 16 * 10**9))
    assert set(extensions[1:]) == {(".txt", "1", "5"), ("(none)", "1", "2"), (".docx", "1", "0")}
    native = [(one["Path"], one["Carried Over"], one["As"]) for one in tables["NativeDocumentsReport"]]
    assert native == [("cold.bin", "No", ""), ("site", "No", ""), ("Plan.docx", "Yes", ".docx")]
    assert "PermissionsReport" not in tables


def test_the_summary_has_everybody_the_worst_first(made: Made) -> None:
    """Failed, never scanned, with errors, with warnings, ready: each with its reasons, and a time by what binds."""
    made.user("ready@old.example", file("a", 10))
    made.user("empty@old.example")
    made.user("wrong@old.example", file("a" * 300))
    made.user("never@old.example", keep=False)
    made.user("gone@old.example", keep=False)
    made.rows[4] = msgspec.structs.replace(made.rows[4], refused_status=411, refused="there is no such user")
    lines = made.tables()["ScanSummaryReport"]
    assert [(one["Source Path"].partition("@")[0], one["Readiness"]) for one in lines] == [
        *(("gone", "Not known"), ("wrong", "Errors"), ("never", "Not known"), ("empty", "Warnings")),
        ("ready", "Ready"),
    ]
    assert "there is no such user" in lines[0]["Status"] and lines[0]["Status Code"] == "411"
    assert lines[3]["Notes"] == "has nothing" and lines[2]["Status"] == "Never scanned"
    assert (lines[4]["Files"], lines[4]["Bytes"], lines[4]["Estimated Seconds"]) == ("1", "10", "1")
    assert "1,200 resource units" in lines[4]["Bound By"]


def test_the_page_stands_alone_and_the_workbook_is_sound(made: Made) -> None:
    """No script, nothing from elsewhere, names as text; every part of the workbook is XML, its text never a formula."""
    odd = ["<b>&\"'.txt", "\x01\x1f\t", "\ufffe\uffff", "=cmd|' /C calc'!A0", "\u202egpj.exe"]
    made.user("<i>u</i>@old.example", *(file(name) for name in odd), *(file(f"n{n}:") for n in range(80)))
    written = made.written()
    page = written.page.read_text()
    assert "<script" not in page and "http" not in page.replace("http-equiv", "") and "<i>u" not in page
    assert "<b>&" not in page and "<svg" in page and "The first 50 of 83" in page
    with zipfile.ZipFile(written.workbook) as book:
        parts = {name: ElementTree.fromstring(book.read(name)) for name in book.namelist()}
    assert not [one for part in parts.values() for one in part.iter() if one.tag.endswith("}f")]
    assert len([name for name in parts if name.startswith("xl/worksheets/sheet")]) == 9
    assert sorted(one.name for one in made.out.iterdir()) == ["ScanReport.html", "ScanReport.xlsx", "ScanReport.zip"]


def test_nothing_is_cut_off_silently_in_a_workbook(tmp_path: Path) -> None:
    """Rows go on in another sheet, a text too long for a cell at the end of its row."""
    book = Book(tmp_path / "x.xlsx", tmp_path, most_rows=4)
    text = "".join(chr(97 + n % 26) for n in range(MOST_CHARACTERS * 2))
    assert book.table("T", ("A", "B"), [(n, text if n == 6 else "b") for n in range(7)]) == 3
    book.close()
    with zipfile.ZipFile(tmp_path / "x.xlsx") as packed:
        names = [
            one.get("name") for one in ElementTree.fromstring(packed.read("xl/workbook.xml")).iterfind(".//{*}sheet")
        ]
        last = ElementTree.fromstring(packed.read("xl/worksheets/sheet3.xml"))
    assert names == ["T", "T (2)", "T (3)"]
    cells = [one.text or "" for one in last.iterfind(".//{*}t")]
    assert cells[2].endswith(workbook.ON) and cells[2].removesuffix(workbook.ON) + "".join(cells[3:]) == text
    assert max(map(len, cells)) <= MOST_CHARACTERS


def test_a_newer_scan_takes_the_place_of_the_older(made: Made) -> None:
    """One that did not come to its end does not; what nobody's is any more goes away."""
    made.user("u", file("old"))
    transfer = made.ledger.do(run_rows.transfer_id, TransferKey("x://u", "", "{}", "u", ""))

    def scan(connection: Connection, name: str, keep: bool) -> None:
        run = run_rows.start(connection, transfer, RunKind.SCAN, "test").id
        surveyed.name_holders(connection, run, [(name, file(name))])
        run_rows.finish(connection, run, Status.SUCCESS, {}, None)
        surveyed.settle(connection, run, transfer, keep=keep)

    def listed(connection: Connection) -> list[str]:
        run = surveyed.kept_of(connection, 1)
        assert run is not None
        return [one.path for one in surveyed.items_of(connection, run)]

    made.ledger.do(scan, "stopped", False)
    assert made.ledger.read(listed) == ["old"]
    made.ledger.do(scan, "new", True)
    assert made.ledger.read(listed) == ["new"]
    made.ledger.do(lambda one: one.exec_driver_sql("DELETE FROM migration_rows"))
    made.ledger.do(surveyed.forget_unused)
    assert made.ledger.read(lambda one: one.exec_driver_sql("SELECT count(*) FROM scanned").scalar()) == 0


def test_lines_are_put_in_order(tmp_path: Path) -> None:
    """The greatest first, equals as they came; totals are added up; a key is taken once."""
    scratch = Scratch(tmp_path / "s")
    for measure, text in ((1, "a"), (3, "b"), (1, "c"), (2, "d")):
        scratch.put("t", measure, [text, measure])
    assert [one[0] for one in scratch.lines("t")] == ["b", "d", "a", "c"] and scratch.count("t") == 4
    scratch.add("e", {"x": (1, 5), "y": (1, 1)})
    scratch.add("e", {"y": (2, 9)})
    assert list(scratch.sums("e")) == [("y", 3, 10), ("x", 1, 5)]
    assert (scratch.take("k", "1"), scratch.take("k", "2")) == (None, "1")
    scratch.close()
    assert not list(tmp_path.iterdir())


def test_what_binds_is_told() -> None:
    """A user's quota runs beside others', the account's is shared by all; a day's is there at once."""
    mine = Quota("mine", 60, 60, "user", write=1)
    shared = Quota("shared", 100, 1, "account", read=1)
    estimator = Estimator([shared], [mine], at_once=2)
    assert [estimator.add(items, 0).seconds for items in (100, 300)] == [100, 300]
    assert (estimator.all().seconds, estimator.all().words) == (300, "mine")
    daily = Estimator([], [Quota("day", 10, 86_400, "user", write=1, of="bytes")], 4)
    assert [daily.add(1, size).seconds for size in (10, 11, 30)] == [0, 86_400, 2 * 86_400]
    assert Estimator([], [], 4).add(5, 5).words == "no documented quota"


def test_readiness_has_its_reasons() -> None:
    """By a scan's own counters, as the table shows it."""
    fit = {"service": "box", "refused": {"count": 2}, "too_large": {"count": 0}, "fitted": {"count": 1}}
    counts = {"listed": 5, "listed_bytes": 9, "survey": {"destinations": [fit]}}
    found = of_scan(100, counts, "box")
    assert found.level == "errors" and found.reasons[0].startswith("2 names or paths are too long")
    assert of_scan(100, {**counts, "survey": {}}, "box").level == "ready"
    assert judged(230, 0, 0, {}).level == "errors" and judged(100, 500_000, 0, {}).level == "warnings"
