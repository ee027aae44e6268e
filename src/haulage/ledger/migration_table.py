"""A migration's table as it is looked at: filtered, added up, sorted and cut into pages by the database itself.

The rows of 50,000 transfers never leave it: a page's do, and the sums.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger.codec import dump
from haulage.ledger.schema import migration_rows, standings
from haulage.ledger.schema import runs as run_rows
from haulage.model.outcome import RunKind, Status
from haulage.model.row_filter import Part, cell_test, needed
from haulage.model.standing import MOODS, NEVER_RUN, QUEUED, SCANNING, WORDS, mood_of, words_of

Over = Mapping[int, int]
"""Transfers that do not stand as the ledger says, by id: they wait, are scanned, or their process is gone."""

_rows, _copy, _scan = migration_rows, standings.alias("copies"), standings.alias("scans")
SAID = {one: words_of(one) for one in (*range(1000), SCANNING)}
"""What the table says of each status that there may be."""
EDGES = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-")
"""In a pattern: it may ask where a text begins or ends, which lines of a text that are put together do not tell."""


class Look(msgspec.Struct, frozen=True):
    """What is looked at. sort: one of SORTS; start, limit: which rows of those that are found."""

    parts: Sequence[Part] = ()
    sort: str = "id"
    descending: bool = False
    start: int = 0
    limit: int = 100


class Sums(msgspec.Struct, frozen=True):
    """The counters above the table: transfers by how they stand, items and bytes of their newest runs.

    issues of items and bytes: those that failed and those that are not supported.
    """

    transfers: int = 0
    new: int = 0
    running: int = 0
    paused: int = 0
    complete: int = 0
    issues: int = 0
    failures: int = 0
    items: int = 0
    items_with_issues: int = 0
    bytes: int = 0
    bytes_with_issues: int = 0


class Seen(msgspec.Struct, frozen=True):
    """What was found: counters of all of it, and the ids of a page's rows in their order."""

    sums: Sums
    ids: list[int]


class _Source:
    """The rows of a migration with what they are joined to. over: see Over."""

    def __init__(self, migration: int, over: Over) -> None:
        self.tables: Any = _rows.outerjoin(
            _copy, (_copy.c.transfer_id == _rows.c.transfer_id) & (_copy.c.kind == RunKind.COPY.value)
        )
        self.where: Any = _rows.c.migration_id == migration
        self.status: Any = sa.func.coalesce(_rows.c.refused_status, _copy.c.status)
        self.refused: Any = _rows.c.refused.is_not(None)
        self.overridden: Any = sa.false()
        if over:
            given = sa.func.json_each(dump({str(one): status for one, status in over.items()}))
            each = given.table_valued("key", "value")
            chosen = sa.select(sa.cast(each.c.key, sa.Integer).label("row_id"), each.c.value.label("status"))
            known = chosen.cte("known").prefix_with("MATERIALIZED")
            self.tables = self.tables.outerjoin(known, known.c.row_id == _rows.c.id)
            self.status = sa.func.coalesce(known.c.status, self.status)
            self.refused &= known.c.status.is_(None)
            self.overridden = known.c.status.is_not(None)
        why = sa.case(WORDS, value=_rows.c.refused_status, else_="Status " + sa.cast(_rows.c.refused_status, sa.Text))
        self.why: Any = why + ": " + _rows.c.refused

    def joined_scans(self) -> "_Source":
        """With the newest scans, too."""
        its = (_scan.c.transfer_id == _rows.c.scan_id) & (_scan.c.kind == RunKind.SCAN.value)
        self.tables = self.tables.outerjoin(_scan, its)
        return self

    def holds(self, parts: Sequence[Part]) -> Any:
        """Whether a filter shows a row."""
        return sa.and_(self.where, *(self._holds(one) for one in parts))

    def _holds(self, part: Part) -> Any:
        if part.columns == ("id",) and part.text is not None:
            return sa.cast(_rows.c.id, sa.Text) == part.text
        written = [_cell(one) for one in part.columns if one != "status"]
        tests = self._stands(part) if "status" in part.columns else []
        return sa.or_(*tests, *([_found(written, part)] if written else []))

    def _stands(self, part: Part) -> list[Any]:
        """Whether the words of its status are looked for: those of all statuses are looked at beforehand.

        Where none or all are, rows are not joined to their runs before the filter has chosen them.
        """
        test = cell_test(part)
        wrong = [one for one, words in SAID.items() if not test(words)]
        never = self.status.is_(None) if test(NEVER_RUN) else sa.false()
        refused = self.refused & _called(self.why, part)
        if not wrong and test(NEVER_RUN):
            return [~self.refused, refused]
        if 2 * len(wrong) < len(SAID):
            return [~self.refused & (self.status.not_in(wrong) | never), refused]
        right = list(SAID.keys() - {*wrong})
        return [~self.refused & (self.status.in_(right) | never), refused] if right or test(NEVER_RUN) else [refused]


def _cell(column: str) -> Any:
    return sa.cast(_rows.c.id, sa.Text) if column == "id" else _rows.c[column]


