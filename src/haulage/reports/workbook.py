"""Tables as a workbook of Excel, row by row: what does not fit into one sheet goes on in the next."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767
"""What a sheet and a cell of Excel hold."""
ON = " … (goes on in the cells at the end of this row)"
HEADER = {"bold": True, "bg_color": "#DDE3EA", "border": 1}
WIDTH, LONGEST_WIDTH = 14, 60


class Book:
    """A workbook that is being written. tmp: the folder for what it needs meanwhile. Memory does not grow with rows."""

    def __init__(self, path: Path, tmp: Path, most_rows: int = MOST_ROWS) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": str(tmp)})
        self._header = self._book.add_format(HEADER)
        self._most_rows = most_rows

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """A sheet with a header that stays, as many as the rows need: "Name", "Name (2)". Returns how many there are.

        Numbers stand as numbers, all else as text that is never a formula. A text that is longer than a cell goes on
        in further cells of its row.
        """
        sheets, at, sheet = 0, self._most_rows, None
        for row in rows:
            if at >= self._most_rows:
                sheets += 1
                at, sheet = 1, self._sheet(name if sheets == 1 else f"{name} ({sheets})", columns)
            _row(sheet, at, row, len(columns))
            at += 1
        if not sheets:
            self._sheet(name, columns)
        return max(1, sheets)

    def _sheet(self, name: str, columns: Sequence[str]) -> Any:
        sheet = self._book.add_worksheet(name)
        for number, title in enumerate(columns):
            sheet.set_column(number, number, LONGEST_WIDTH if "Path" in title or "What" in title else WIDTH)
            sheet.write_string(0, number, title, self._header)
        sheet.freeze_panes(1, 0)
        return sheet

    def close(self) -> None:
        """Write it out. Raises OSError."""
        from xlsxwriter.exceptions import FileCreateError

        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from error  # an OSError, in its wrapping


def _row(sheet: Any, at: int, row: Sequence[Any], columns: int) -> None:
    more: list[str] = []
    for number, value in enumerate(row):
        if isinstance(value, int | float):
            sheet.write_number(at, number, value)
            continue
        text = _clean(value)
        if len(text) > MOST_CHARACTERS:
            room = MOST_CHARACTERS - len(ON)
            more += [text[start : start + MOST_CHARACTERS] for start in range(room, len(text), MOST_CHARACTERS)]
            text = text[:room] + ON
        sheet.write_string(at, number, text)
    for number, text in enumerate(more):
        sheet.write_string(at, columns + number, text)


def _clean(text: str) -> str:
    """Without the two characters that no XML takes: they are shown by their numbers."""
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
