"""What a person types to see some of a migration's transfers: `text`, `column:text`, `/regex/`, `column:/regex/`."""

import difflib
import functools
from collections.abc import Callable, Mapping

import msgspec
import re2

from haulage.model.errors import Refused

COLUMNS = ("id", "status", "source", "destination", "tags", "notes")
MOST_CHARACTERS = 1000

Cells = Mapping[str, str]
"""What stands in each of COLUMNS of a row."""
Test = Callable[[Cells], bool]


class Part(msgspec.Struct, frozen=True):
    """What has to hold in one of some columns: that text, case-folded, is in it, or that pattern is found in it."""

    columns: tuple[str, ...]
    text: str | None = None
    pattern: str | None = None


def parts(text: str) -> list[Part]:
    """What a person typed: all parts, separated by spaces, have to hold; "quotes" keep spaces. Raises Refused."""
    if len(text) > MOST_CHARACTERS:
        raise Refused("the filter is too long", f"Use at most {MOST_CHARACTERS} characters.")
    return [_part(one) for one in _parts(text)]


def parse(text: str) -> Test:
    """A test of rows, see `parts`. Letter case does not count. Raises Refused.

    Regular expressions are RE2's: no pattern takes more than linear time.
    """
    tests = [_test(one) for one in parts(text)]
    return lambda cells: all(test(cells) for test in tests)


def _parts(text: str) -> list[str]:
    """Split at spaces that stand neither in quotes nor in a regular expression."""
    parts, current, inside = [], "", ""
    for at, character in enumerate(text):
        if inside:
            if character == inside and text[at - 1] != "\\":
                inside = ""
        elif character == '"' or (
            character == "/" and (not current or current.endswith(":")) and "/" in text[at + 1 :]
        ):
            inside = character
        elif character.isspace():
            parts.append(current)
            current = ""
            continue
        current += character
    if inside:
        raise Refused(f"the filter ends inside {inside}", f"Add the {inside} that is missing.")
    return [part for part in (*parts, current) if part]


def _part(part: str) -> Part:
    column, colon, wanted = part.partition(":")
    if not colon or '"' in column or column.startswith("/") or wanted.startswith("//"):
        return _sought(part, COLUMNS)
    if column.casefold() not in COLUMNS:
        near = difflib.get_close_matches(column.casefold(), COLUMNS, 1)
        hint = f"Did you mean {near[0]}: ?" if near else f"There are {', '.join(COLUMNS)}; put text with a : in quotes."
        raise Refused(f"there is no column {column[:40]!r}", hint)
    return _sought(wanted, (column.casefold(),))


def _sought(wanted: str, columns: tuple[str, ...]) -> Part:
    if len(wanted) > 1 and wanted[0] == "/" == wanted[-1]:
        matcher(wanted[1:-1])
        return Part(columns, pattern=wanted[1:-1])
    return Part(columns, text=wanted.strip('"').casefold())


def _test(part: Part) -> Test:
    columns, text = part.columns, part.text
    if part.pattern is not None:
        found = matcher(part.pattern)
        return lambda cells: any(found(cells[one]) for one in columns)
    if columns == ("id",):
        return lambda cells: cells["id"] == text
    return lambda cells: any((text or "") in cells[one].casefold() for one in columns)


@functools.lru_cache(maxsize=64)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern is found in one of the lines of a text: in none that goes beyond its line. Raises Refused.

    Of RE2's Python interfaces, sets of patterns are the quickest by far for many short texts.
    """
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_nl = True
    try:
        re2.compile(pattern, options)
        found = re2.Set.SearchSet(options)
        found.Add(f"(?m){pattern}")
        found.Compile()
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Refused(f"/{pattern[:80]}/ is no regular expression ({why})", "See RE2's syntax.") from None
    return lambda text: found.Match(text.encode("utf-8", "surrogateescape")) is not None
