"""A migration made as a file has it: all of it or nothing, twice the same, and never against what has copied."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from haulage.ledger import migration_rows, passes, people, runs
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import Cells, TransferRow
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger
from haulage.model import migration_file
from haulage.model.errors import Refused
from haulage.model.filters import Filters
from haulage.model.mapping import MappingRefused
from haulage.model.outcome import PassKind, RunKind, Status
from haulage.model.person import Person, Role
from haulage.operations import applying, connectors, migration_schedules, migrations, schedules
from haulage.operations.applying import Plan
from haulage.operations.home import transfer_lock
from haulage.operations.migration_schedules import Schedules
from haulage.services.registry import service

TEST = Actor("test", "test")
HEAD = "migration: Wave 1\nsource: here\ndestination: there\n"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """With two connectors."""
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path))
    opened = Ledger.open(tmp_path / "ledger.db")
    for name in ("here", "there"):
        connectors.add(opened, name, service("local"), {}, TEST)
    yield opened
    opened.close()


def file(*rows: str, more: str = "") -> migration_file.Wanted:
    """Of rows such as `a b [hr] note`."""
    lines = []
    for row in rows:
        source, destination, *rest = row.split(" ")
        told = [f"source: {source}", f"destination: {destination}"]
        told += [f"tags: {one}" if one[0] == "[" else f"notes: {one}" for one in rest]
        lines.append(f"- {{{', '.join(told)}}}\n")
    return migration_file.read(f"{HEAD}{more}transfers: {'' if rows else '[]'}\n{''.join(lines)}".encode())


def applied(ledger: Ledger, wanted: migration_file.Wanted, *, remove: bool = False) -> Plan:
    """Show it, do it, and see that nothing is left to be done."""
    plan = applying.plan(ledger, wanted, remove=remove)
    applying.apply(ledger, wanted, plan, TEST, remove=remove)
    assert applying.plan(ledger, wanted, remove=remove).nothing
    return plan


def table(ledger: Ledger) -> list[TransferRow]:
    """The rows."""
    return migrations.table(ledger, "Wave 1")[1]


def ends(ledger: Ledger) -> list[tuple[int, str, str]]:
    """Of all rows."""
    return [(one.id, one.source, one.destination) for one in table(ledger)]


def copied(ledger: Ledger, row_id: int) -> int:
    """As if that row had copied. Returns the transfer."""
    key = TransferKey(f"from {row_id}", "to", "{}", "x", "y")

    def ran(connection: migration_rows.sa.Connection) -> int:
        transfer = runs.transfer_id(connection, key)
        migration_rows.change(connection, row_id, transfer_id=transfer)
        return runs.start(connection, transfer, RunKind.COPY, "test").id

    return ledger.do(ran)


def scanned(ledger: Ledger, row_id: int) -> int:
    """As if a scan of that row had begun. Returns its transfer."""

    def begun(connection: migration_rows.sa.Connection) -> int:
        transfer = runs.transfer_id(connection, TransferKey(f"from {row_id}", "", "{}", "x", ""))
        migration_rows.change(connection, row_id, scan_id=transfer)
        runs.start(connection, transfer, RunKind.SCAN, "test")
        return transfer

    return ledger.do(begun)


def test_made_changed_left_and_removed(ledger: Ledger) -> None:
    """What the file does not speak of stays, rows too, until their removal is asked for."""
    first = applied(ledger, file("a x [hr] note", "b y", more="filters: {exclude: ['*.tmp']}\n"))
    assert (first.migration, len(first.add), first.change) == (None, 2, ())
    assert table(ledger)[0].tags == ("hr",) and table(ledger)[0].notes == "note"
    assert migrations.filters_of(migrations.table(ledger, "Wave 1")[0]) == Filters(exclude=("*.tmp",))
    second = applied(ledger, file("a x", "c z [it]", "a w"))
    assert (second.add, second.change) == ((Cells("c", "z", ("it",)), Cells("a", "w")), ())
    assert (second.unchanged, second.left) == (1, {2: Cells("b", "y")})
    third = applied(ledger, file("a x [] new", "c other", "a w"), remove=True)
    assert third.remove == {2: Cells("b", "y")} and [one.moves for one in third.change] == [False, True]
    assert ends(ledger) == [(1, "a", "x"), (3, "c", "other"), (4, "a", "w")]
    assert (table(ledger)[0].tags, table(ledger)[0].notes, table(ledger)[1].tags) == ((), "new", ("it",))


def test_rows_may_change_places(ledger: Ledger) -> None:
    """And what a refused start or a scan said of the old place is forgotten."""
    applied(ledger, file("a x", "b y"))
    ledger.do(migration_rows.change, 1, refused_status=411, refused="a is not there")
    assert migrations.status_of(table(ledger)[0])[0] == 411
    applied(ledger, file("a y", "b x"))
    assert ends(ledger) == [(1, "a", "y"), (2, "b", "x")]
    assert migrations.status_of(table(ledger)[0])[0] is None


def test_what_has_copied_stays(ledger: Ledger) -> None:
    """Its paths, its row and the migration's filters; tags and notes may change."""
    applied(ledger, file("a x", "b y"))
    copied(ledger, 1)
    for wanted, why in (
        (file("b y", "a other"), "line 6: transfer 1 has copied 'a' to 'x' already"),
        (file("a x", more="filters: {min_size: 1k}\n"), "line 4: transfer 1 has copied already, so the filters stay"),
    ):
        with pytest.raises(MappingRefused, match=why):
            applying.plan(ledger, wanted)
    with pytest.raises(Refused, match="leaves out transfers that have copied already: 1"):
        applying.plan(ledger, file("b y"), remove=True)
    assert len(applied(ledger, file("a x [hr]", "a other")).add) == 1


