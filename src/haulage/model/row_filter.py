"""What a person types to see some of a migration's transfers: `text`, `column:text`, `/regex/`, `column:/regex/`."""

import difflib
from collections.abc import Callable, Mapping

import re2

from haulage.model.errors import Refused

COLUMNS = ("id", "status", "source", "destination", "tags", "notes")
MOST_CHARACTERS = 1000

Cells = Mapping[str, str]
"""What stands in each of COLUMNS of a row."""
Test = Callable[[Cells], bool]


def parse(text: str) -> Test:
    """A test of rows: all parts, separated by spaces, have to hold; "quotes" keep spaces. Letter case does not count.

    Regular expressions are RE2's: no pattern takes more than linear time. Raises Refused.
    """
    if len(text) > MOST_CHARACTERS:
        raise Refused("the filter is too long", f"Use at most {MOST_CHARACTERS} characters.")
    tests = [_test(part) for part in _parts(text)]
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


def _test(part: str) -> Test:
    column, colon, wanted = part.partition(":")
    if not colon or '"' in column or column.startswith("/") or wanted.startswith("//"):
        return _holds(part, COLUMNS)
    if column.casefold() not in COLUMNS:
        near = difflib.get_close_matches(column.casefold(), COLUMNS, 1)
        hint = f"Did you mean {near[0]}: ?" if near else f"There are {', '.join(COLUMNS)}; put text with a : in quotes."
        raise Refused(f"there is no column {column[:40]!r}", hint)
    return _holds(wanted, (column.casefold(),))


def _holds(wanted: str, columns: tuple[str, ...]) -> Test:
    if len(wanted) > 1 and wanted[0] == "/" == wanted[-1]:
        pattern = _compiled(wanted[1:-1])
        return lambda cells: any(pattern.search(cells[one]) is not None for one in columns)
    sought = wanted.strip('"').casefold()
    if columns == ("id",):
        return lambda cells: cells["id"] == sought
    return lambda cells: any(sought in cells[one].casefold() for one in columns)


def _compiled(pattern: str) -> "re2._Regexp":
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Refused(f"/{pattern[:80]}/ is no regular expression ({why})", "See RE2's syntax.") from None
