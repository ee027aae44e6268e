"""CSV files of transfers, as spreadsheets write them."""

import pytest

from haulage.model import mapping
from haulage.model.errors import Refused
from haulage.model.mapping import ADDING, UPDATING, MappingRefused, Wish
from haulage.reports.lines import cell

ROWS = 'Source Path,Destination Path,Tags\r\nälice@a.example/x y,alice@b.example,"wave 1, hr"\r\n\r\nbob,,\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_write(encoding: str, separator: str) -> None:
    """Any of their encodings and separators, with Excel's own first line or without."""
    text = ROWS if separator == "," else ROWS.replace(",", separator).replace(f"1{separator} hr", "1, hr")
    wanted = [
        Wish(2, "älice@a.example/x y", "alice@b.example", ("wave 1", "hr")),
        Wish(4, "bob", ""),
    ]
    assert mapping.read(text.encode(encoding), ADDING) == wanted
    if separator == ";":
        led = mapping.read(f"sep=;\r\n{text}".encode(encoding), ADDING)
        assert [one.line for one in led] == [3, 5]


def test_all_that_is_wrong_is_told_and_nothing_taken() -> None:
    """Every line with its reason, not the first one only."""
    text = "Source Path,Destination Path\na,b\na,b\nc,../x\nd,e,f,g\ng,\x07\nok,fine\n"
    with pytest.raises(MappingRefused) as refused:
        mapping.read(text.encode(), ADDING)
    assert dict(refused.value.problems) == {
        3: "the same as line 2",
        4: "a path has '..' in it",
        5: "4 cells, where 3 are expected; a path with the separator in it needs quotes",
        6: "Destination Path has a control character in it",
    }
    assert "line 3: the same as line 2; line 4" in refused.value.message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing in the file"),
        ("a,b\n1,2\n", "no header"),
        ("Source Path,Destination Path\n", "no rows"),
        ("ID,Source Path\n", "no header"),
    ],
)
def test_what_is_no_table(text: str, why: str) -> None:
    """Said, with the header that is expected."""
    with pytest.raises(Refused, match=why):
        mapping.read(text.encode(), ADDING)


def test_updates_name_rows_by_their_number() -> None:
    """Also in a table that was exported, whose cells may have been neutralised; one row is changed once."""
    text = "ID,Source Path,Destination Path,Tags,Notes,Status\n7,'=a/b,'@c,hr,,Success\n"
    assert mapping.read(text.encode(), UPDATING) == [Wish(2, "=a/b", "@c", id=7)]
    with pytest.raises(MappingRefused) as refused:
        mapping.read(b"ID,Source Path,Destination Path\nx,a,b\n7,a,b\n7,c,d\n", UPDATING)
    assert refused.value.problems == ((2, "'x' is no ID"), (4, "the same as line 3"))


def test_addresses_of_sites_keep_their_slashes() -> None:
    """People paste them as the browser shows them."""
    site = "https://tenant.sharepoint.com/sites/Name/Shared%20Documents"
    assert mapping.read(f"Source Path,Destination Path\n{site}/,/team/x/\n".encode(), ADDING) == [
        Wish(2, site, "team/x")
    ]


@pytest.mark.parametrize("path", ["=a", "'=a", "''+a", "＝a", "－b/c", '"-a', "'a", "' @a", "a'=b", "-", "'"])
def test_what_was_exported_reads_as_it_was(path: str) -> None:
    """Also where the path itself has what is put before a formula."""
    assert mapping.plain(cell(path)) == path


def test_lines_are_those_where_rows_begin() -> None:
    """Also after cells of several lines; empty lines before the header are passed over, and counted."""
    text = '\r\n\r\nSource Path,Destination Path\r\na,"b\r\nc"\r\n\r\nx,../y\r\n'
    with pytest.raises(MappingRefused) as refused:
        mapping.read(text.encode("utf-16"), ADDING)
    assert [line for line, _ in refused.value.problems] == [4, 7]
    assert mapping.read(b"\nsource path,destination path\na,b\n", ADDING) == [Wish(3, "a", "b")]