def test_a_killed_scan_does_not_run(ledger: Ledger) -> None:
    """A row whose scan runs cannot be taken out; one whose scan's process is gone can."""
    applied(ledger, file("a x", "b y"))
    scan = scanned(ledger, 2)
    with transfer_lock(scan), pytest.raises(Refused, match="transfer 2 is running, so nothing can be removed"):
        applying.plan(ledger, file("a x"), remove=True)
    assert applied(ledger, file("a x"), remove=True).remove == {2: Cells("b", "y")}


def test_all_or_nothing(ledger: Ledger) -> None:
    """Not if something was changed since the plan was shown; not a part if something is refused."""
    applied(ledger, file("a x"))
    wanted = file("a x", "b y")
    shown = applying.plan(ledger, wanted)
    migrations.mark(ledger, "Wave 1", [1], TEST, notes="meanwhile")
    applying.apply(ledger, wanted, shown, TEST)  # of what the file does not speak of
    shown = applying.plan(ledger, file("c z"))
    migrations.remove(ledger, "Wave 1", [2], TEST)
    with pytest.raises(Refused, match="changed while the plan was shown"):
        applying.apply(ledger, file("c z"), shown, TEST)
    assert ends(ledger) == [(1, "a", "x")]


def test_connectors_are_named_and_stay(ledger: Ledger) -> None:
    """Those that are not there, may only read, or are others than the migration's: each with its line."""
    connectors.add(ledger, "only", service("local"), {}, TEST, connectors.Standing(usage="read"))
    for text, why in (
        (HEAD.replace("here", "nowhere"), "line 2: there is no connector 'nowhere'"),
        (HEAD.replace("there", "only"), "line 3: the connector only may only read"),
        (HEAD.replace("Wave 1", f'"{"x" * 201}"'), "line 1: that cannot be a migration's name"),
    ):
        with pytest.raises(MappingRefused, match=why):
            applying.plan(ledger, migration_file.read(f"{text}transfers: []".encode()))
    applied(ledger, file("a x"))
    other = migration_file.read(f"{HEAD.replace('here', 'only')}transfers: []".encode())
    with pytest.raises(MappingRefused, match="line 2: the migration's source is here, and stays"):
        applying.plan(ledger, other)


def test_an_exported_file_changes_nothing_and_makes_the_same_elsewhere(ledger: Ledger, tmp_path: Path) -> None:
    """Byte for byte, with names that are hard on files."""
    rows = ["'no' '1' [hr] '~'", "'a:_b' '#x'", "'\u202eé' '' [x, 'true']".replace(", ", ",")]
    applied(ledger, file(*rows, more="filters: {include: ['*.docx'], newer_than: 30d}\n"))
    text = "".join(applying.exported(ledger, "wave 1"))
    wanted = migration_file.read(text.encode())
    assert applying.plan(ledger, wanted, remove=True).nothing
    migrations.rename(ledger, "Wave 1", "Wave 0", TEST)
    applied(ledger, wanted)
    assert "".join(applying.exported(ledger, "Wave 1")) == text
    assert [one.row() for one in map(applying._cells, table(ledger))] == [
        one.row() for one in map(applying._cells, migrations.table(ledger, "Wave 0")[1])
    ]


