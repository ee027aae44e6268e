"""Migrations: many transfers between two connectors, added, found, changed and deleted together."""

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from haulage.ledger import audit, migration_table, passes, work
from haulage.ledger import connectors as connector_rows
from haulage.ledger import migration_rows as rows
from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump, load
from haulage.ledger.migration_rows import MigrationRow, Standing, TransferRow
from haulage.ledger.store import Connection, Ledger
from haulage.model import mapping, matching, row_filter
from haulage.model.errors import Refused
from haulage.model.filters import Filters
from haulage.model.mapping import MappingRefused, Wish
from haulage.model.matching import Candidate, Matched
from haulage.model.outcome import RunKind, Status, status_words
from haulage.model.standing import NEVER_RUN, SCANNING, mood_of, words_of
from haulage.operations import browsing, standing
from haulage.operations.home import transfer_held
from haulage.operations.migration_table import stands_in
from haulage.services.registry import service

LONGEST_NAME = 200
DELETE_WORD = "DELETE"
OTHER_ENDS = {"scan_id": None, "refused_status": None, "refused": None}
"""What is no more true of a transfer that gets other ends."""
RUNS_AT_ONCE = 500
OUTCOMES_AT_ONCE = 20_000
"""Of the logs that are deleted with a migration, in a transaction: others write meanwhile."""


def create(
    ledger: Ledger, name: str, source: str, destination: str, actor: Actor, filters: Filters | None = None
) -> MigrationRow:
    """A migration without transfers between two connectors. Raises Refused."""
    name = checked_name(name)

    def keep(connection: Connection) -> MigrationRow:
        first, second = (connector_rows.get(connection, one) for one in (source, destination))
        if second.usage != "write":
            raise Refused(
                f"the connector {second.name} may only read", "Authorise one with --access write for a destination."
            )
        made = rows.add(connection, name, first.id, second.id, dump(filters or Filters()), actor.who)
        audit.append(connection, actor, "migration add", f"migration {made}", name=name)
        return rows.get(connection, name)

    return ledger.do(keep)


def checked_name(name: str) -> str:
    """A migration's name, without the spaces around it. Raises Refused."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refused("that cannot be a migration's name", f"Use 1 to {LONGEST_NAME} letters, digits and signs.")
    return name


def of_name(ledger: Ledger, name: str) -> MigrationRow:
    """The migration of that name, without its transfers. Raises Refused if there is none."""
    return ledger.read(rows.get, name)


def named(ledger: Ledger) -> list[MigrationRow]:
    """All migrations, by name."""
    return ledger.read(rows.every)


def sources(ledger: Ledger, migration: MigrationRow) -> set[str]:
    """The source paths of all of its transfers."""
    return {source for source, _ in ledger.read(rows.ends, migration.id)}


def rename(ledger: Ledger, name: str, wanted: str, actor: Actor) -> None:
    """Call a migration otherwise. Raises Refused."""
    wanted = checked_name(wanted)

    def change(connection: Connection) -> None:
        found = rows.get(connection, name)
        rows.rename(connection, found.id, wanted)
        audit.append(connection, actor, "migration rename", f"migration {found.id}", before=found.name, name=wanted)

    ledger.do(change)


def delete(ledger: Ledger, name: str, confirmed: str, actor: Actor) -> None:
    """Delete a migration, its table and the logs of its runs; no file at either side, and nothing of the audit trail.

    The logs of transfers that another migration has too stay. The runs keep their numbers and how they ended. One that
    is interrupted can be done again. confirmed: the word DELETE, as it was typed. Raises Refused.
    """
    if confirmed != DELETE_WORD:
        raise Refused("a migration is deleted for good", f"Confirm it with the word {DELETE_WORD}.")
    found = ledger.read(rows.get, name)
    ledger.read(_refuse_any_running, found.id, "deleted")
    run_ids = ledger.read(rows.own_runs, found.id)
    for start in range(0, len(run_ids), RUNS_AT_ONCE):
        some = run_ids[start : start + RUNS_AT_ONCE]
        while ledger.do(work.drop_log, some, OUTCOMES_AT_ONCE, f"its log was deleted with the migration {found.name}"):
            pass
    reports = ledger.path.parent / "reports"
    for folder in (f"migration-{found.id}", *(f"run-{one}" for one in run_ids)):
        shutil.rmtree(reports / folder, ignore_errors=True)

    def end(connection: Connection) -> None:
        _refuse_any_running(connection, found.id, "deleted")
        rows.end(connection, found.id)
        facts = {"name": found.name, "logs": len(run_ids)}
        audit.append(connection, actor, "migration delete", f"migration {found.id}", **facts)

    ledger.do(end)


def refuse_running(found: Sequence[TransferRow], what: str) -> None:
    """Raises Refused while one of them runs."""
    running = (one.id for one in found if goes_on(one))
    queued = (one.id for one in found if one.place is not None and one.place.pass_status == Status.RUNNING)
    _refuse(next(running, None), next(queued, None), what)


def _refuse_any_running(
    connection: Connection, migration_id: int, what: str, among: Collection[int] | None = None
) -> None:
    """Raises Refused while one of a migration's transfers runs, however many it has; among: one of these."""
    unended = migration_table.unended(connection, migration_id)
    running = [row_id for row_id, _, transfer in unended if transfer_held(transfer)]
    places = passes.places(connection, migration_id)
    queued = [row_id for row_id, place in places.items() if place.pass_status == Status.RUNNING]
    if among is not None:
        running, queued = ([one for one in each if one in among] for each in (running, queued))
    _refuse(min(running, default=None), min(queued, default=None), what)


