"""Lines of the log: exact for machines, harmless for spreadsheets."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.reports.lines import COLUMNS, CsvLines, cell, cells, info, json_line, utc_text
from tests.unit.reports.made import row

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\x00=1", "＝1", '"=1', "'=1", ' "=1', "  =1"]


@pytest.mark.parametrize("name", DANGEROUS)
def test_no_cell_begins_like_a_formula(name: str) -> None:  # S37
    shown = cell(name)
    assert shown == "'" + name.replace("\x00", "\\x00")


@pytest.mark.parametrize("name", ["a", "a=b", "a,b", "", "1-2", "Grüße.txt", "𝄞"])
def test_other_cells_stay_as_they_are(name: str) -> None:
    assert cell(name) == name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_csv_reader_gets_back_what_was_written(name: str) -> None:
    out = io.StringIO(newline="")
    CsvLines(out).write(row(name, message=name))
    header, line = csv.reader(io.StringIO(out.getvalue(), newline=""), strict=True)
    assert header == [*COLUMNS]
    assert line[COLUMNS.index("Name")].removeprefix("'") in (name, name.removeprefix("'"))
    assert out.getvalue().endswith("\r\n")
    for position in (COLUMNS.index("Name"), COLUMNS.index("Additional Info")):
        assert not line[position].startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_lines_keep_names_exactly_in_one_line(name: str) -> None:
    line = json_line(row(name, target=name + "x"))
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    document = json.loads(line)
    assert (document["path"], document["target"]) == (name, name + "x")


def test_the_six_columns_of_old_come_first() -> None:
    assert COLUMNS[:6] == ("Status", "Start", "End", "Size", "Name", "Additional Info")
    made = row("a", size=7, at_us=2_500_000, evidence={"began_us": 1_000_000, "proof": "md5"})
    assert cells(made)[:6] == ["Verified", "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.500Z", "7", "a", ""]


def test_the_information_names_what_is_not_plain() -> None:
    assert info(row("a:b", target="a_b", adopted=True)) == (
        "was at the destination already, with the same content; named 'a_b' at the destination"
    )
    assert info(row("a", "verified_weak", evidence={"proof": "size"})) == "proven by size only"
    assert cells(row("a", "gone_at_source", listed=False, code="removed_since"))[0] == "Removed since"
    assert cells(row("a", "gone_at_source", code="gone"))[0] == "Gone at source"


def test_times_are_utc() -> None:
    assert utc_text(1_700_000_000_123_456) == "2023-11-14T22:13:20.123Z"
    assert utc_text(None) == ""