DAILY = "schedules: [{every: daily, at: '20:00'}, {kind: scan, every: weekly, day: Friday, only: [a]}]\n"


@pytest.fixture
def ada(ledger: Ledger) -> Person:
    """Whose the connectors are."""
    return ledger.do(people.add, "test", Role.OPERATOR)


def timed(ledger: Ledger, ada: Person, wanted: migration_file.Wanted, *, remove: bool = False) -> Schedules:
    """Apply it, see that nothing is left to be done and that its export changes nothing; what it did to schedules."""
    plan = applying.plan(ledger, wanted, remove=remove)
    applying.apply(ledger, wanted, plan, TEST, remove=remove, person=ada)
    assert applying.plan(ledger, wanted, remove=remove).nothing
    again = migration_file.read("".join(applying.exported(ledger, "Wave 1")).encode())
    assert applying.plan(ledger, again, remove=True).nothing
    return plan.schedules


def when(ledger: Ledger) -> list[tuple[int, str, tuple[int, ...] | None]]:
    """The migration's schedules."""
    found = schedules.of_migration(ledger, migrations.table(ledger, "Wave 1")[0].id)
    return sorted((one.id, one.timing.words(), one.row_ids) for one in found)


def test_schedules(ledger: Ledger, ada: Person) -> None:
    """Added, changed, left and removed as transfers are; those of a migration that the file makes too."""
    assert len(timed(ledger, ada, file("a x", "b y", "a w", more=DAILY)).add) == 2
    friday = (2, "weekly, Friday at 00:00 (UTC)", (1, 3))
    assert when(ledger) == [(1, "daily at 20:00 (UTC)", None), friday]
    assert timed(ledger, ada, file("a x", "b y", "a w")).nothing
    later = timed(ledger, ada, file("a x", "b y", "a w", more="schedules: [{every: hourly, hours: 20:00-06:00}]\n"))
    assert ([one.id for one in later.change], list(later.left), later.add) == ([1], [2], ())
    assert when(ledger) == [(1, "hourly, at 00 past", None), friday]
    some = "schedules: [{kind: scan, every: weekly, day: Friday, only: [{source: a, destination: w}]}]\n"
    gone = timed(ledger, ada, file("a x", "b y", "a w", "c z", more=some), remove=True)
    assert (len(gone.add), list(gone.remove)) == (1, [1, 2])
    assert when(ledger) == [(3, friday[1], (3,))]
    text = "".join(applying.exported(ledger, "Wave 1"))
    assert "only:\n  - source: a\n    destination: w\n" in text
    assert timed(ledger, ada, file("a x", "b y", "a w", "c z", more="schedules: []\n"), remove=True).remove


def test_schedules_of_a_file_that_cannot_be(ledger: Ledger, ada: Person) -> None:
    """Nothing is done where one is wrong, or nobody is there in whose name it would start."""
    for more, why in (
        ("schedules: [{every: daily, only: [z]}]\n", "there is no transfer of 'z'"),
        ("schedules: [{every: daily, only: [{source: a, destination: y}]}]\n", "of 'a' to 'y'"),
        ("schedules: [{every: daily, zone: Nowhere/Else}]\n", "there is no time zone"),
        ("schedules: [{every: daily, hours: 20:00-20:00}]\n", "no hours in which"),
    ):
        with pytest.raises(MappingRefused) as refused:
            applying.plan(ledger, file("a x", more=more))
        assert [line for line, told in refused.value.problems if why in told] == [4], refused.value.problems
    wanted = file("a x", more=DAILY)
    with pytest.raises(Refused, match="nobody is named"):
        applying.apply(ledger, wanted, applying.plan(ledger, wanted), TEST)
    assert migrations.named(ledger) == []
    assert migration_schedules.starter(ledger, "HERE", "there", TEST) == ada
    with pytest.raises(Refused, match="other is no person"):
        migration_schedules.starter(ledger, "here", "there", Actor("other", "test"))


def test_who_waits_in_a_pass_keeps_its_paths(ledger: Ledger) -> None:
    """It may just begin with those that it has; once it is paused, the file counts."""
    applied(ledger, file("a b", "c d"))
    made = ledger.do(lambda connection: passes.add(connection, 1, PassKind.COPY, TEST, [1], server=0, at_once=4))
    with pytest.raises(MappingRefused, match="transfer 1 is queued"):
        applying.plan(ledger, file("a other", "c d"))
    ledger.do(passes.stop, made, Status.PAUSED, "by me")
    applied(ledger, file("a other", "c d"))
    assert ends(ledger)[0] == (1, "a", "other")
