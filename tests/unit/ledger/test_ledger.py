"""The ledger: sound, fenced, and true to its migrations."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from haulage.ledger import at_destination, work
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.items import Marks
from haulage.ledger.runs import TransferKey
from haulage.ledger.schema import metadata
from haulage.ledger.store import HEAD, Ledger, upgrade
from haulage.ledger.work import Settled
from haulage.model.errors import LeaseLost, LedgerUnusable
from haulage.model.item import Item, Kind
from haulage.model.outcome import Outcome, OutcomeKind, RunKind, Status

KEY = TransferKey("s3://a", "s3://b", "{}", "s3://a", "s3://b")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger.db")
    yield opened
    opened.close()


def begin(ledger: Ledger) -> run_rows.RunRow:
    transfer = ledger.do(run_rows.transfer_id, KEY)
    return ledger.do(run_rows.start, transfer, RunKind.COPY, "host:1")


def files(*names: str, revision: str = "r1") -> list[Item]:
    return [Item(name, Kind.FILE, 10, 1, revision, {"md5": "aa"}) for name in names]


def shape(connection: sa.Connection) -> dict[str, object]:
    """Every table with its columns and whether it is WITHOUT ROWID, every index with its definition, the version."""
    ask = connection.exec_driver_sql
    tables = {row.name: row.wr for row in ask("PRAGMA table_list") if row.schema == "main"}
    columns = {name: sorted(row[1:] for row in ask(f"PRAGMA table_xinfo({name})")) for name in tables}
    found = ask("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    unique = {
        name: sorted(
            tuple(column.name for column in ask(f"PRAGMA index_info({index.name})"))
            for index in ask(f"PRAGMA index_list({name})")
            if index.unique
        )
        for name in tables
    }
    version = ask("SELECT version_num FROM alembic_version").scalar()
    return {
        "tables": tables,
        "columns": columns,
        "indexes": dict(tuple(row) for row in found),
        "unique": unique,
        "version": version,
    }


def test_the_migrations_make_just_the_schema_and_a_new_ledger_has_it_too(ledger: Ledger) -> None:
    with sa.create_engine("sqlite://").begin() as migrated:
        upgrade(migrated)
        assert compare_metadata(MigrationContext.configure(migrated), metadata) == []
        with ledger.transaction() as made:
            assert shape(made) == shape(migrated)
            assert shape(made)["version"] == HEAD


def test_only_its_owner_can_read_it(ledger: Ledger) -> None:
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_acknowledged_means_on_the_disk(ledger: Ledger) -> None:
    with ledger.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    """F60."""
    Ledger.open(tmp_path / "ledger.db").close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerUnusable, match="newer"):
        Ledger.open(tmp_path / "ledger.db")


@pytest.mark.parametrize("spoil", ["garbage", "truncated", "foreign"])
def test_what_is_no_sound_ledger_is_said(tmp_path: Path, spoil: str) -> None:
    """F51."""
    path = tmp_path / "ledger.db"
    if spoil == "foreign":
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE somebody_elses (id INTEGER)")
    else:
        Ledger.open(path).close()
        body = path.read_bytes()
        path.write_bytes(body[: len(body) // 2] if spoil == "truncated" else body[:100] + b"\xff" * 8000 + body[8100:])
    before = path.read_bytes()
    with pytest.raises(LedgerUnusable) as refused:
        Ledger.open(path)
    assert refused.value.fix
    assert path.read_bytes() == before


def test_a_ledger_that_may_not_be_written_is_not_to_be_moved_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sound: what to do is about its rights, and a new one would forget everything."""
    Ledger.open(tmp_path / "ledger.db").close()

    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(LedgerUnusable, match="Permission denied") as refused:
        Ledger.open(tmp_path / "ledger.db")
    assert "move it away" not in refused.value.fix
    assert "HAULAGE_HOME" in refused.value.fix


def test_a_run_that_was_taken_over_commits_nothing(ledger: Ledger) -> None:
    """F54, T66."""
    first = begin(ledger)
    marks = Marks(0)
    ledger.do(item_rows.merge_source, first.transfer_id, files("a"), marks)
    (known,) = ledger.do(item_rows.to_decide, first.transfer_id, 0, False)
    second = begin(ledger)
    outcome = Settled(Outcome(known.id, "a", OutcomeKind.VERIFIED, 10), "r1", "t1")
    with pytest.raises(LeaseLost):
        ledger.do(work.commit, first.id, [outcome], {}, {})
    with pytest.raises(LeaseLost):
        ledger.do(run_rows.finish, first.id, Status.SUCCESS, {}, None)
    assert ledger.do(run_rows.get, first.id).status == Status.CRASHED
    assert ledger.do(work.totals, first.id) == []
    ledger.do(work.commit, second.id, [outcome], {}, {})
    assert ledger.do(work.totals, second.id)[0]["items"] == 1