def _found(cells: Sequence[Any], part: Part) -> Any:
    """Whether one of some cells has what a part looks for.

    A call into Python takes longer than all else that is done to a row. So SQLite looks for texts by itself, and for
    those that a pattern needs, in letters of ASCII, of which it knows the other case.
    """
    if part.pattern is None:
        return sa.or_(*(_has(one, part.text or "") for one in cells))
    if texts := needed(part.pattern):
        maybe = [sa.and_(*(_plainly_has(one, text) for text in texts)) | _foreign(one) for one in cells]
        return sa.or_(*(it & _called(one, part) for it, one in zip(maybe, cells, strict=True)))
    if EDGES.search(part.pattern):
        return sa.or_(*(_called(one, part) for one in cells))
    return _called(sa.func.concat_ws("\n", *cells), part)


def _called(text: Any, part: Part) -> Any:
    """The same, by a call."""
    if part.pattern is not None:
        return sa.func.found_in(part.pattern, sa.cast(text, sa.LargeBinary))
    return sa.func.instr(sa.func.folded(text), part.text) > 0


def _has(cell: Any, text: str) -> Any:
    """Whether a text is in a cell, both case-folded."""
    return _plainly_has(cell, text) | (_foreign(cell) & (sa.func.instr(sa.func.folded(cell), text) > 0))


def _plainly_has(cell: Any, text: str) -> Any:
    """Letters of ASCII in either case: LIKE takes them so, and all others as they are."""
    return cell.contains(text, autoescape=True)


def _foreign(cell: Any) -> Any:
    """Whether other letters than ASCII's are in it."""
    return sa.func.octet_length(cell) > sa.func.length(cell)


def _folded(column: Any) -> Any:
    return sa.collate(column, "NOCASE")


_LAST = sa.func.max(sa.func.coalesce(_copy.c.started_us, 0), sa.func.coalesce(_scan.c.started_us, 0))
_SORTS: dict[str, Any] = {
    "id": _rows.c.id,
    **{name: _folded(_rows.c[name]) for name in ("source", "destination", "tags", "notes")},
    "files": _copy.c.files,
    "files_failed": _copy.c.files_failed,
    "files_skipped": _copy.c.files_skipped + _copy.c.files_unsupported,
    "data": _copy.c.data,
    "data_failed": _copy.c.data_failed,
    "data_skipped": _copy.c.data_skipped + _copy.c.data_unsupported,
    "scanned": _scan.c.status,
    "listed": _scan.c.listed,
    "last": _LAST,
}
_OF_SCANS = frozenset({"scanned", "listed", "last"})
SORTS = ("status", *_SORTS)


def look(connection: sa.Connection, migration: int, wanted: Look, over: Over) -> Seen:
    """Look at a migration's table: one pass over its rows, however it is filtered."""
    source = _Source(migration, over)
    if wanted.sort in _OF_SCANS:
        source.joined_scans()
    key = source.status if wanted.sort == "status" else _SORTS[wanted.sort]
    columns = [_rows.c.id, source.status.label("status"), key.label("key")]
    columns += [_copy.c[name] for name in _ADDED]
    chosen = sa.select(*columns).select_from(source.tables).where(source.holds(wanted.parts))
    once = "MATERIALIZED" if wanted.parts else "NOT MATERIALIZED"  # a filter is costly; a page alone needs few rows
    found = chosen.cte("found").prefix_with(once)
    sums = connection.execute(_summed(found, wanted)).all()
    return Seen(_sums(sums[0][0]), [row.id for row in sums if row.id is not None])


_ADDED = ("files", "files_failed", "files_unsupported", "data", "data_failed", "data_unsupported")


def _moods(status: Any) -> dict[str, Any]:
    """When a status is of which mood: see model.standing.mood_of."""
    running, failed, issues = int(Status.RUNNING), int(Status.GENERAL_FAILURE), int(Status.SOME_UPLOAD_ERRORS)
    paused = int(Status.PAUSED)
    return {
        "new": status.is_(None),
        "running": ((status >= running) & (status < paused)) | (status >= QUEUED),
        "paused": (status >= paused) & (status < failed),
        "complete": status < issues,
        "issues": (status >= issues) & (status < running),
        "failed": (status >= failed) & (status < QUEUED),
    }


def _summed(found: Any, wanted: Look) -> Any:
    """The sums in a row of their own, then the ids of the page; the sums are there where the page is empty."""
    moods = _moods(found.c.status)
    counted = [sa.func.count().filter(moods[one]) for one in MOODS]
    added = [sa.func.coalesce(sa.func.sum(found.c[name]), 0) for name in _ADDED]
    sums = sa.select(sa.func.json_array(sa.func.count(), *counted, *added).label("sums"), sa.null().label("id"))
    order = [found.c.key.desc().nulls_last() if wanted.descending else found.c.key.asc().nulls_first(), found.c.id]
    rows = sa.select(found.c.id).order_by(*order).limit(wanted.limit).offset(wanted.start).subquery()
    return sums.select_from(found).union_all(sa.select(sa.null(), rows.c.id))


