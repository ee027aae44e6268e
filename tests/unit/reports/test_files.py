"""The files of a report: whole or not at all, for their owner only, and the same however many items there are."""

import csv
import errno
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from haulage.model.errors import DiskFull, Refused
from haulage.model.outcome import Outcome, OutcomeKind, Status
from haulage.operations import history as operations
from haulage.reports import files
from haulage.reports.gather import EXAMPLES
from tests.unit.reports.made import History

K = OutcomeKind


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path / "home"))
    return History(tmp_path / "home")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_csv_and_jsonl_hold_one_line_for_each_outcome(history: History) -> None:
    made = ["plain", "=cmd|'/C calc'!A0", 'quote"s, and commas', "new\nline", "Grüße 日本", "nul\x00"]
    history.settle(Outcome(number, name, K.VERIFIED, number) for number, name in enumerate(made))
    history.end()
    report = operations.report(history.ledger, history.run)
    raw = Path(report.csv).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    table = [*csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)]
    assert [line["Name"] for line in table] == [
        made[0],
        "'" + made[1],
        *made[2:5],
        "nul\\x00",
    ]
    documents = [json.loads(line) for line in Path(report.jsonl).read_text().splitlines()]
    assert [document["path"] for document in documents] == made
    assert [document["size"] for document in documents] == [*range(len(made))]


def test_the_files_are_for_their_owner_only_and_lie_in_the_state_folder(history: History, tmp_path: Path) -> None:
    history.end()
    report = operations.report(history.ledger, "last")
    folder = tmp_path / "home" / "reports" / "run-1"
    assert names(folder) == ["run-1.csv", "run-1.html", "run-1.jsonl"]
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in (report.html, report.csv, report.jsonl):
        assert Path(path).parent == folder
        assert Path(path).stat().st_mode & 0o777 == 0o600


def test_a_report_that_breaks_leaves_the_older_one_as_it_was(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.settle([Outcome(1, "a", K.VERIFIED)])
    before = operations.report(history.ledger, 1)
    kept = Path(before.csv).read_bytes()

    def full(self: files.CsvLines, row: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.CsvLines, "write", full)
    with pytest.raises(DiskFull):
        operations.report(history.ledger, 1)
    assert Path(before.csv).read_bytes() == kept
    assert names(Path(before.csv).parent) == ["run-1.csv", "run-1.html", "run-1.jsonl"]


def test_a_folder_that_cannot_be_made_is_refused_with_a_way_out(history: History, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be written") as refused:
        operations.report(history.ledger, 1, tmp_path / "file" / "reports")
    assert "--output" in refused.value.fix


def test_a_symlink_in_the_place_of_a_report_is_replaced_not_followed(history: History, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "out" / "run-1.csv").symlink_to(tmp_path / "precious")
    operations.report(history.ledger, 1, tmp_path / "out")
    assert (tmp_path / "precious").read_text() == "kept"
    assert not (tmp_path / "out" / "run-1.csv").is_symlink()


def many(history: History, count: int) -> None:
    for start in range(0, count, 5000):
        made = (
            Outcome(
                number,
                f"folder {number % 100}/file {number}",
                *((K.FAILED, 1, "hash") if number % 2 else (K.VERIFIED, 1)),
            )
            for number in range(start, min(start + 5000, count))
        )
        history.settle(made)
    history.end(Status.SOME_DOWNLOAD_ERRORS)


def test_memory_and_page_do_not_grow_with_the_number_of_items(history: History) -> None:
    many(history, 40_000)
    tracemalloc.start()
    try:
        report = operations.report(history.ledger, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 1024 * 1024, f"{peak:,} bytes"
    assert Path(report.html).read_text().count("<tr><td>") == EXAMPLES
    assert report.facts["problems"][0]["items"] == 20_000
    assert Path(report.jsonl).read_bytes().count(b"\n") == 40_000


def test_the_log_is_read_page_by_page_and_lets_writers_in(history: History) -> None:
    many(history, operations.PAGE * 2 + 7)
    rows = operations.outcomes(history.ledger, 1)
    seen = [next(rows).item_id]
    history.ledger.do(lambda connection: connection.exec_driver_sql("INSERT INTO pauses VALUES ('x', 1)"))
    seen += [row.item_id for row in rows]
    assert seen == [*range(operations.PAGE * 2 + 7)]
    assert {row.outcome for row in operations.outcomes(history.ledger, 1, ["failed"])} == {"failed"}


def test_reading_neither_waits_for_a_writer_nor_sees_what_it_has_not_finished(history: History) -> None:
    history.settle([Outcome(1, "a", K.VERIFIED)])
    with history.ledger.transaction() as writing:
        writing.exec_driver_sql("DELETE FROM outcomes")
        assert [row.path for row in operations.outcomes(history.ledger, 1)] == ["a"]
    assert [*operations.outcomes(history.ledger, 1)] == []
