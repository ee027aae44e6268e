"""Passes over migrations: begun, told of, paused, resumed and canceled by people, in this process or another."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from haulage.ledger import audit, migration_table
from haulage.ledger import passes as rows
from haulage.ledger import schedules as schedule_rows
from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump
from haulage.ledger.migration_rows import MigrationRow, TransferRow
from haulage.ledger.passes import PassRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.errors import Missing, Refused
from haulage.model.outcome import QUEUED, PassKind, Status, status_words
from haulage.model.schedule import Hours
from haulage.operations import bulk, schedules
from haulage.operations.home import pass_held

SHOWN_PASSES = 20
FACTS_PAGE = 100

PAUSES = (Status.PAUSED, Status.PAUSED_REAUTHORISE, Status.PAUSED_NO_SPACE)
Whose = Literal["here", "elsewhere", "nobody"]


class Shown(msgspec.Struct, frozen=True):
    """A pass and how its transfers stand in it. whose: which process makes it just now.

    opens_us: when its hours begin, where it waits for them.
    """

    row: PassRow
    whose: Whose
    total: int
    waiting: int
    running: int
    paused: int
    succeeded: int
    issues: int
    failed: int
    canceled: int
    hours: Hours | None = None
    opens_us: int | None = None

    @property
    def goes_on(self) -> bool:
        """Whether a process makes it."""
        return self.row.ended_us is None and self.whose != "nobody"

    @property
    def interrupted(self) -> bool:
        """Whether its process ended in the middle of it."""
        return self.row.status == Status.RUNNING and self.whose == "nobody"

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.succeeded + self.issues + self.failed + self.canceled


class Begun(msgspec.Struct, frozen=True):
    """A pass that was begun. busy: transfers that were left out, since they wait or run already."""

    id: int
    busy: int


def begin(
    ledger: Ledger,
    migration: MigrationRow,
    chosen: Sequence[TransferRow | int],
    kind: PassKind,
    actor: Actor,
    *,
    server: bool,
    at_once: int = bulk.AT_ONCE,
    bandwidth: int | None = None,
    hours: Hours | None = None,
    schedule_id: int | None = None,
) -> Begun:
    """Queue these transfers, or those of these numbers; whoever calls makes the pass then.

    Those that wait or run in a pass that goes on are left out; of a pass that is paused, or whose process is gone,
    they are taken. Who was taken out of the migration meanwhile, or deleted with it, is left out too. Raises Refused
    where all of them are.
    """
    goes_on = {one.id: pass_held(one.id) for one in ledger.read(rows.open_ones, migration.id)}

    schedules.check_hours(hours)

    def keep(connection: Connection) -> Begun:
        places = rows.places(connection, migration.id)
        busy = {row_id for row_id, place in places.items() if goes_on.get(place.pass_id, True)}
        there = set(migration_table.ids(connection, migration.id, (), {}))
        ids = [row_id for one in chosen if (row_id := one if isinstance(one, int) else one.id) in there]
        wanted = [one for one in ids if one not in busy]
        if not ids:
            raise Refused("none of these users is in the migration any more", "Look at it again.")
        if not wanted:
            raise Refused("users of this migration run already", "Wait until they have ended, or pause them.")
        for pass_id in {places[one].pass_id for one in wanted if one in places}:
            rows.withdraw(connection, pass_id, [one for one in wanted if one in places])
        facts: dict[str, Any] = {
            "at_once": at_once,
            "bandwidth": bandwidth,
            "server": int(server),
            "schedule_id": schedule_id,
        }
        facts |= {"hours": None if hours is None else dump(hours)}
        made = rows.add(connection, migration.id, kind, actor, wanted, **facts)
        audit.append(
            connection, actor, f"migration {kind.value}", f"migration {migration.id}", number=made, transfers=wanted
        )
        return Begun(made, len(ids) - len(wanted))

    return ledger.do(keep)


def of(ledger: Ledger, migration: MigrationRow, pass_id: int) -> PassRow:
    """A pass of that migration. Raises Missing."""
    try:
        row = ledger.read(rows.get, pass_id)
    except Refused as error:
        raise Missing(f"there is no pass {pass_id}") from error
    if row.migration_id != migration.id:
        raise Missing(f"there is no pass {pass_id}")
    return row


def newest(ledger: Ledger, migration: MigrationRow) -> PassRow:
    """The pass of that migration that was begun last. Raises Refused."""
    found = ledger.read(rows.of, migration.id, 1)
    if not found:
        raise Refused("nothing of this migration was scanned or started", "Start it first.")
    return found[0]


def whose(row: PassRow, here: Sequence[int] = ()) -> Whose:
    """Which process makes it. here: numbers of those that this one makes."""
    if row.id in here:
        return "here"
    return "elsewhere" if row.ended_us is None and pass_held(row.id) else "nobody"


def show(ledger: Ledger, row: PassRow, here: Sequence[int] = ()) -> Shown:
    """A pass as it is now."""
    told = ledger.read(rows.tally, row.id)
    sums = {"waiting": 0, "running": 0, "paused": 0, "succeeded": 0, "issues": 0, "failed": 0, "canceled": 0}
    for status, count in told.items():
        sums[_sort(status)] += count
    hours, now = schedule_rows.hours_of(row.hours), now_us()
    waits = hours is not None and row.ended_us is None and not hours.is_open(now)
    opens = hours.changes_us(now) if hours is not None and waits else None
    return Shown(row, whose(row, here), sum(told.values()), **sums, hours=hours, opens_us=opens)


def _sort(status: int) -> str:
    if status == Status.CANCELED:
        return "canceled"
    if status in QUEUED:
        return "waiting"
    if status in (Status.RUNNING, Status.PRECHECKS):
        return "running"
    if status in PAUSES:
        return "paused"
    return "succeeded" if status < Status.SOME_UPLOAD_ERRORS else "issues" if status < Status.RUNNING else "failed"


def shown(ledger: Ledger, migration: int, here: Sequence[int] = ()) -> list[Shown]:
    """The passes of a migration that have not ended, and before them the one that ended last."""
    newest = ledger.read(rows.of, migration, SHOWN_PASSES)
    unended = ledger.read(rows.open_ones, migration)
    ended = max((one for one in newest if one.ended_us is not None), key=lambda one: one.ended_us or 0, default=None)
    return [show(ledger, one, here) for one in ([] if ended is None else [ended]) + unended]


def told(one: Shown) -> dict[str, Any]:
    """As a document."""
    row = one.row
    counts = ("total", "waiting", "running", "paused", "succeeded", "issues", "failed", "canceled")
    return {
        **{"id": row.id, "migration": row.migration_id, "kind": row.kind.value, "status": row.status},
        **{"status_text": status_words(row.status, row.kind), "message": row.message, "whose": one.whose},
        **{"owner": row.owner, "goes_on": one.goes_on, "interrupted": one.interrupted},
        **{"who": row.who, "origin": row.origin, "created_us": row.created_us, "ended_us": row.ended_us},
        "hours": None if one.hours is None else one.hours.words(),
        "opens_us": one.opens_us,
        "users": {name: getattr(one, name) for name in counts},
    }


class Difference(msgspec.Struct, frozen=True):
    """What a copy of a transfer would have copied, before or after a cutover: items, bytes, and the first paths.

    whole: whether both sides could be listed whole; else it may be more.
    """

    row_id: int
    when: Literal["before", "after"]
    items: int
    bytes: int
    whole: bool
    paths: list[str]


def differences(ledger: Ledger, row: PassRow) -> Iterator[Difference]:
    """What differed before and after a cutover, transfer by transfer; a page of them at a time."""
    last = -1
    while some := ledger.read(rows.facts_page, row.id, last, FACTS_PAGE):
        for row_id, facts in some:
            for when in ("before", "after"):
                if when in facts:
                    yield msgspec.convert({"row_id": row_id, "when": when, **facts[when]}, Difference)
        last = some[-1][0]


def stop(ledger: Ledger, row: PassRow, status: Status, actor: Actor) -> None:
    """Pause or cancel a pass: whoever makes it is asked to; where nobody does, it is done at once. Raises Refused."""
    if row.ended_us is not None or (status == Status.PAUSED and row.status in PAUSES):
        raise Refused("nothing of this migration runs", "Only what waits or runs can be paused or canceled.")
    event = "migration cancel" if status == Status.CANCELED else "migration pause"
    held = pass_held(row.id)

    def keep(connection: Connection) -> None:
        audit.append(connection, actor, event, f"migration {row.migration_id}", number=row.id)
        if held:
            rows.ask(connection, row.id, status, actor.who)
        else:
            done = "canceled" if status == Status.CANCELED else "paused"
            rows.stop(connection, row.id, status, f"{done} by {actor.who}")

    ledger.do(keep)


def stop_rows(ledger: Ledger, migration: MigrationRow, row_ids: Sequence[int], status: Status, actor: Actor) -> int:
    """Pause or cancel transfers: those that wait at once, those that run soon. Returns how many. Raises Refused."""
    event = "transfers cancel" if status == Status.CANCELED else "transfers pause"

    def keep(connection: Connection) -> int:
        places = rows.places(connection, migration.id)
        changed = 0
        for pass_id in {places[one].pass_id for one in row_ids if one in places}:
            held = pass_held(pass_id)
            changed += rows.ask_rows(connection, pass_id, row_ids, status, held=held)
            if not held:
                rows.finish(connection, pass_id)
        if not changed:
            raise Refused("none of them waits or runs", "Only what waits or runs can be paused or canceled.")
        audit.append(connection, actor, event, f"migration {migration.id}", transfers=list(row_ids))
        return changed

    return ledger.do(keep)


def resume(ledger: Ledger, row: PassRow, actor: Actor, *, server: bool, paused: bool = True) -> None:
    """Queue again what is paused in a pass; whoever calls makes it then. Raises Refused.

    paused: also those of its transfers that were paused by a person, or by themselves for a person to look at.
    """
    if row.ended_us is not None:
        raise Refused(f"pass {row.id} has ended", "Start the users again.")
    if pass_held(row.id):
        raise Refused(f"pass {row.id} goes on", "Pause it first.")

    def keep(connection: Connection) -> None:
        rows.resume(connection, row.id, None if paused else ())
        rows.hand_over(connection, row.id, server=server)
        audit.append(connection, actor, "migration resume", f"migration {row.migration_id}", number=row.id)

    ledger.do(keep)
