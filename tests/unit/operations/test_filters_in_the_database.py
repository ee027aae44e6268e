"""Filters of a migration's table: the database finds what a look at each cell of each row finds, for any text."""

import random
import sys
from collections.abc import Iterator

import pytest

from haulage.ledger import migration_rows, migration_table
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import Cells
from haulage.ledger.store import Ledger
from haulage.model import row_filter
from haulage.model.errors import Refused
from haulage.model.outcome import Status
from haulage.model.standing import SCANNING, words_of
from haulage.operations import connectors, migrations
from haulage.services.registry import service

ME = Actor("me", "test")
ROWS = 240
PIECES = (
    *("user", "USER", "Straße", "STRASSE", "ﬁle", "file", "İpek", "ipek", "ısı", "ſ", "\N{KELVIN SIGN}", "k", "ς", "Σ"),
    *("1", "12", "7@", "@old", "/", "Documents", "é", "e\N{COMBINING ACUTE ACCENT}", "ŉ", "ʼn", "東京", "wave 1", "."),
    *("+", "%", "_", "\\", "🙂", "failed", "Never", "success", "aa", "ab", " "),
)
REGEXES = (
    *("user.*7@", "^user[0-9]*7", "(a+)+$", "k", "s", "^$", "^a", "1$", "[^a-z]", "[kK]", "wave 1|hr", "aa?b", "us+er"),
    *("a{2}", "a{0}b", "\\.", "\\d+", "\\bwave", "東", ".", "x*", "str(a)sse", "stra(ß|ss)e", "fi", "ﬁ", "i"),
    *("(?-i)USER", "\\pL{4}", "\\Qa.b"),
    *("\\Auser", "7\\z", "(?s)user.+1", "(?-m)^user", "[^\\n]7", "failed", "^Never", "Status 7", "cras.ed"),
    *("user$", "^[^]a]", "[[:alpha:]]7", "a|", "()", "\\x41", "é", "no such thing", "%", "_", "problems: .*errors"),
)


def texts(dice: random.Random, longest: int) -> str:
    """Some pieces, one after the other."""
    return "".join(dice.choices(PIECES, k=dice.randint(0, longest)))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A migration with rows of all kinds of letters: some were refused, with reasons in them."""
    opened = Ledger.open(tmp_path_factory.mktemp("house") / "ledger.db")
    dice = random.Random(12)
    for name in ("here", "there"):
        connectors.add(opened, name, service("local"), {}, ME)
    migrations.create(opened, "m", "here", "there", ME)
    made = [
        Cells(f"{texts(dice, 4)}{n}", texts(dice, 3), ("wave 1", "Straße")[: dice.randint(0, 2)], texts(dice, 2))
        for n in range(ROWS)
    ]
    opened.do(migration_rows.append_cells, 1, made)
    for row_id in range(1, ROWS, 3):
        status, why = dice.choice([*Status, 799]), dice.choice([texts(dice, 3), None])
        opened.do(migration_rows.change, row_id, refused_status=int(status), refused=why)
    yield opened
    opened.close()


def cells(ledger: Ledger, over: migration_table.Over) -> dict[int, dict[str, str]]:
    """What stands in each cell of each row."""
    found = {}
    for row in ledger.read(migration_rows.rows, 1):
        found[row.id] = migrations.cells(row)
        if row.id in over:
            found[row.id] |= {"status": words_of(over[row.id])}
        elif row.refused is None and row.refused_status is not None:
            found[row.id] |= {"status": words_of(row.refused_status)}
    return found


def filters() -> list[str]:
    """Of all four kinds."""
    dice = random.Random(7)
    made = [f"{column}/{one}/" for one in REGEXES for column in ("", f"{dice.choice(row_filter.COLUMNS)}:")]
    for _ in range(150):
        column = dice.choice(["", "", *(f"{one}:" for one in row_filter.COLUMNS)])
        made.append(f'{column}"{texts(dice, 2).rstrip(chr(92))}"')
    return [*made, "user /7@/", "status:never /user/ source:1", "source:", '""']


@pytest.mark.parametrize("waiting", [False, True])
def test_the_database_finds_what_a_look_at_every_cell_finds(ledger: Ledger, waiting: bool) -> None:
    """Also of those whose status is not the ledger's: they wait, or are scanned."""
    over = {n: (int(Status.QUEUED), SCANNING, int(Status.PAUSED))[n % 3] for n in range(1, ROWS, 5)} if waiting else {}
    every, different = cells(ledger, over), {}
    for text in filters():
        test = row_filter.parse(text)
        expected = [row_id for row_id, each in every.items() if test(each)]
        if ledger.read(migration_table.ids, 1, row_filter.parts(text), over) != expected:
            different[text] = expected
    assert different == {}


def test_suggestions_find_it_too(ledger: Ledger) -> None:
    """Whatever its letters are."""
    found = ledger.read(migration_table.values, 1, "notes", "strasse", 1000)
    notes = {row.notes for row in ledger.read(migration_rows.rows, 1)}
    assert set(found) == {one for one in notes if "strasse" in one.casefold()} and found


def test_folding_twice_is_folding_once() -> None:
    """So a folded text that stands in a text as it is stands in the folded one, too."""
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code < 0xE000:
            folded = chr(code).casefold()
            assert folded.casefold() == folded


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("user.*9@", ("user", "9@")),
        ("^User[0-9]*7@$", ("user", "7@")),
        ("ab+c", ("ab", "c")),
        ("ab*c", ("a", "c")),
        ("ab?c+?d", ("a", "c", "d")),
        ("ab{0,3}c", ("a", "c")),
        ("a\\.b\\dc", ("a.b", "c")),
        ("a|b", ()),
        ("(a+)+$", ()),
        ("[^]a]b", ()),
        ("[[:alpha:]]b", ()),
        ("\\Aab", ()),
        ("\\Qa.b", ()),
        ("éa", ("a",)),
        ("a{b", ()),
        ("", ()),
    ],
)
def test_what_a_pattern_needs(pattern: str, texts: tuple[str, ...]) -> None:
    """Only what is plain to see."""
    assert row_filter.needed(pattern) == texts


def test_what_is_found_has_what_is_needed() -> None:
    """For any pattern and any text of ASCII."""
    dice = random.Random(3)
    signs = (
        "a",
        "B",
        "k",
        "7",
        ".",
        "*",
        "+",
        "?",
        "|",
        "(",
        ")",
        "[",
        "]",
        "^",
        "$",
        "\\d",
        "\\.",
        "{2}",
        "{,1}",
        "-",
    )
    tried = 0
    for _ in range(6000):
        pattern = "".join(dice.choices(signs, k=dice.randint(1, 7)))
        try:
            found = row_filter.matcher(pattern)
        except Refused:
            continue
        for _ in range(8):
            text = "".join(dice.choices("abAkK7.-{}[]2", k=dice.randint(0, 8)))
            if found(text):
                tried += 1
                assert all(one in text.lower() for one in row_filter.needed(pattern)), (pattern, text)
    assert tried > 1000
