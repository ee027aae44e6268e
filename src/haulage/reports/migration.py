"""The tables of a migration, for spreadsheets: one row for each transfer, and one for each failure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from haulage.ledger.migration_rows import Standing, TransferRow
from haulage.ledger.work import OutcomeRow
from haulage.model.outcome import Side, Status
from haulage.reports.lines import cell, info, utc_text

MB = 1_000_000
HOUR = 3600
_AMOUNTS = ("Files", "Bytes", "MB")
MIGRATION_COLUMNS = (
    *("Schedule ID", "Source", "Destination", "Tags", "Notes", "First Run Start"),
    *(f"{one} Transferred" for one in _AMOUNTS),
    *("Total Duration", "Times Run", "Last Status", "Last Status Code"),
    *(f"Last Successful {one}" for one in _AMOUNTS),
    *(f"Last {one} Skipped" for one in _AMOUNTS),
    *("Last Files Unsupported", "Last Failed Files"),
    *("Last Folders Listed", "Last Folders Failed", "Last Run Start", "Last Run End", "Last Run Duration"),
    *("Last File Velocity (Files/hour)", "Last Data Velocity (Bytes/hour)", "Last Data Velocity (MB/hour)"),
    *("Average File Velocity (Files/hour)", "Average Data Velocity (Bytes/hour)", "Average Data Velocity (MB/hour)"),
    *(f"Completed {one}" for one in _AMOUNTS),
    *(f"Completed Successfully {one}" for one in _AMOUNTS),
)
ERROR_COLUMNS = ("ScheduleID", "Username", "Action", "Path", "Error Message", "Comments")
SHOWN_COLUMNS = {
    **{"status": "Status", "id": "ID", "source": "Source Path", "destination": "Destination Path"},
    **{"scanned": "Scanned", "files": "Files Successful", "files_failed": "Files Failed"},
    **{"files_skipped": "Files Skipped", "data": "Bytes Successful", "data_failed": "Bytes Failed"},
    **{"data_skipped": "Bytes Skipped", "last": "Last Run", "schedule": "Schedule", "tags": "Tags", "notes": "Notes"},
}
"""The columns of the table on its page, by their keys there."""
_COUNTED = {
    "files": ("successful", "unchanged"),
    "files_failed": ("failed", "changed_at_source"),
    "files_skipped": ("skipped", "unsupported"),
    "data": ("successful_bytes", "unchanged_bytes"),
    "data_failed": ("failed_bytes",),
    "data_skipped": ("skipped_bytes", "unsupported_bytes"),
}
TABLE_COLUMNS = ("ID", "Source Path", "Destination Path", "Tags", "Notes", "Status")


def migration_line(row: TransferRow, status: tuple[int | None, str], runs: Sequence[Standing]) -> list[str]:
    """The cells under MIGRATION_COLUMNS. status: as the table shows it; runs: all copies, oldest first."""
    ended = [one for one in runs if one.ended_us is not None]
    seconds = [_seconds(one) for one in ended]
    moved = [(_count(one, "successful"), _count(one, "successful_bytes")) for one in ended]
    files, size = sum(one for one, _ in moved), sum(one for _, one in moved)
    code, words = status
    return [
        *(str(row.id), cell(row.source), cell(row.destination), cell(", ".join(row.tags)), cell(row.notes)),
        *(utc_text(runs[0].started_us if runs else None), *_amounts(files, size)),
        *(duration_text(sum(seconds)), str(len(runs)), cell(words), "" if code is None else str(code)),
        *(_last(runs[-1]) if runs else [""] * 13),
        *_velocities(*(moved[-1] if moved else (0, 0)), seconds[-1] if seconds else 0),
        *_velocities(files, size, sum(seconds)),
        *_completed(row.run, Status.RUNNING),
        *_completed(row.run, Status.SOME_UPLOAD_ERRORS),
    ]


def _last(run: Standing) -> list[str]:
    counts = run.counts
    return [
        *_amounts(_count(run, "successful"), _count(run, "successful_bytes")),
        *_amounts(_count(run, "skipped"), _count(run, "skipped_bytes")),
        str(_count(run, "unsupported")),
        str(_count(run, "failed") + _count(run, "changed_at_source")),
        *(str(_count(run, "folders_listed")), str(len(counts.get("incomplete", ())))),
        *(utc_text(run.started_us), utc_text(run.ended_us)),
        duration_text(_seconds(run)) if run.ended_us is not None else "",
    ]


def _completed(run: Standing | None, below: int) -> list[str]:
    """What is at the destination of a transfer whose newest run ended below that status; nothing of others."""
    if run is None or run.status >= below:
        return _amounts(0, 0)
    items = _count(run, "successful") + _count(run, "unchanged")
    return _amounts(items, _count(run, "successful_bytes") + _count(run, "unchanged_bytes"))


def _count(run: Standing, name: str) -> int:
    return int(run.counts.get(name, 0))


def _seconds(run: Standing) -> float:
    return ((run.ended_us or run.started_us) - run.started_us) / 1_000_000


def _amounts(files: int, size: int) -> list[str]:
    return [str(files), str(size), f"{size / MB:.2f}"]


def _velocities(files: int, size: int, seconds: float) -> list[str]:
    """Files, bytes and MB an hour; empty where no time passed."""
    if seconds <= 0:
        return ["", "", ""]
    return [f"{files / seconds * HOUR:.0f}", f"{size / seconds * HOUR:.0f}", f"{size / seconds * HOUR / MB:.2f}"]


def duration_text(seconds: float) -> str:
    """Hours, minutes and seconds, as spreadsheets take them: 26:03:09."""
    whole = round(seconds)
    return f"{whole // HOUR}:{whole // 60 % 60:02}:{whole % 60:02}"


def error_line(row: TransferRow, outcome: OutcomeRow) -> list[str]:
    """The cells under ERROR_COLUMNS of one failed item."""
    action = "Upload" if outcome.side == Side.DESTINATION else "Download"
    return [
        *(str(row.id), cell(row.source.partition("/")[0]), action, cell(outcome.path)),
        *(cell(info(outcome)), cell(outcome.fix)),
    ]


def refused_line(row: TransferRow) -> list[str]:
    """The same of a transfer that could not be started at all."""
    return [str(row.id), cell(row.source.partition("/")[0]), "Start", "", cell(row.refused), ""]


def table_lines(rows: Iterable[tuple[TransferRow, str]]) -> Iterator[list[Any]]:
    """The cells under TABLE_COLUMNS, for each row with the words of its status. Its first three update a migration."""
    for row, words in rows:
        shown = cell(row.source), cell(row.destination), cell(", ".join(row.tags)), cell(row.notes), cell(words)
        yield [str(row.id), *shown]


def shown_line(row: TransferRow, keys: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """The cells under some of SHOWN_COLUMNS. words: of the columns "status", "scanned" and "schedule"."""
    runs = [one.started_us for one in (row.run, row.scan) if one is not None]
    told = {name: cell(text) for name, text in words.items()}
    told |= {"id": str(row.id), "source": cell(row.source), "destination": cell(row.destination)}
    told |= {"last": utc_text(max(runs, default=None)), "tags": cell(", ".join(row.tags)), "notes": cell(row.notes)}
    for name, parts in _COUNTED.items():
        told[name] = "" if row.run is None else str(sum(_count(row.run, one) for one in parts))
    return [told[key] for key in keys]
