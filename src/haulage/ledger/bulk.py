"""Statements over many rows, compiled once for each kind of database.

SQLAlchemy looks at every value of every row of every execution: with a million items that takes longer than the
database itself. Here the values go to the driver as they are; the tables hold only numbers, texts and NULL.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from haulage.model.state import ItemState

LENGTHS = (1, 10, 100, 1000)
"""How many values the compiled forms of `Among` take; a shorter list is filled up with its last value."""


def literal_state(state: ItemState) -> sa.ColumnElement[int]:
    """A state as a constant of a statement."""
    return sa.literal_column(str(int(state)), sa.Integer)


class ForEach:
    """An insert, update or delete that is executed for each of many rows.

    names: its bind parameters, in the order in which the rows have their values. Constants in it have to be literals.
    """

    def __init__(self, statement: sa.Insert | sa.Update | sa.Delete, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, tuple[str, bool]] = {}

    def run(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it for every row; none is fine."""
        if not rows:
            return
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            made = self._statement.compile(dialect=dialect, column_keys=self._names)
            self._compiled[dialect.name] = _text(made, self._names)
        text, positional = self._compiled[dialect.name]
        values: Any = list(rows) if positional else [dict(zip(self._names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(text, values)


class Among:
    """A statement about the rows whose column has one of many values.

    build(values): makes it, given the values' bind parameters. before: names of its other bind parameters, which all
    have to come before the values, in their order. Constants in it have to be literals.
    """

    def __init__(self, build: Callable[[list[sa.BindParameter[Any]]], Any], *, before: Sequence[str] = ()) -> None:
        self._build = build
        self._before = tuple(before)
        self._compiled: dict[tuple[str, int], tuple[tuple[str, ...], str, bool]] = {}

    def run(self, connection: sa.Connection, values: Sequence[Any], *before: Any) -> list[Any]:
        """Execute it, as often as the number of values needs; returns all rows, if it returns rows."""
        rows: list[Any] = []
        for start in range(0, len(values), LENGTHS[-1]):
            some = values[start : start + LENGTHS[-1]]
            length = next(length for length in LENGTHS if length >= len(some))
            names, text, positional = self._form(connection.dialect, length)
            given = (*before, *some, *[some[-1]] * (length - len(some)))
            result = connection.exec_driver_sql(text, given if positional else dict(zip(names, given, strict=True)))
            if result.returns_rows:
                rows += result.all()
        return rows

    def _form(self, dialect: sa.Dialect, length: int) -> tuple[tuple[str, ...], str, bool]:
        key = (dialect.name, length)
        if key not in self._compiled:
            values: list[sa.BindParameter[Any]] = [sa.bindparam(f"value_{number}") for number in range(length)]
            names = (*self._before, *(value.key for value in values))
            self._compiled[key] = (names, *_text(self._build(values).compile(dialect=dialect), names))
        return self._compiled[key]


def _text(made: Any, names: tuple[str, ...]) -> tuple[str, bool]:
    """The SQL of a compiled statement, and whether its values are given by position (else by name)."""
    if made.positional and tuple(made.positiontup) != names:
        raise ValueError(f"the statement takes its values as {made.positiontup}, not as {names}: {made}")
    return str(made), made.positional
