"""The reports of a migration: exactly the columns that are promised, each with what it says."""

from haulage.ledger.migration_rows import Standing, TransferRow
from haulage.reports import migration

AMOUNTS = ("Files", "Bytes", "MB")
COLUMNS = (
    *("Schedule ID", "Source", "Destination", "Tags", "Notes", "First Run Start"),
    *("Files Transferred", "Bytes Transferred", "MB Transferred", "Total Duration", "Times Run"),
    *("Last Status", "Last Status Code", "Last Successful Files", "Last Successful Bytes", "Last Successful MB"),
    *("Last Files Skipped", "Last Bytes Skipped", "Last MB Skipped", "Last Files Unsupported", "Last Failed Files"),
    *("Last Folders Listed", "Last Folders Failed", "Last Run Start", "Last Run End", "Last Run Duration"),
    *("Last File Velocity (Files/hour)", "Last Data Velocity (Bytes/hour)", "Last Data Velocity (MB/hour)"),
    *("Average File Velocity (Files/hour)", "Average Data Velocity (Bytes/hour)", "Average Data Velocity (MB/hour)"),
    *("Completed Files", "Completed Bytes", "Completed MB"),
    *("Completed Successfully Files", "Completed Successfully Bytes", "Completed Successfully MB"),
)
COUNTS = {"successful": 8, "successful_bytes": 4_000_000, "skipped": 3, "skipped_bytes": 2_500_000, "unsupported": 2}
HOUR_US = 3_600_000_000


def transfer(run: Standing | None) -> TransferRow:
    """One that ran, or not."""
    return TransferRow(7, "alice", "=b", ("hr",), "", 1 if run else None, None, run, None, None, None)


def test_the_columns_of_the_migration_report() -> None:
    """All of them, in their order; a transfer that never ran has as many cells."""
    assert migration.MIGRATION_COLUMNS == COLUMNS
    never = migration.migration_line(transfer(None), (None, "Never run"), [])
    assert len(never) == len(COLUMNS) and never[:5] == ["7", "alice", "'=b", "hr", ""]


def test_what_the_last_run_left_out_is_counted_with_its_bytes() -> None:
    """Each number under its own heading."""
    run = Standing(1, 201, 0, 2 * HOUR_US, {**COUNTS, "failed": 1, "changed_at_source": 1}, None)
    cells = migration.migration_line(transfer(run), (201, "Some problems"), [run])
    told = dict(zip(COLUMNS, cells, strict=True))
    assert [told[f"Last {one} Skipped"] for one in AMOUNTS] == ["3", "2500000", "2.50"]
    assert [told[f"Last Successful {one}"] for one in AMOUNTS] == ["8", "4000000", "4.00"]
    assert (told["Last Files Unsupported"], told["Last Failed Files"]) == ("2", "2")
    assert (told["Last Run Duration"], told["Last File Velocity (Files/hour)"]) == ("2:00:00", "4")
    assert (told["Completed Files"], told["Completed Successfully Files"]) == ("8", "0")


def test_the_columns_of_the_error_report() -> None:
    """As they are promised."""
    assert migration.ERROR_COLUMNS == ("ScheduleID", "Username", "Action", "Path", "Error Message", "Comments")