def _sums(text: str) -> Sums:
    transfers, *rest = msgspec.json.decode(text.encode(), type=list[int])
    new, running, paused, complete, issues, failures, *added = rest
    files, failed, unsupported, data, data_failed, data_unsupported = added
    wrong, wrong_bytes = failed + unsupported, data_failed + data_unsupported
    return Sums(transfers, new, running, paused, complete, issues, failures, files, wrong, data, wrong_bytes)


class Pace(msgspec.Struct, frozen=True):
    """How what waits or runs comes along: bytes a second, bytes that are left, and how many were never scanned."""

    rate: float = 0.0
    left_bytes: int = 0
    unknown: int = 0


def pace(connection: sa.Connection, migration: int, over: Over, now: int) -> Pace:
    """Of the copies of a migration that wait or run. What is left is known of those that were scanned."""
    busy = {one: status for one, status in over.items() if status != SCANNING and mood_of(status) == "running"}
    if not busy:
        return Pace()
    source = _Source(migration, busy).joined_scans()
    runs = (source.status == int(Status.RUNNING)) & _copy.c.ended_us.is_(None)
    seconds = (now - _copy.c.started_us) / sa.literal(1_000_000.0)
    rate = sa.case((runs & (seconds > 0), _copy.c.sent_bytes / seconds), else_=0.0)
    done = sa.case((runs, _copy.c.data), else_=0)
    left = sa.func.max(_scan.c.listed_bytes - done, 0)
    unknown = sa.func.count().filter(_scan.c.listed_bytes.is_(None))
    sums = sa.func.coalesce(sa.func.sum(rate), 0.0), sa.func.coalesce(sa.func.sum(left), 0), unknown
    chosen = sa.select(*sums).select_from(source.tables).where(source.where & source.overridden)
    row = connection.execute(chosen).one()
    return Pace(float(row[0]), int(row[1]), int(row[2]))


def moved(connection: sa.Connection, migration: int, bucket_us: int) -> list[tuple[int, int, int]]:
    """What was moved over time: for each stretch in which copies ended, its beginning, bytes sent and items copied."""
    linked = sa.select(_rows.c.transfer_id).where(
        (_rows.c.migration_id == migration) & _rows.c.transfer_id.is_not(None)
    )
    at = run_rows.c.ended_us - run_rows.c.ended_us % bucket_us
    sent, items = (
        sa.func.sum(sa.func.coalesce(sa.func.json_extract(run_rows.c.counts, f"$.{name}"), 0))
        for name in ("sent_bytes", "successful")
    )
    ended = run_rows.c.ended_us.is_not(None) & (run_rows.c.kind == RunKind.COPY.value)
    chosen = sa.select(at.label("at"), sent, items).where(ended & run_rows.c.transfer_id.in_(linked))
    return [(row[0], row[1], row[2]) for row in connection.execute(chosen.group_by("at").order_by("at"))]


def ids(connection: sa.Connection, migration: int, parts: Sequence[Part], over: Over) -> list[int]:
    """All rows that a filter shows, by their numbers."""
    source = _Source(migration, over)
    chosen = sa.select(_rows.c.id).select_from(source.tables).where(source.holds(parts))
    return list(connection.scalars(chosen.order_by(_rows.c.id)))


class Scanned(msgspec.Struct, frozen=True):
    """Of some transfers: how many they are, how many a scan of which has ended, and how many items these listed."""

    transfers: int
    scanned: int
    items: int


def scanned(connection: sa.Connection, migration: int, parts: Sequence[Part], over: Over) -> Scanned:
    """What there is to report on of the rows that a filter shows."""
    source = _Source(migration, over).joined_scans()
    listed = sa.func.coalesce(sa.func.sum(_scan.c.listed), 0)
    chosen = sa.select(sa.func.count(), sa.func.count(_scan.c.ended_us), listed).select_from(source.tables)
    return Scanned(*connection.execute(chosen.where(source.holds(parts))).one())


def unended(connection: sa.Connection, migration: int) -> list[tuple[int, str, int]]:
    """Rows of whose runs one has no end: its kind, and the transfer that it is of. It may be killed."""
    found = []
    its_own = _rows.c.migration_id + 0 == migration  # the sum keeps its index out: few runs are open, rows are many
    for link, kind in ((_rows.c.transfer_id, RunKind.COPY), (_rows.c.scan_id, RunKind.SCAN)):
        its = standings.join(_rows, link == standings.c.transfer_id)
        goes_on = standings.c.ended_us.is_(None) & (standings.c.kind == kind.value)
        chosen = sa.select(_rows.c.id, standings.c.transfer_id).select_from(its)
        rows = connection.execute(chosen.where(goes_on & its_own))
        found += [(row.id, kind.value, row.transfer_id) for row in rows]
    return found


def values(connection: sa.Connection, migration: int, column: str, text: str, most: int) -> list[str]:
    """What stands in a column (one of row_filter.COLUMNS but the status) and has that text, case-folded, in it."""
    cell = _cell(column)
    its = (_rows.c.migration_id == migration) & _has(cell, text) & (cell != "")
    return list(connection.scalars(sa.select(cell).where(its).distinct().limit(most)))