def test_a_unit_that_was_claimed_again_commits_nothing(ledger: Ledger) -> None:
    """F55."""
    run = begin(ledger)
    ledger.do(item_rows.merge_source, run.transfer_id, files("a"), Marks(0))
    planned = ledger.do(item_rows.to_decide, run.transfer_id, 0, False)
    unit_id = ledger.do(work.plan_unit, run.id, planned)
    slow, quick = ledger.do(work.claim, unit_id), ledger.do(work.claim, unit_id)
    outcome = Settled(Outcome(planned[0].id, "a", OutcomeKind.VERIFIED, 10), "r1", "t1")
    with pytest.raises(LeaseLost):
        ledger.do(work.commit, run.id, [outcome], {}, {unit_id: slow.epoch})
    ledger.do(work.commit, run.id, [outcome], {}, {unit_id: quick.epoch}, [unit_id])
    assert ledger.do(work.claim, unit_id).items == []


def test_an_item_listed_twice_is_one_item(ledger: Ledger) -> None:
    """T32, F28."""
    run, marks = begin(ledger), Marks(0)
    page = files("a", "b", "a")
    assert ledger.do(item_rows.merge_source, run.transfer_id, page, marks).listed == 2
    assert ledger.do(item_rows.merge_source, run.transfer_id, files("b", "c"), marks).listed == 1
    assert len(ledger.do(item_rows.to_decide, run.transfer_id, 0, False)) == 3


def done(ledger: Ledger, run: run_rows.RunRow, *names: str) -> None:
    ledger.do(item_rows.merge_source, run.transfer_id, files(*names), Marks(0))
    known = ledger.do(item_rows.to_decide, run.transfer_id, 0, False)
    settled = [Settled(Outcome(one.id, one.path, OutcomeKind.VERIFIED, 10), "r1", f"t-{one.path}") for one in known]
    ledger.do(work.commit, run.id, settled, {}, {})
    ledger.do(run_rows.finish, run.id, Status.SUCCESS, {}, None)


def test_what_is_done_in_the_listed_revision_is_left_alone(ledger: Ledger) -> None:
    done(ledger, begin(ledger), "a", "b")
    run = begin(ledger)
    marks = Marks(ledger.do(item_rows.last_id))
    merged = ledger.do(item_rows.merge_source, run.transfer_id, files("a") + files("b", revision="r2"), marks)
    assert (merged.listed, merged.unchanged) == (2, 1)
    assert [one.path for one in ledger.do(item_rows.to_decide, run.transfer_id, 0, False)] == ["b"]


def test_what_the_destination_shows_as_we_left_it_is_marked_and_the_rest_is_found(ledger: Ledger) -> None:
    done(ledger, begin(ledger), "a", "b")
    run = begin(ledger)
    marks = Marks(ledger.do(item_rows.last_id))
    ledger.do(item_rows.merge_source, run.transfer_id, files("a", "b"), marks)
    there = [Item("a", Kind.FILE, 10, revision="t-a"), Item("b", Kind.FILE, 9, revision="x"), Item("c", Kind.FILE, 1)]
    ledger.do(at_destination.merge_target, run.transfer_id, run.id, there, marks)
    assert len(list(marks.ids(Marks.SOURCE | Marks.UNCHANGED | Marks.TARGET))) == 1
    assert len(list(marks.ids(Marks.SOURCE | Marks.UNCHANGED))) == 1
    assert set(ledger.do(at_destination.found_at, run.id, ["a", "b", "c", "d"])) == {"b", "c"}


def test_what_is_not_listed_any_more_is_gone_and_told_once(ledger: Ledger) -> None:
    done(ledger, begin(ledger), "a", "b")
    run = begin(ledger)
    marks = Marks(ledger.do(item_rows.last_id))
    ledger.do(item_rows.merge_source, run.transfer_id, files("a"), marks)
    gone, after = ledger.do(item_rows.vanish, run.transfer_id, marks, None)
    assert [one.path for one in gone] == ["b"]
    assert after is not None
    assert ledger.do(item_rows.vanish, run.transfer_id, marks, None)[0] == []