def _refuse(running: int | None, queued: int | None, what: str) -> None:
    if running is not None:
        raise Refused(f"transfer {running} is running, so nothing can be {what}", "Stop it, or wait for its end.")
    if queued is not None:
        raise Refused(f"transfer {queued} is queued, so nothing can be {what}", "Pause or cancel it first.")


def _nobody_at(connector: str) -> Refused:
    return Refused(f"{connector} has one root and no users to discover", "Name its folders in a CSV file instead.")


async def refuse_discovery(ledger: Ledger, migration: MigrationRow) -> None:
    """Raises Refused where there is nobody to discover, as far as that is known without asking the services."""
    for connector in (migration.source, migration.destination):
        row = ledger.read(connector_rows.get, connector)
        if not service(row.service).has_account or not await browsing.has_roots(ledger, connector):
            raise _nobody_at(connector)


async def discovered(ledger: Ledger, migration: MigrationRow) -> Matched:
    """Who and what there is on both sides, matched. Nothing is added. Raises what browsing does, and Refused."""
    sides = []
    for connector in (migration.source, migration.destination):
        found = await browsing.roots(ledger, connector)
        row = ledger.read(connector_rows.get, connector)
        if found is None or not service(row.service).has_account:
            raise _nobody_at(connector)
        sides.append([Candidate(one.path, one.kind, one.person, one.aliases) for one in found])
    return matching.match(*sides)


def add(ledger: Ledger, name: str, wishes: Sequence[Wish], actor: Actor) -> int:
    """Add transfers, all of them or none. Returns how many. Raises MappingRefused: which lines are there already."""

    def keep(connection: Connection) -> int:
        found = rows.get(connection, name)
        there = rows.ends(connection, found.id)
        problems = [
            (one.line, f"transfer {there[one.source, one.destination]} says the same already")
            for one in wishes
            if (one.source, one.destination) in there
        ]
        if problems:
            raise MappingRefused(problems)
        rows.append(connection, found.id, [(one.source, one.destination, ", ".join(one.tags)) for one in wishes])
        audit.append(connection, actor, "transfers add", f"migration {found.id}", count=len(wishes))
        return len(wishes)

    return ledger.do(keep)


def update(ledger: Ledger, name: str, wishes: Sequence[Wish], actor: Actor) -> int:
    """Change paths of transfers that never copied anything, all or none. Returns how many. Raises MappingRefused."""

    def change(connection: Connection) -> int:
        found = rows.get(connection, name)
        meant = {one.id for one in wishes if one.id is not None}
        known = {one.id: one for one in rows.rows(connection, found.id, list(meant))}
        problems = [(one.line, why) for one in wishes if (why := _why_not(one, known)) is not None]
        after = Counter((one.source, one.destination) for one in wishes)
        others = {ends for ends, row_id in rows.ends(connection, found.id, list(after)).items() if row_id not in meant}
        for one in wishes:
            if (ends := (one.source, one.destination)) in others or after[ends] > 1:
                problems.append((one.line, "two transfers would say the same"))
        if problems:
            raise MappingRefused(sorted(problems))
        for one in wishes:
            if one.id is not None:
                rows.change(connection, one.id, source=f"\x00{one.id}")  # out of the way of those that change places
        for one in wishes:
            if one.id is not None:
                before = known[one.id].source, known[one.id].destination
                forgotten = {} if before == (one.source, one.destination) else OTHER_ENDS
                rows.change(connection, one.id, source=one.source, destination=one.destination, **forgotten)
        audit.append(connection, actor, "transfers update", f"migration {found.id}", count=len(wishes))
        return len(wishes)

    return ledger.do(change)


