"""A migration's table: what the database filters, sorts and adds up is what a look at every row would find."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from haulage.ledger import migration_rows, migration_table, passes, runs
from haulage.ledger.audit import Actor
from haulage.ledger.migration_rows import TransferRow
from haulage.ledger.migration_table import Scanned, Sums
from haulage.ledger.runs import TransferKey
from haulage.ledger.store import Ledger, now_us
from haulage.model.errors import Refused
from haulage.model.mapping import Wish
from haulage.model.outcome import PassKind, RunKind, Status
from haulage.model.standing import MOODS
from haulage.operations import connectors, migration_reports, migrations
from haulage.operations import migration_table as tables
from haulage.operations import passes as passing
from haulage.operations.home import transfer_lock
from haulage.reports.migration import SHOWN_COLUMNS
from haulage.services.registry import service
from haulage.web import columns

ME = Actor("me", "test")
ENDS = (Status.SUCCESS, Status.SOME_UPLOAD_ERRORS, Status.GENERAL_FAILURE, Status.PAUSED)
FILTERS: tuple[str, ...] = ("", "alice", "ALICE", "source:documents", "destination:new", "tags:hr", "notes:straße")
FILTERS += ("status:failed", "status:never", "id:3", "id:1", "/^a.*s$/", "/^failed/", "source:/e@|b@/", "upload", "İ")
FILTERS += ('"wave 1"', "notes:/^$/", "/x$/", "status:/roo/", "no way", "4", "tags:/^w/ alice")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A migration of 24 transfers: some never ran, the others ended in one of four ways, and one was refused."""
    monkeypatch.setenv("HAULAGE_HOME", str(tmp_path))
    opened = Ledger.open(tmp_path / "ledger.db")
    for name in ("here", "there"):
        connectors.add(opened, name, service("local"), {}, ME)
    migrations.create(opened, "m", "here", "there", ME)
    users = ("alice", "bob", "Çiğdem", "İpek")
    ends = [(f"{users[n % 4]}@old/Documents{n}", f"{users[n % 4]}@new") for n in range(24)]
    wishes = [Wish(0, *both, ("wave 1", "hr")[: n % 3]) for n, both in enumerate(ends)]
    migrations.add(opened, "m", wishes, ME)
    migrations.mark(opened, "m", [5, 6], ME, notes="In der Straße")
    monkeypatch.setattr(tables, "PORTION_ROWS", 7)
    for row_id in range(5, 21):
        run(opened, row_id, ENDS[row_id % 4])
    for row_id in (3, 6, 9):
        run(opened, row_id, Status.SUCCESS, RunKind.SCAN)
    refused = {"refused_status": int(Status.INVALID_ROOT), "refused": "no such folder"}
    opened.do(migration_rows.change, 7, **refused)
    yield opened
    opened.close()


def run(ledger: Ledger, row_id: int, status: Status | None, kind: RunKind = RunKind.COPY) -> int:
    """A run of a row; None: it has not ended. Its transfer."""
    key = TransferKey(f"a{row_id}", "b" if kind == RunKind.COPY else "", "{}", "a", "b")
    transfer = ledger.do(runs.transfer_id, key)
    begun = ledger.do(runs.start, transfer, kind, "x")
    counts = {
        "listed": row_id,
        "listed_bytes": 7,
        "sent_bytes": 100,
        "successful": row_id,
        "successful_bytes": 100 - row_id,
        "failed": row_id % 2,
    }
    ledger.do(runs.beat, begun.id, {**counts, "failed_bytes": row_id % 2, "unsupported": 1})
    column = "transfer_id" if kind == RunKind.COPY else "scan_id"
    ledger.do(migration_rows.change, row_id, **{column: transfer})
    if status is not None:
        ledger.do(runs.finish, begun.id, status, {**counts, "failed_bytes": row_id % 2, "unsupported": 1}, None)
    return transfer


def totals(found: Sequence[TransferRow]) -> Sums:
    """Counted over these rows. Complete: ended with 1xx; issues: 2xx; failures: the rest that ended."""
    moods = Counter(map(migrations.mood, found))
    counts = [one.run.counts for one in found if one.run is not None]
    names = (("successful", "unchanged"), ("failed", "changed_at_source", "unsupported"))
    sizes = (("successful_bytes", "unchanged_bytes"), ("failed_bytes", "unsupported_bytes"))
    sums = (sum(one.get(name, 0) for one in counts for name in some) for some in (*names, *sizes))
    return Sums(len(found), *(moods[one] for one in MOODS), *sums)


