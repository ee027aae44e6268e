"""The CSV files with which the transfers of a migration are named: read as a whole, or refused as a whole."""

import csv
import io
from collections.abc import Sequence

import msgspec

from haulage.model.errors import Refused

ADDING = ("Source Path", "Destination Path", "Tags")
UPDATING = ("ID", "Source Path", "Destination Path")
EXPORTED = ("tags", "notes", "status")
"""Columns that an exported table has besides: an update passes them over."""
MOST_ROWS = 100_000
MOST_BYTES = 64 * 1024 * 1024
MOST_CHARACTERS = 4096
TOLD = 20
SEPARATORS = ",;\t"
CLIMBS = "a path has '..' in it"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Wish(msgspec.Struct, frozen=True):
    """A row as it was asked for. line: in the file, from 1. id: which row is to change; None: a new one."""

    line: int
    source: str
    destination: str
    tags: tuple[str, ...] = ()
    id: int | None = None


class MappingRefused(Refused):
    """Rows of a file are not as they have to be; none was taken. problems: line numbers and reasons, all of them."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        told = "; ".join(f"line {line}: {why}" for line, why in problems[:TOLD])
        more = f"; and {len(problems) - TOLD:,} more" if len(problems) > TOLD else ""
        super().__init__(f"nothing was taken from the file: {told}{more}", "Correct these lines and give it again.")
        self.problems = tuple(problems)


def text_of(data: bytes) -> str:
    """The text of a file as spreadsheets write it: UTF-8, UTF-16 with a mark, else Windows-1252. Raises Refused."""
    if len(data) > MOST_BYTES:
        raise Refused(f"the file has {len(data):,} bytes", f"Give at most {MOST_BYTES:,}; split it.")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding is not None:
            raise Refused("the file breaks off inside a character", "Save it once more as CSV UTF-8.") from None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        raise Refused("the file's encoding cannot be told", "Save it as CSV UTF-8.") from None


def read(data: bytes, columns: Sequence[str]) -> list[Wish]:
    """The rows of a file, in its order. Raises MappingRefused with every problem, or Refused for what is no table.

    columns: ADDING (the last may be left out) or UPDATING. Separators are commas, semicolons or tabs, as the header
    has them; a line `sep=;` that Excel writes is passed over. Empty lines are no rows. Cells that were neutralised by
    a ' before a formula character are taken without it.
    """
    text = text_of(data)
    skipped = 0
    if text[:4].lower() == "sep=":
        text, skipped = text.partition("\n")[2], 1
    body = text.lstrip("\r\n")
    skipped += text.count("\n", 0, len(text) - len(body))
    text, header = body, body.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    problems: list[tuple[int, str]] = []
    wishes: list[Wish] = []
    try:
        width = _check_header(next(reader, []), columns)
        line = ended = reader.line_num + skipped
        for cells in reader:
            line, ended = ended + 1, reader.line_num + skipped
            if not any(cell.strip() for cell in cells):
                continue
            if isinstance(wish := _wish(line, cells, columns, width), str):
                problems.append((line, wish))
            else:
                wishes.append(wish)
            if len(wishes) > MOST_ROWS:
                raise Refused(f"the file has more than {MOST_ROWS:,} rows", "Split it.")
    except csv.Error as error:
        problems.append((reader.line_num + skipped, f"no CSV ({error})"))
    problems += repeated(wishes)
    if problems:
        raise MappingRefused(sorted(problems))
    if not wishes:
        raise Refused("the file has no rows", f"Give a header ({','.join(columns)}) and a row for each transfer.")
    return wishes


def repeated(wishes: Sequence[Wish]) -> list[tuple[int, str]]:
    """Rows that say the same as an earlier one, or change the same row as an earlier one."""
    seen: dict[tuple[object, ...], int] = {}
    problems = []
    for one in wishes:
        key = (one.id,) if one.id is not None else (one.source, one.destination)
        if (first := seen.setdefault(key, one.line)) != one.line:
            problems.append((one.line, f"the same as line {first}"))
    return problems


def _check_header(cells: Sequence[str], columns: Sequence[str]) -> int:
    """How many cells a row may have."""
    found = [cell.strip().casefold() for cell in cells]
    while found and not found[-1]:
        found.pop()
    wanted = [column.casefold() for column in columns]
    if columns == UPDATING and found[:3] == wanted and set(found[3:]) <= set(EXPORTED):
        return len(found)
    if not found:
        raise Refused("there is nothing in the file", f"Begin it with {','.join(columns)}.")
    if found != wanted and not (columns == ADDING and found == wanted[:2]):
        shown = ",".join(cells)[:80]
        raise Refused(f"the file begins with {shown!r}, which is no header", f"Begin it with {','.join(columns)}.")
    return len(columns)


def _wish(line: int, cells: Sequence[str], columns: Sequence[str], width: int) -> Wish | str:
    """The row, or what is wrong with it."""
    values = [plain(cell) for cell in cells]
    if any(values[width:]):
        return f"{len(cells)} cells, where {width} are expected; a path with the separator in it needs quotes"
    values = (values + [""] * len(columns))[: len(columns)]
    named = dict(zip(columns, values, strict=True))
    for column, value in named.items():
        if (why := unfit(column, value)) is not None:
            return why
    source, destination = (path_of(named[column]) for column in ("Source Path", "Destination Path"))
    if climbs(source) or climbs(destination):
        return CLIMBS
    if "ID" not in named:
        return Wish(line, source, destination, tags_of(named["Tags"]))
    if not named["ID"].isascii() or not named["ID"].isdigit():
        return f"{named['ID'][:40]!r} is no ID"
    return Wish(line, source, destination, id=int(named["ID"]))


def unfit(column: str, value: str) -> str | None:
    """Why that can stand in no row; None where it can."""
    if len(value) > MOST_CHARACTERS:
        return f"{column} has more than {MOST_CHARACTERS:,} characters"
    if any(ord(character) < 32 for character in value):
        return f"{column} has a control character in it"
    return None


def climbs(path: str) -> bool:
    """Whether it leads out of where it begins."""
    return ".." in path.split("/")


def typed(source: str, destination: str, tags: tuple[str, ...] = (), row_id: int | None = None) -> Wish:
    """One row, as it was typed into a form. Raises Refused."""
    cells = [source, destination] if row_id is None else [str(row_id), source, destination]
    wish = _wish(0, cells, ADDING if row_id is None else UPDATING, len(cells))
    if isinstance(wish, str):
        raise Refused(wish, "Correct the path.")
    return msgspec.structs.replace(wish, tags=tags)


def plain(cell: str) -> str:
    """What a cell says, without the ' that our own exports put before formula characters."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and is_formula(text[1:]) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might take a cell for a formula, also once quotes and spaces before it are gone."""
    return text.lstrip(" '\"").startswith(_FORMULA)


def path_of(text: str) -> str:
    """A path as it stands in the table: without what surrounds it."""
    return text.strip().rstrip("/") if "://" in text else text.strip().strip("/")


def tags_of(text: str) -> tuple[str, ...]:
    """Tags as a person lists them, separated by commas or semicolons; each once."""
    return tuple(dict.fromkeys(one.strip() for one in text.replace(";", ",").split(",") if one.strip()))
