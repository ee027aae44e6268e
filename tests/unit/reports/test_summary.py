"""The sum of a run is made of its recorded outcomes, and says so when it does not add up."""

from pathlib import Path

from haulage.ledger import runs as run_rows
from haulage.ledger import work
from haulage.model.outcome import Outcome, OutcomeKind, RunKind, Side, status_words
from haulage.reports.summary import Sum, add_up, duration_seconds
from tests.unit.reports.made import History

K = OutcomeKind


def sum_of(history: History) -> Sum:
    with history.ledger.reading() as connection:
        run = run_rows.get(connection, history.run)
        return add_up(run, work.totals(connection, history.run))


def test_all_outcomes_make_up_what_was_listed(tmp_path: Path) -> None:
    history = History(tmp_path)
    made = [Outcome(1, "a", K.VERIFIED, 10), Outcome(2, "b", K.VERIFIED, 20, adopted=True)]
    made += [Outcome(number, f"{kind}", kind, 1) for number, kind in enumerate(OutcomeKind, 3)]
    history.settle(made)
    history.counts.listed += 100  # unchanged ones have no rows
    history.counts.unchanged += 100
    history.end()
    added = sum_of(history)
    terms = {term.name: term.items for term in added.terms}
    assert terms == {"unchanged": 101, "verified_adopted": 1, "verified": 2} | {
        kind.value: 1 for kind in OutcomeKind if kind not in (K.UNCHANGED, K.VERIFIED)
    }
    assert sum(terms.values()) == added.listed == 112
    assert added.adds_up
    assert next(term.size for term in added.terms if term.name == "verified_adopted") == 20


def test_items_that_were_not_reached_are_told(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.counts.listed = 7
    history.settle([Outcome(1, "a", K.FAILED, 1, "hash", side=Side.SOURCE)])
    added = sum_of(history)
    assert (added.listed, added.not_reached, added.excess, added.adds_up) == (8, 7, 0, False)


def test_progress_counters_do_not_count(tmp_path: Path) -> None:
    """A process that was killed had counted what it had not recorded yet."""
    history = History(tmp_path)
    history.settle([Outcome(1, "a", K.VERIFIED, 1)])
    history.counts.listed, history.counts.successful = 5, 5
    history.end()
    added = sum_of(history)
    assert [(term.name, term.items) for term in added.terms if term.items] == [("verified", 1)]
    assert added.not_reached == 4


def test_more_outcomes_than_items_are_told_as_a_bug(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.settle([Outcome(1, "a", K.VERIFIED), Outcome(2, "b", K.VERIFIED)])
    history.counts.listed = 1
    history.end()
    assert (sum_of(history).excess, sum_of(history).adds_up) == (1, False)


def test_what_was_removed_earlier_is_not_part_of_what_is_listed(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.settle([Outcome(1, "a", K.VERIFIED)])
    history.ledger.do(work.commit, history.run, [], history.counts.as_json(), {})
    with history.ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE outcomes SET listed = 0")
    history.counts.listed = 0
    history.end()
    assert sum_of(history).adds_up


def test_a_scan_counts_what_is_to_be_copied(tmp_path: Path) -> None:
    history = History(tmp_path, RunKind.SCAN)
    history.settle([Outcome(1, "a", K.SKIPPED, code="filter")])
    history.counts.listed, history.counts.planned = 3, 2
    history.end()
    assert sum_of(history).adds_up


def test_a_run_that_only_began_has_nothing_to_add_up(tmp_path: Path) -> None:
    history = History(tmp_path)
    added = sum_of(history)
    assert (added.listed, added.adds_up) == (0, True)
    assert duration_seconds(history.ledger.read(run_rows.get, history.run)) == 0


def test_every_status_has_words() -> None:
    assert status_words(404, "copy") == "Crashed or was killed"
    assert status_words(999, "copy") == "Status 999"
    assert "upload" in status_words(201, "copy")
    assert "upload" not in status_words(201, "verify")
