"""A migration's table as a person looks at it: a page of it, its counters, and who is meant by a filter."""

from collections.abc import Iterator, Sequence

import msgspec

from haulage.ledger import migration_rows, migration_table, passes
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.migration_table import SORTS, Look, Over, Scanned, Sums
from haulage.ledger.passes import Place
from haulage.ledger.store import Ledger
from haulage.model import row_filter
from haulage.model.errors import Refused
from haulage.model.outcome import QUEUED as RUNS_QUEUED
from haulage.model.outcome import PassKind, RunKind, Status
from haulage.model.standing import NEVER_RUN, SCANNING, WORDS
from haulage.operations import standing
from haulage.operations.home import transfer_held

PAGE_ROWS = 100
MOST_SUGGESTED = 12
PORTION_ROWS = 1000


class Page(msgspec.Struct, frozen=True):
    """A page of the table. sums: of all rows that the filter shows; over: see ledger.migration_table."""

    sums: Sums
    rows: list[TransferRow]
    start: int
    over: Over


def stands_in(place: Place) -> int:
    """How a transfer stands in its pass: a status, or SCANNING; where its pass does not go on, as that does."""
    if place.status in RUNS_QUEUED and place.pass_status != Status.RUNNING:
        return place.pass_status
    return SCANNING if place.status == Status.RUNNING and place.kind == PassKind.SCAN else place.status


def over(ledger: Ledger, migration_id: int) -> dict[int, int]:
    """Transfers that do not stand as the ledger says: see ledger.migration_table.Over."""
    found = {}
    for row_id, kind, transfer in ledger.read(migration_table.unended, migration_id):
        if transfer_held(transfer):
            found[row_id] = SCANNING if kind == RunKind.SCAN else int(Status.RUNNING)
        elif kind == RunKind.COPY:  # a scan that was killed says so in its own column
            found[row_id] = int(Status.CRASHED)
    places = ledger.read(passes.places, migration_id)
    return found | {row_id: stands_in(place) for row_id, place in places.items()}


def page(ledger: Ledger, migration_id: int, text: str, *, sort: str = "id", down: bool = False, start: int = 0) -> Page:
    """100 rows of those that a filter shows, as they are now. A start behind the last row shows the last page.

    Raises Refused for a filter that cannot be read.
    """
    parts, known = row_filter.parts(text), over(ledger, migration_id)
    wanted = Look(parts, sort if sort in SORTS else "id", down, start - start % PAGE_ROWS, PAGE_ROWS)
    found = ledger.read(migration_table.look, migration_id, wanted, known)
    if not found.ids and wanted.start and found.sums.transfers:
        last = (found.sums.transfers - 1) // PAGE_ROWS * PAGE_ROWS
        wanted = msgspec.structs.replace(wanted, start=last)
        found = ledger.read(migration_table.look, migration_id, wanted, known)
    by_id = {
        row.id: row for row in standing.as_they_are(ledger, ledger.read(migration_rows.rows, migration_id, found.ids))
    }
    return Page(found.sums, [by_id[one] for one in found.ids if one in by_id], wanted.start, known)


HOUR_US = 3_600_000_000
HOURS_SHOWN = 96


def moved(ledger: Ledger, migration_id: int) -> tuple[str, list[tuple[int, int, int]]]:
    """What was moved over time, by the hour for up to four days, else by the day (UTC): see the ledger's."""
    found = ledger.read(migration_table.moved, migration_id, HOUR_US)
    if found and found[-1][0] - found[0][0] > HOURS_SHOWN * HOUR_US:
        return "day", ledger.read(migration_table.moved, migration_id, 24 * HOUR_US)
    return "hour", found


def sums(ledger: Ledger, migration_id: int, text: str = "") -> Sums:
    """The counters over those of a migration's transfers that a filter shows. Raises Refused."""
    known = over(ledger, migration_id)
    return ledger.read(migration_table.look, migration_id, Look(row_filter.parts(text), limit=0), known).sums


def shown(ledger: Ledger, migration_id: int, text: str) -> list[int]:
    """All transfers that a filter shows, by number. Raises Refused for one that cannot be read."""
    known = over(ledger, migration_id)
    return ledger.read(migration_table.ids, migration_id, row_filter.parts(text), known)


def scanned(ledger: Ledger, migration_id: int, text: str) -> Scanned:
    """What there is to report on of those that a filter shows. Raises Refused for one that cannot be read."""
    return ledger.read(migration_table.scanned, migration_id, row_filter.parts(text), over(ledger, migration_id))


def some(ledger: Ledger, migration_id: int, ids: Sequence[int]) -> list[TransferRow]:
    """These transfers, as they are now. Raises Refused where one of them is not in the migration."""
    found = standing.as_they_are(ledger, ledger.read(migration_rows.rows, migration_id, ids))
    if len(found) != len(set(ids)):
        raise Refused("some of the selected users are not in this migration any more", "Select them again.")
    return found


class Rows:
    """Transfers of a migration, by their numbers, read a portion at a time, however often: never all at once."""

    def __init__(self, ledger: Ledger, migration_id: int, ids: Sequence[int]) -> None:
        self._ledger, self._migration = ledger, migration_id
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[TransferRow]:
        """As they are when it comes to them; without those that are gone by then."""
        for begin in range(0, len(self.ids), PORTION_ROWS):
            some = self.ids[begin : begin + PORTION_ROWS]
            yield from standing.as_they_are(self._ledger, self._ledger.read(migration_rows.rows, self._migration, some))


def of_name(ledger: Ledger, name: str, text: str = "") -> tuple[MigrationRow, Rows]:
    """A migration, and those of its transfers that a filter shows now. Raises Refused."""
    migration = ledger.read(migration_rows.get, name)
    return migration, Rows(ledger, migration.id, shown(ledger, migration.id, text))


def suggested(ledger: Ledger, migration_id: int, text: str) -> list[str]:
    """How a filter may go on: columns, then what stands in one of them. The last of its parts is what is completed."""
    before, _, last = text.rpartition(" ")
    before = f"{before} " if before else ""
    column, colon, wanted = last.partition(":")
    if not colon:
        return [f"{before}{one}:" for one in row_filter.COLUMNS if one.startswith(last.casefold())]
    if column not in row_filter.COLUMNS or wanted.startswith("/") or len(text) > row_filter.MOST_CHARACTERS:
        return []
    sought = wanted.strip('"').casefold()
    if column == "status":
        found = [one for one in (NEVER_RUN, *WORDS.values()) if sought in one.casefold()][:MOST_SUGGESTED]
    else:
        found = ledger.read(migration_table.values, migration_id, column, sought, MOST_SUGGESTED)
    return [f"{before}{column}:{_quoted(one)}" for one in found]


def _quoted(value: str) -> str:
    return f'"{value}"' if any(one.isspace() for one in value) else value
