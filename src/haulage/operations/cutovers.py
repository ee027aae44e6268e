"""The newest cutover of a migration: what differed before it, and what still differs after."""

import msgspec

from haulage.ledger import migration_rows
from haulage.ledger import passes as rows
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.passes import DifferingSums, PassRow
from haulage.ledger.store import Connection, Ledger
from haulage.model.outcome import PassKind
from haulage.operations.passes import Difference

PAGE_USERS = 50
SHOWN_PATHS = 20
"""So many paths of each user are shown; all of them are counted."""


class User(msgspec.Struct, frozen=True):
    """A transfer that differed. before, after: None where it was not looked at then."""

    id: int
    source: str
    destination: str
    before: Difference | None
    after: Difference | None


class Cutover(msgspec.Struct, frozen=True):
    """A cutover. users: a page of those that differed, or were not seen whole.

    further: the number that the next page begins behind; None where there are no more.
    """

    row: PassRow
    before: DifferingSums
    after: DifferingSums
    users: list[User]
    further: int | None


def newest(ledger: Ledger, migration: MigrationRow, after: int = -1) -> Cutover | None:
    """The cutover that was begun last; None where there was none. after: the number that the page begins behind."""

    def found(connection: Connection) -> Cutover | None:
        row = rows.newest_of(connection, migration.id, PassKind.CUTOVER)
        if row is None:
            return None
        some = rows.differing_page(connection, row.id, after, PAGE_USERS + 1)
        facts = dict(some[:PAGE_USERS])
        table = migration_rows.rows(connection, migration.id, list(facts))
        users = [
            User(one.id, one.source, one.destination, *(_difference(one.id, when, facts[one.id]) for when in _WHEN))
            for one in table
        ]
        before, after_it = (rows.differing_sums(connection, row.id, when) for when in _WHEN)
        return Cutover(row, before, after_it, users, max(facts) if len(some) > PAGE_USERS else None)

    return ledger.read(found)


_WHEN = ("before", "after")


def _difference(row_id: int, when: str, facts: dict[str, dict[str, object]]) -> Difference | None:
    return msgspec.convert({"row_id": row_id, "when": when, **facts[when]}, Difference) if when in facts else None
