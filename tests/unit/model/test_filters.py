"""Which items filters take."""

import pytest

from haulage.model.errors import Refused
from haulage.model.filters import Filters, parse_age, parse_rate, parse_size
from haulage.model.item import Item, Kind

NOW = 1_700_000_000_000_000


def item(path: str, size: int = 10, age_seconds: int = 0, kind: Kind = Kind.FILE) -> Item:
    return Item(path, kind, size, NOW - age_seconds * 1_000_000)


@pytest.mark.parametrize(
    ("filters", "path", "taken"),
    [
        (Filters(), "a/b", True),
        (Filters(include=("*.txt",)), "a/b.txt", True),
        (Filters(include=("*.txt",)), "a/b.doc", False),
        (Filters(include=("*.txt", "*.doc")), "a/b.doc", True),
        (Filters(exclude=("*.tmp",)), "a/b.tmp", False),
        (Filters(exclude=("node_modules",)), "a/node_modules/x/y", False),
        (Filters(exclude=("a/*/c",)), "a/b/c", False),
        (Filters(exclude=("a/*/c",)), "a/b/b/c", True),
        (Filters(exclude=("a/**/c",)), "a/b/b/c", False),
        (Filters(exclude=("a/**/c",)), "a/c", False),
        (Filters(include=("a/**",)), "b/a/x", False),
        (Filters(include=("[ab].txt",)), "b.txt", True),
        (Filters(include=("x/[!a].txt",)), "x/a.txt", False),
        (Filters(include=("?.txt",)), "ß.txt", True),
        (Filters(include=("*.txt",), exclude=("b*",)), "b.txt", False),
        (Filters(include=("line\nbreak*",)), "line\nbreak.txt", True),
        (Filters(include=("./a/*",)), "a/b", True),
        (Filters(include=("a/[[]*",)), "a/[b", True),
        (Filters(include=("a/[!&&~]",)), "a/&", False),
        (Filters(include=("a/[\\]",)), "a/\\", True),
        (Filters(include=("a/[!^]",)), "a/^", False),
        (Filters(include=("a/[^]",)), "a/^", True),
    ],
)
def test_names(filters: Filters, path: str, taken: bool) -> None:
    assert (filters.refuses(item(path), NOW) is None) is taken


def test_size_and_age_are_inclusive() -> None:
    assert Filters(smallest=10, largest=10).refuses(item("a", 10), NOW) is None
    assert Filters(smallest=11).refuses(item("a", 10), NOW) is not None
    assert Filters(largest=9).refuses(item("a", 10), NOW) is not None
    assert Filters(newer_than=60).refuses(item("a", age_seconds=60), NOW) is None
    assert Filters(newer_than=60).refuses(item("a", age_seconds=61), NOW) is not None
    assert Filters(older_than=60).refuses(item("a", age_seconds=59), NOW) is not None


@pytest.mark.parametrize(
    "filters",
    [
        Filters(exclude=("",)),
        Filters(include=(" ",)),
        Filters(exclude=("/",)),
        Filters(include=("./",)),
        Filters(exclude=("a/[z-a]",)),
        Filters(smallest=2, largest=1),
        Filters(older_than=2, newer_than=1),
    ],
)
def test_senseless_filters_are_refused(filters: Filters) -> None:
    """T62."""
    with pytest.raises(Refused):
        filters.checked()


def test_sizes_and_ages_as_people_write_them() -> None:
    assert [parse_size(text) for text in ("100", "10k", "1.5M", "2GiB", "1 tb")] == [
        100,
        10 * 1024,
        1536 * 1024,
        2 * 1024**3,
        1024**4,
    ]
    assert [parse_age(text) for text in ("90s", "15m", "12h", "30d", "2w")] == [90, 900, 43_200, 2_592_000, 1_209_600]
    for text in ("", "ten", "-1", "5x", "9" * 400, "99999999999999999999w", "9999999999999t"):
        with pytest.raises(Refused):
            parse_size(text)
        with pytest.raises(Refused):
            parse_age(text)


def test_a_rate_that_moves_nothing_is_refused() -> None:
    assert (parse_rate(None), parse_rate("10M")) == (None, 10 * 1024 * 1024)
    for text in ("0", "0.1", ""):
        with pytest.raises(Refused):
            parse_rate(text)