def checked_ends(source: str, destination: str) -> tuple[str, str]:
    """Both paths of a transfer as they were typed, as the table has them. Raises Refused."""
    for column, text in (("the source path", source), ("the destination path", destination)):
        why = mapping.unfit(column, text) or (mapping.CLIMBS if mapping.climbs(text) else None)
        if why is not None:
            raise Refused(why, "Correct the path.")
    return mapping.path_of(source), mapping.path_of(destination)


def correct(ledger: Ledger, name: str, wishes: Sequence[Wish], actor: Actor) -> list[int]:
    """Give transfers that never copied the ends that are wished for, all or none. Raises Refused.

    Returns those that have other ends now, by number.
    """
    migration = of_name(ledger, name)
    there = ledger.read(rows.rows, migration.id, [one.id for one in wishes if one.id is not None])
    before = {one.id: (one.source, one.destination) for one in there}
    fresh = [one for one in wishes if (one.source, one.destination) != before.get(one.id or 0)]
    if not fresh:
        raise Refused("no path was changed", "Correct one at least.")
    update(ledger, name, fresh, actor)
    return sorted({one.id for one in fresh if one.id is not None})


def _why_not(wish: Wish, known: Mapping[int, TransferRow]) -> str | None:
    row = known.get(wish.id or 0)
    if row is None:
        return f"there is no transfer {wish.id} in this migration"
    if row.place is not None and row.place.pass_status == Status.RUNNING:
        return f"transfer {wish.id} is queued; pause or cancel it first"
    if row.transfer_id is not None and (row.source, row.destination) != (wish.source, wish.destination):
        return f"transfer {wish.id} has copied already; add a new one"
    return None


def remove(ledger: Ledger, name: str, row_ids: Sequence[int], actor: Actor) -> int:
    """Take transfers out that never copied anything. Returns how many. Raises Refused."""

    def leave(connection: Connection) -> int:
        found = rows.get(connection, name)
        chosen = _some(connection, found.id, row_ids)
        copied = next((one.id for one in chosen if one.transfer_id is not None), None)
        if copied is not None:
            raise Refused(f"transfer {copied} has copied already", "Its history stays; delete the migration.")
        _refuse_any_running(connection, found.id, "removed", set(row_ids))
        rows.remove(connection, row_ids)
        audit.append(connection, actor, "transfers remove", f"migration {found.id}", count=len(row_ids))
        return len(row_ids)

    return ledger.do(leave)


def _some(connection: Connection, migration_id: int, row_ids: Sequence[int]) -> list[rows.Marked]:
    found = rows.marked(connection, migration_id, row_ids)
    if missing := sorted(set(row_ids) - {one.id for one in found}):
        raise Refused(f"there is no transfer {missing[0]} in this migration", "See its list.")
    return found


def mark(
    ledger: Ledger,
    name: str,
    row_ids: Sequence[int],
    actor: Actor,
    *,
    tags: tuple[str, ...] | None = None,
    notes: str | None = None,
) -> int:
    """Set tags or notes of transfers. Returns how many. Raises Refused."""
    _refuse_unfit(("the note", notes or ""), *(("a tag", one) for one in tags or ()))
    values = {} if tags is None else {"tags": ", ".join(tags)}
    values |= {} if notes is None else {"notes": notes}

    def change(connection: Connection) -> int:
        found = rows.get(connection, name)
        _some(connection, found.id, row_ids)
        rows.change_all(connection, row_ids, **values)
        audit.append(connection, actor, "transfers mark", f"migration {found.id}", count=len(row_ids))
        return len(row_ids)

    return ledger.do(change) if values else 0


