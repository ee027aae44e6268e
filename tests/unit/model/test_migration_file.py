"""A migration as a file: what is taken, what is refused with its line, and that what is written reads the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.model import mapping, migration_file
from haulage.model.documents import FileRefused
from haulage.model.errors import Refused
from haulage.model.filters import Filters
from haulage.model.mapping import MappingRefused
from haulage.model.migration_file import Wanted, WantedSchedule, WantedTransfer
from haulage.model.outcome import PassKind
from haulage.model.schedule import Every, Hours, Timing

WHOLE = """\
# the first wave
version: 1
migration: Wave 1
source: old
destination: new
filters: {exclude: ['*.tmp', ~nothing], max_size: 2G, older_than: 30d}
transfers:
- source: /no/
  destination: '123'
  tags: [hr, no, 1, hr]
- {source: '', destination: "x: y", notes: 2026-01-01}
"""
LEAST = "migration: m\nsource: a\ndestination: b\ntransfers: []\n"


def test_texts_are_what_was_written() -> None:
    """No `no` is false, no date a date; one tag is there once."""
    read = migration_file.read(WHOLE.encode("utf-16"))
    assert (read.name, read.source, read.destination) == ("Wave 1", "old", "new")
    assert read.filters == Filters(exclude=("*.tmp", "~nothing"), largest=2 * 1024**3, older_than=30 * 86400)
    assert read.transfers == (
        WantedTransfer(8, "no", "123", ("hr", "no", "1"), None),
        WantedTransfer(11, "", "x: y", None, "2026-01-01"),
    )
    assert migration_file.read(LEAST.encode()) == Wanted(
        "m", "a", "b", None, (), {"migration": 1, "source": 2, "destination": 3, "transfers": 4}
    )


def test_all_that_is_wrong_is_told_with_its_line() -> None:
    """Unknown keys with what was meant; nothing is guessed."""
    text = """\
version: 2
migration: ''
sorce: a
destination: ~
schedules: [daily]
filters: {max_size: huge, xyz: 3d, include: ['']}
transfers:
- {source: a, destination: b, tag: x}
- {source: a, destination: b}
- {source: ../c, destination: [d], notes: }
- text
"""
    with pytest.raises(MappingRefused) as refused:
        migration_file.read(text.encode())
    told = [f"{line}: {why}" for line, why in refused.value.problems]
    assert told == [
        "1: source is missing",
        "1: version 2 is not known; this program reads 1",
        "2: migration has to be a name",
        "3: there is no key 'sorce'; did you mean source?",
        "4: destination says nothing; write '' for an empty text, or leave the key out",
        "5: a schedule has keys: kind, every, at, day, zone, hours, weekends, hours_zone, only",
        "6: an empty pattern would match nothing or everything",
        '6: max_size: \'huge\' is not a size. Write a size such as "500k", "10M" or "2G".',
        "6: there is no key 'xyz'; there are include, exclude, min_size, max_size, newer_than, older_than",
        "8: there is no key 'tag'; did you mean tags?",
        "9: the same as line 8",
        "10: a path has '..' in it",
        "10: destination has to be a line of text",
        "10: notes says nothing; write '' for an empty text, or leave the key out",
        "11: a transfer has keys: source, destination, tags, notes",
    ]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a: &x 1\nb: *x", 1, "anchors"),
        ("a: 1\nb: *x", 2, "aliases"),
        ("a: !!python/object:os.system x", 1, "the tag"),
        ("a: 1\n---\nb: 1", 2, "a second document"),
        ("a:\n\tb: 1", 2, "no YAML"),
        ("a: 1\nb: 'x", 2, "no YAML"),
        ("a: 1\na: 2", 2, "first in line 1"),
        ("a: 1\nb: \x07", 2, "U\\+0007"),
        ("[" * 20, 1, "deeper"),
        ("[" * 100_000, 1, "(deeper|nesting depth)"),
        ("- a", 1, "begin with keys"),
        ("? [a]\n: b", 1, "a key has to be a word"),
        ("", 1, "nothing in the file"),
    ],
)
def test_what_is_no_such_file(text: str, line: int, why: str) -> None:
    """Refused where it stands, however large it would become."""
    with pytest.raises(FileRefused, match=why) as refused:
        migration_file.read(text.encode())
    assert refused.value.line == line


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, rows and characters."""
    monkeypatch.setattr(mapping, "MOST_ROWS", 2)
    rows = "".join(f"- {{source: {n}, destination: x}}\n" for n in range(3))
    with pytest.raises(FileRefused, match="more than 2 transfers"):
        migration_file.read(f"{LEAST[:-3]}\n{rows}".encode())
    with pytest.raises(Refused, match="more than 4,096 characters"):
        migration_file.read(f"{LEAST}filters: {{include: [{'a' * 5000}]}}".encode())
    monkeypatch.setattr(mapping, "MOST_BYTES", 10)
    with pytest.raises(Refused, match="bytes"):
        migration_file.read(LEAST.encode())


