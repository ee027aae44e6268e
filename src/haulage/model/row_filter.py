"""What a person types to see some of a migration's transfers: `text`, `column:text`, `/regex/`, `column:/regex/`."""

import difflib
import functools
import re
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
    if columns == ("id",) and text is not None:
        return lambda cells: cells["id"] == text
    test = cell_test(part)
    return lambda cells: any(test(cells[one]) for one in columns)


def cell_test(part: Part) -> Callable[[str], bool]:
    """Whether what stands in a cell is what a part looks for."""
    if part.pattern is not None:
        return matcher(part.pattern)
    text = part.text or ""
    return lambda cell: text in cell.casefold()


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern is found in one of the lines of a text: see `finder`."""
    found = finder(pattern)
    return lambda text: found(text.encode("utf-8", "surrogateescape")) is not None


@functools.lru_cache(maxsize=64)
def finder(pattern: str) -> Callable[[bytes], object]:
    """What says None of a text, in UTF-8, in no line of which a pattern is found. None goes beyond its line.

    Raises Refused.

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
    return found.Match  # type: ignore[no-any-return] # it has no types


_PIECE = re.compile(
    r"""(?: (?P<letter> [A-Za-z0-9 @_/,:;=#%&<>!'"~`-] | \\[!-/:-@\[-`{-~] )
          | \. | \[(?!\^?\])\^?[^\]\[\\]+\] | \\[dDwWsSbB] | [^\x00-\x7f] | [\^$] )
        (?P<times> [*+?]\?? | \{[0-9,]+\}\?? )?""",
    re.VERBOSE,
)
"""What a plain regular expression is made of: a letter or escaped sign, any of some, or an edge, and how often."""


@functools.lru_cache(maxsize=64)
def needed(pattern: str) -> tuple[str, ...]:
    """Small letters that are all in each ASCII text in which a pattern is found; none where that is not plain to see.

    A letter of ASCII may stand for another one (k for the sign of Kelvin): so nothing is told of other texts.
    """
    runs, at = [""], 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            return ()
        at, letter, times = piece.end(), piece["letter"], piece["times"] or ""
        if letter is not None and times[:1] in ("", "+"):
            runs[-1] += letter[-1].lower()
        if letter is None or times:
            runs.append("")
    return tuple(dict.fromkeys(one for one in runs if one))