def tag(ledger: Ledger, name: str, row_ids: Sequence[int], tags: tuple[str, ...], way: str, actor: Actor) -> int:
    """Add tags to transfers, take them away, or replace all that they have; way: add, remove or replace.

    Returns how many transfers. Raises Refused.
    """
    _refuse_unfit(*(("a tag", one) for one in tags))

    def change(connection: Connection) -> int:
        found = rows.get(connection, name)
        groups: dict[tuple[str, ...], list[int]] = {}
        for one in _some(connection, found.id, row_ids):
            groups.setdefault(_tagged(one.tags, tags, way), []).append(one.id)
        for wanted, ids in groups.items():
            rows.change_all(connection, ids, tags=", ".join(wanted))
        audit.append(connection, actor, "transfers mark", f"migration {found.id}", count=len(row_ids))
        return len(row_ids)

    return ledger.do(change)


def _refuse_unfit(*texts: tuple[str, str]) -> None:
    """Raises Refused for what could be read from no file again."""
    why = next((found for what, text in texts if (found := mapping.unfit(what, text)) is not None), None)
    if why is not None:
        raise Refused(why, "Write it in one line, and shorter.")


def _tagged(had: tuple[str, ...], tags: tuple[str, ...], way: str) -> tuple[str, ...]:
    if way == "remove":
        return tuple(one for one in had if one not in tags)
    return tuple(dict.fromkeys((*had, *tags) if way == "add" else tags))


def table(ledger: Ledger, name: str, text: str = "") -> tuple[MigrationRow, list[TransferRow]]:
    """A migration, and those of its transfers that a filter shows; all of them for an empty one. Raises Refused.

    All of them are read at once: see operations.migration_table for a page of the table, and for portions.
    """
    test = row_filter.parse(text)
    migration = ledger.read(rows.get, name)
    found = standing.as_they_are(ledger, ledger.read(rows.rows, migration.id))
    return migration, [one for one in found if test(cells(one))]


def status_of(row: TransferRow) -> tuple[int | None, str]:
    """The status of a transfer and its words: in the pass that it is in, if it is in one, else as it ended last."""
    if row.place is None:
        return last_status(row)
    status = stands_in(row.place)
    return (int(Status.RUNNING) if status == SCANNING else status), words_of(status)


def last_status(row: TransferRow, kind: RunKind = RunKind.COPY) -> tuple[int | None, str]:
    """The status of what was refused since, else of its newest run of that kind, and its words."""
    if row.refused_status is not None:
        return row.refused_status, f"{status_words(row.refused_status, kind)}: {row.refused}"
    run = row.scan if kind == RunKind.SCAN else row.run
    return (None, NEVER_RUN) if run is None else (run.status, words_of(run.status, kind))


def scanned_words(row: TransferRow) -> str:
    """How the newest scan of a transfer stands."""
    if row.scan is None:
        return "never"
    return "now" if row.scan.ended_us is None else words_of(row.scan.status, RunKind.SCAN)


def cells(row: TransferRow) -> dict[str, str]:
    """What a filter looks at: see model.row_filter.COLUMNS."""
    shown = {"id": str(row.id), "status": status_of(row)[1], "source": row.source, "destination": row.destination}
    return {**shown, "tags": ", ".join(row.tags), "notes": row.notes}


def mood(row: TransferRow) -> str:
    """How a transfer stands in a word: new, running, complete, issues or failed."""
    return mood_of(status_of(row)[0])


def goes_on(row: TransferRow) -> bool:
    """Whether a run of it has not ended."""
    return any(run is not None and run.ended_us is None for run in (row.run, row.scan))


def location(connector: str, path: str) -> str:
    """Where a path inside a connector is, with or without a slash before it."""
    return f"{connector}:/{path.lstrip('/')}"


def filters_of(migration: MigrationRow) -> Filters:
    """Which items its transfers take."""
    return msgspec.convert(load(migration.filters), Filters)


def told(row: TransferRow) -> dict[str, Any]:
    """As a document."""
    status, words = status_of(row)
    return {
        **{"id": row.id, "source": row.source, "destination": row.destination, "tags": list(row.tags)},
        **{"notes": row.notes, "status": status, "status_text": words, "mood": mood(row)},
        "pass": None if row.place is None else row.place.pass_id,
        "run": _run(row.run),
        "scan": _run(row.scan),
    }


def _run(run: Standing | None) -> dict[str, Any] | None:
    return None if run is None else msgspec.structs.asdict(run)
