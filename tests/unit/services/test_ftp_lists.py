"""Listings as servers print them: facts, tables of Unix and of Windows, and what no table should be."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.services.ftp.lists import Entry, Unreadable, digits_of, facts, table, time_us

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def us(*when: int) -> int:
    """Microseconds of a moment, UTC."""
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc] # year, month, day, ...


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b"type=file;size=12;modify=20231114221320; a b", Entry(b"a b", "file", 12, "20231114221320")),
        (b"Type=FILE;Size=0;Modify=20231114221320.123;UNIQUE=8U3; x", Entry(b"x", "file", 0, "20231114221320", "8U3")),
        (b"type=dir;modify=20231114221320;  two", Entry(b" two", "dir", None, "20231114221320")),
        (b"type=OS.unix=slink:/etc/x; l", Entry(b"l", "symlink", leads=b"/etc/x")),
        (b"type=OS.unix=chr-1/3; null", Entry(b"null", "device")),
        (b"size=5; untold", Entry(b"untold", "file", 5)),
        (b"type=file;size=5;modify=never; a;b=c", Entry(b"a;b=c", "file", 5)),
        (b"type=cdir; /x", None),
        (b"type=PDIR; /", None),
    ],
)
def test_facts(line: bytes, entry: Entry | None) -> None:
    """RFC 3659: one space, and the rest is the name."""
    found = facts(line)
    assert found == entry if entry is None or entry.kind != "symlink" else (found and found.leads.endswith(b"/etc/x"))


@pytest.mark.parametrize("line", [b"", b"type=file;", b"type=file; "])
def test_no_facts(line: bytes) -> None:
    """A line that names nothing is told, never dropped."""
    with pytest.raises(Unreadable):
        facts(line)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b"-rw-r--r--   1 me staff  1234 Nov 14  2023 a b.txt", (b"a b.txt", "file", 1234, us(2023, 11, 14))),
        (b"-rw-r--r--   1 me staff  1234 Mar  9 08:15  lead", (b" lead", "file", 1234, us(2026, 3, 9, 8, 15))),
        (b"-rw-r--r--   1 me staff     5 Dec 24 20:00 x", (b"x", "file", 5, us(2025, 12, 24, 20))),
        (b"drwxrwxr-x+ 12 0 0  4096 Jan  1  2020 folder", (b"folder", "dir", None, us(2020, 1, 1))),
        (b"-rw-r--r--    1 ftp      99999 Jan  1  2020 no-group", (b"no-group", "file", 99999, us(2020, 1, 1))),
        (b"lrwxrwxrwx 1 u g 7 Jan  1  2020 link -> /etc/it", (b"link", "symlink", None, us(2020, 1, 1))),
        (b"crw-rw-rw- 1 root root 1, 3 Jan  1  2020 null", (b"null", "device", None, us(2020, 1, 1))),
        (b"-rw-r--r-- 1 u g 1 Feb 29 10:00 leap", (b"leap", "file", 1, None)),
        (b"11-14-23  10:13PM       <DIR>          Pictures", (b"Pictures", "dir", None, us(2023, 11, 14, 22, 13))),
        (b"01-02-99  12:05AM              1234 old file", (b"old file", "file", 1234, us(1999, 1, 2, 0, 5))),
        (b"01-02-2019  14:05         1,234,567 grouped", (b"grouped", "file", 1234567, us(2019, 1, 2, 14, 5))),
    ],
)
def test_tables(line: bytes, entry: tuple[bytes, str, int | None, int | None]) -> None:
    """What Unix servers and those of Windows print."""
    (found,) = table([b"total 12", line, b""], NOW)
    assert (found.name, found.kind, found.size, found.guess_us) == entry


@pytest.mark.parametrize("line", [b"Permission denied", b"-rw-r--r-- gibberish", b"total", b"01-02-99 noon 12 x"])
def test_what_is_no_table_is_told(line: bytes) -> None:
    """A listing that is half understood would be files that are lost."""
    with pytest.raises(Unreadable):
        list(table([line], NOW))


@given(st.integers(min_value=-62_135_596_800, max_value=253_402_300_799))
def test_times_there_and_back(second: int) -> None:
    """Fourteen digits, of the years 1 to 9999."""
    assert time_us(digits_of(second * 1_000_000)) == second * 1_000_000


def test_a_time_that_no_digits_tell() -> None:
    """Beyond four-digit years."""
    with pytest.raises(ValueError, match="four-digit"):
        digits_of(10**18)