def test_walks_through_a_transfer_page_by_page_meet_all_its_items_once_and_sort_none(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page by itself must not cost more where the transfer has more items, and others have none of it."""
    monkeypatch.setattr(item_rows, "_replayed", item_rows._replayed.limit(3))
    monkeypatch.setattr(item_rows, "_walked", item_rows._walked.limit(3))
    names = ["", "b", "a/c", "ä", "Z", "a", "a/\U0001f600", "a b"]
    done(ledger, begin(ledger), *names)
    elsewhere = ledger.do(run_rows.transfer_id, TransferKey("s3://c", "s3://d", "{}", "s3://c", "s3://d"))
    ledger.do(item_rows.merge_source, elsewhere, files("a", "x"), Marks(ledger.do(item_rows.last_id)))
    run = begin(ledger)
    asked: list[tuple[str, Any]] = []
    with ledger.transaction() as connection:
        sa.event.listen(connection.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))

    listed, more, after = 0, True, None
    marks = Marks(ledger.do(item_rows.last_id))
    while more:
        merged, after = ledger.do(item_rows.replay_source, run.transfer_id, after, marks)
        listed, more = listed + merged.listed, after is not None
    assert listed == len(names) == sum(bits != 0 for bits in marks.bits)

    gone: list[str] = []
    more = True
    while more:
        some, after = ledger.do(item_rows.vanish, run.transfer_id, Marks(ledger.do(item_rows.last_id)), after)
        gone, more = gone + [one.path for one in some], after is not None
    assert sorted(gone) == sorted(names)

    pages = [(text, given) for text, given in asked if "LIMIT" in text]
    assert len(pages) == 8
    with ledger.transaction() as connection:
        for text, given in pages:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all()
            assert not [step for step in plan if "TEMP B-TREE" in step.detail], plan


WRITER = """
import sys
from pathlib import Path
from haulage.ledger.store import Ledger
from haulage.ledger import work
ledger = Ledger.open(Path(sys.argv[1]))
for number in range(100):
    ledger.do(work.pause_until, f"{sys.argv[2]}-{number}", number + 1)
ledger.close()
"""


def test_several_processes_write_one_ledger(ledger: Ledger) -> None:
    """F52."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(ledger.path), str(name)], stderr=subprocess.PIPE)
        for name in range(3)
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=100)
        assert writer.returncode == 0, err
    ledger.check()
    with ledger.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pauses").scalar() == 300


def test_a_name_with_any_character_comes_back(ledger: Ledger) -> None:
    """T41."""
    names = [
        "a\nb",
        "tab\t",
        "'; DROP TABLE items; --",
        "\x01\x7f",
        "e\u0301",
        "\u00e9",
        "👩‍👩‍👧",
        "%s %(x)s :name",
        "a b ",
    ]
    run = begin(ledger)
    ledger.do(item_rows.merge_source, run.transfer_id, files(*names), Marks(0))
    assert [one.path for one in ledger.do(item_rows.to_decide, run.transfer_id, 0, False)] == names


def test_before_an_upgrade_a_backup_is_made(tmp_path: Path) -> None:
    """F60: a backup file, then one transaction."""
    path = tmp_path / "ledger.db"
    first = Ledger.open(path)
    done(first, begin(first), "a")
    first.close()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(Exception, match="0000"):  # there is no such version to come from: the upgrade fails
        Ledger.open(path)
    (backup,) = tmp_path.glob("ledger.db.before-*")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    kept = sa.create_engine(f"sqlite:///{backup}")
    with kept.begin() as connection:
        assert connection.exec_driver_sql("SELECT path FROM items").scalar() == "a"


def test_a_time_that_no_column_holds_is_none(ledger: Ledger) -> None:
    """Of garbage in a file system: the item is listed, and the run goes on."""
    transfer = begin(ledger).transfer_id
    odd = [
        Item("a", Kind.FILE, 1, 2**70, "r"),
        Item("b", Kind.FOLDER, modified_us=-(2**70)),
        Item("c", Kind.FILE, 1, 9),
    ]
    ledger.do(item_rows.merge_source, transfer, odd, Marks(0))
    known = ledger.do(item_rows.to_decide, transfer, 0, False)
    assert [one.modified_us for one in known] == [None, None, 9]