@pytest.mark.parametrize("text", FILTERS)
def test_filtered_and_added_up_as_every_row_would_be(ledger: Ledger, text: str) -> None:
    """The database and the function over rows find the same, and count the same."""
    _, found = migrations.table(ledger, "m", text)
    page = tables.page(ledger, 1, text)
    assert [one.id for one in page.rows] == [one.id for one in found]
    assert page.rows == found
    assert page.sums == totals(found)
    assert tables.shown(ledger, 1, text) == [one.id for one in found]
    assert len(found) == 24 or text
    migration, rows = tables.of_name(ledger, "M", text)
    assert (migration.id, len(rows), [*rows], [*rows]) == (1, len(found), found, found)
    assert tables.sums(ledger, 1, text) == page.sums
    scans = [one.scan for one in found if one.scan is not None]
    listed = sum(one.counts["listed"] for one in scans)
    assert tables.scanned(ledger, 1, text) == Scanned(len(found), len(scans), listed)


@pytest.mark.parametrize("status", Status)
def test_every_status_counts_as_what_it_is(ledger: Ledger, status: Status) -> None:
    """The database knows by numbers what the words and colours of a row say."""
    ledger.do(migration_rows.change, 8, refused_status=int(status), refused="so")
    _, found = migrations.table(ledger, "m", "")
    assert tables.page(ledger, 1, "").sums == totals(found)


@pytest.mark.parametrize("sort", migration_table.SORTS)
def test_sorted_by_every_column(ledger: Ledger, sort: str) -> None:
    """All rows are there, and the other way round is the other way round but for those that are alike."""
    up, down = (tables.page(ledger, 1, "", sort=sort, down=one).rows for one in (False, True))
    assert sorted(one.id for one in up) == sorted(one.id for one in down) == list(range(1, 25))
    if sort == "files":
        files = [[-1 if one.run is None else one.run.counts["successful"] for one in each] for each in (up, down)]
        assert files[0] == sorted(files[0]) and files[1] == sorted(files[1], reverse=True)
    if sort == "tags":
        assert [one.tags for one in up] == sorted(one.tags for one in up)


def test_a_start_behind_the_end_shows_the_last_page(ledger: Ledger) -> None:
    """Also where a filter finds nothing."""
    migrations.add(ledger, "m", [Wish(0, f"more{n}", f"m{n}") for n in range(100)], ME)
    page = tables.page(ledger, 1, "", start=5000)
    assert (page.start, len(page.rows), page.sums.transfers) == (100, 24, 124)
    assert tables.page(ledger, 1, "nobody", start=5000).sums.transfers == 0


def test_a_killed_run_does_not_run(ledger: Ledger) -> None:
    """Without its process it has crashed, in the row, the counters and the filters; with it, it runs."""
    transfer = run(ledger, 1, None)
    run(ledger, 2, None, RunKind.SCAN)
    page = tables.page(ledger, 1, "status:crashed")
    assert [one.id for one in page.rows] == [1] and page.sums.failures == 1
    assert migrations.status_of(page.rows[0]) == (404, "Crashed or was killed")
    (scanned,) = tables.some(ledger, 1, [2])
    assert scanned.scan is not None and scanned.scan.status == Status.CRASHED and scanned.run is None
    assert [one.id for one in migrations.table(ledger, "m", "status:crashed")[1]] == [1]
    before = tables.sums(ledger, 1)
    with transfer_lock(transfer):
        assert [one.id for one in tables.page(ledger, 1, "status:running").rows] == [1]
        after = tables.sums(ledger, 1)
    assert (after.running, after.failures) == (before.running + 1, before.failures - 1)


def test_those_that_wait_are_queued(ledger: Ledger) -> None:
    """In the counters and for filters, whatever their last run came to; of a paused pass, paused."""
    before = tables.sums(ledger, 1)
    made = ledger.do(lambda connection: passes.add(connection, 1, PassKind.SCAN, ME, [1, 7, 8, 9], server=0, at_once=4))
    ledger.do(passes.change, made, 9, status=int(Status.RUNNING))
    assert tables.shown(ledger, 1, "status:queued") == [1, 7, 8]
    assert tables.shown(ledger, 1, "status:scanning") == [9]
    assert tables.sums(ledger, 1).running == before.running + 4 == totals(migrations.table(ledger, "m")[1]).running
    ledger.do(passes.stop, made, Status.PAUSED, "by me")
    assert set(tables.shown(ledger, 1, "status:paused")) >= {1, 7, 8}
    after = tables.sums(ledger, 1)
    assert (after.running, after.paused) == (before.running + 1, before.paused + 3) and before.running == 0
    assert after == totals(migrations.table(ledger, "m")[1])