def test_schedules() -> None:
    """As people write times and days; the texts `no` and 20:00 are what was written; all that is wrong is told."""
    text = f"""{LEAST}\
schedules:
- {{every: weekly, day: friday, at: 20:30, zone: Europe/Berlin, hours: 20:00-06:00, weekends: no}}
- {{kind: scan, every: monthly, day: 30, only: [a, {{source: b, destination: x}}], hours: 1:00-2:00, hours_zone: Tokyo}}
- {{kind: cutover, every: hourly, at: 05:45}}
"""
    read = migration_file.read(text.encode()).schedules
    assert read == (
        WantedSchedule(
            6, PassKind.COPY, Timing(Every.WEEK, 30, 20, 5, "Europe/Berlin"), Hours(1200, 360, False, "Europe/Berlin")
        ),
        WantedSchedule(
            7,
            PassKind.SCAN,
            Timing(Every.MONTH, 0, 0, 31),
            Hours(60, 120, True, "Tokyo"),
            (("a", None), ("b", "x")),
        ),
        WantedSchedule(8, PassKind.CUTOVER, Timing(Every.HOUR, 45)),
    )
    written = "".join(migration_file.write("m", "a", "b", Filters(), (), read))
    again = migration_file.read(written.encode()).schedules or ()
    assert [msgspec.structs.replace(one, line=0) for one in again] == [
        msgspec.structs.replace(one, line=0) for one in read
    ]
    assert migration_file.read(LEAST.encode()).schedules is None
    wrong = f"""{LEAST}\
schedules:
- {{every: daily, day: Monday, at: 25:00, kind: move}}
- {{every: yearly}}
- {{at: 20:00}}
- {{every: hourly, weekends: maybe, hours: 20, only: []}}
- {{every: hourly, only: [~, [x]], weekends: yes, when: now}}
"""
    with pytest.raises(MappingRefused) as refused:
        migration_file.read(wrong.encode())
    told = [f"{line}: {why}" for line, why in refused.value.problems]
    assert told == [
        "6: at: '25:00' is no time of the day. Write one such as 20:00.",
        "6: day: what is daily has no day. Leave the day out, or have it weekly or monthly.",
        "6: kind: 'move' is not known. Write scan or copy or cutover.",
        "7: every: 'yearly' is not known. Write hourly or daily or weekly or monthly.",
        "8: every is missing",
        "9: hours: '20' are no hours. Write them such as 20:00-06:00.",
        "9: only names one transfer at least; leave the key out for all",
        "9: weekends: 'maybe' is not known. Write yes or no.",
        "10: only is a list of sources, or of keys source and destination",
        "10: only is a list of sources, or of keys source and destination",
        f"10: there is no key 'when'; there are {', '.join(migration_file.SCHEDULE)}",
        "10: weekends belongs to hours, which are missing",
    ]


_words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"], exclude_characters="/\ufeff"), min_size=1)
_tags = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters=",;"), min_size=1), unique=True
)
_rows = st.builds(WantedTransfer, st.just(0), _words.filter(lambda one: ".." not in one), st.just("x"), _tags, _words)


@given(st.lists(_rows, unique_by=lambda one: one.source), _words.filter(str.strip), st.lists(_words, max_size=2))
def test_what_is_written_reads_the_same(rows: list[WantedTransfer], name: str, globs: list[str]) -> None:
    """Whatever names people and services think of."""
    filters = Filters(exclude=tuple(one for one in globs if one.strip()), smallest=1, newer_than=60)
    text = "".join(migration_file.write(name.strip(), "a", "b", filters, rows))
    read = migration_file.read(text.encode())
    assert (read.name, read.filters) == (name.strip(), filters)
    again = [(one.source, one.destination, one.tags or (), one.notes) for one in read.transfers]
    assert again == [(one.source, one.destination, tuple(one.tags or ()), one.notes) for one in rows]