def test_pace_and_what_was_moved(ledger: Ledger) -> None:
    """Rate of those that run, what is left of those that were scanned, and bytes by the hour."""
    assert ledger.read(migration_table.pace, 1, tables.over(ledger, 1), 0) == migration_table.Pace()
    run(ledger, 1, Status.SUCCESS, RunKind.SCAN)
    transfer = run(ledger, 2, None)
    made = ledger.do(lambda connection: passes.add(connection, 1, PassKind.COPY, ME, [1, 2], server=0, at_once=4))
    ledger.do(passes.change, made, 2, status=int(Status.RUNNING))
    with transfer_lock(transfer):
        found = ledger.read(migration_table.pace, 1, tables.over(ledger, 1), now_us() + 10_000_000)
    assert (found.unknown, found.left_bytes) == (1, 7) and 0 < found.rate < 20
    by, points = tables.moved(ledger, 1)
    assert by == "hour" and sum(one[2] for one in points) == sum(range(5, 21))


def test_who_is_taken_out_is_waited_for_by_no_pass(ledger: Ledger) -> None:
    """A pass that is resumed takes the others; one with nobody left has ended."""
    made = ledger.do(lambda connection: passes.add(connection, 1, PassKind.COPY, ME, [1, 2, 3], server=0, at_once=4))
    with pytest.raises(Refused, match="queued"):
        migrations.remove(ledger, "m", [1], ME)
    ledger.do(passes.stop, made, Status.PAUSED, "by me")
    migrations.remove(ledger, "m", [1], ME)
    assert ledger.read(passes.rows_in, made, [Status.QUEUED]) == [2, 3]
    assert 1 not in tables.over(ledger, 1)
    migrations.remove(ledger, "m", [2, 3], ME)
    ended = ledger.read(passes.get, made)
    assert ended.ended_us is not None and ended.message == "its users were taken out of the migration"


@pytest.mark.parametrize("text", ["two\nlines", "x" * 5000])
def test_notes_and_tags_can_be_read_from_a_file_again(ledger: Ledger, text: str) -> None:
    """So that what is exported can be applied."""
    for marking in (lambda: migrations.mark(ledger, "m", [1], ME, notes=text), lambda: tag(ledger, text)):
        with pytest.raises(Refused, match=r"control character|more than"):
            marking()


def tag(ledger: Ledger, text: str) -> int:
    """One more of the first transfer."""
    return migrations.tag(ledger, "m", [1], (text,), "add", ME)


def test_the_columns_that_a_person_chose_are_reported(ledger: Ledger) -> None:
    """Each of those that the page has, in any order."""
    rows = tables.Rows(ledger, 1, [1, 6])
    keys = list(reversed(SHOWN_COLUMNS))
    never, ended = (dict(zip(keys, one, strict=True)) for one in migration_reports.chosen(rows, keys, []))
    assert (never["status"], never["scanned"], never["last"], never["files"]) == ("Never run", "never", "", "")
    assert (ended["scanned"], ended["files"], ended["files_skipped"], ended["data"]) == ("Success", "6", "1", "94")
    assert ended["notes"] == "In der Straße" and ended["last"].startswith("2") and ended["schedule"] == ""
    assert {each.key for each in columns.EVERY} == SHOWN_COLUMNS.keys()


def test_nobody_is_queued_who_was_taken_out_meanwhile(ledger: Ledger) -> None:
    """In another browser, between the question and the start: the others begin; of a deleted migration, nobody."""
    (migration,) = migrations.named(ledger)
    migrations.remove(ledger, "m", [1], ME)
    begun = passing.begin(ledger, migration, [1, 2], PassKind.COPY, ME, server=False)
    assert ledger.read(passes.rows_in, begun.id, [Status.QUEUED]) == [2]
    ledger.do(passes.stop, begun.id, Status.PAUSED, "by me")
    migrations.delete(ledger, "m", "DELETE", ME)
    with pytest.raises(Refused, match="none of these users is in the migration any more"):
        passing.begin(ledger, migration, [2, 3], PassKind.COPY, ME, server=False)
    assert ledger.read(passes.open_ones) == []
