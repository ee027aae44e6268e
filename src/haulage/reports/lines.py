"""One outcome as a line: its words for people, its cells for spreadsheets, its document for machines."""

import csv
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from haulage.ledger.work import OutcomeRow
from haulage.model.mapping import is_formula
from haulage.model.outcome import OutcomeKind, RunKind

OUTCOME_TEXT: dict[str, str] = {
    OutcomeKind.VERIFIED: "Verified",
    OutcomeKind.VERIFIED_WEAK: "Verified weakly",
    OutcomeKind.TRANSFORMED: "Transformed",
    OutcomeKind.MOVED: "Moved",
    OutcomeKind.UNCHANGED: "Unchanged",
    OutcomeKind.SKIPPED: "Skipped",
    OutcomeKind.UNSUPPORTED: "Unsupported",
    OutcomeKind.FAILED: "Failed",
    OutcomeKind.CHANGED_AT_SOURCE: "Changed at source",
    OutcomeKind.GONE_AT_SOURCE: "Gone at source",
}
BEYOND_TEXT = {"removed_since": "Removed since", "extra_at_destination": "Extra"}

COLUMNS = (
    *("Status", "Start", "End", "Size", "Name", "Additional Info"),
    *("Destination Name", "Code", "Side", "What To Do", "Proof", "SHA-256"),
)
"""The first six are those of the predecessor's logs. Start is empty where nothing had to be sent; times are UTC."""


def status_text(outcome: str) -> str:
    """The outcome in words."""
    return OUTCOME_TEXT.get(outcome, outcome)


def row_status(row: OutcomeRow) -> str:
    """The outcome of a line in words; what is not in the run's listing is told apart from what vanished during it."""
    return status_text(row.outcome) if row.listed else BEYOND_TEXT.get(row.code or "", status_text(row.outcome))


def utc_text(moment_us: int | None) -> str:
    """2026-01-31T23:59:59.123Z; empty for None."""
    if moment_us is None:
        return ""
    return datetime.fromtimestamp(moment_us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def info(row: OutcomeRow) -> str:
    """What there is to say about the item, in a sentence or two."""
    said = [row.message] if row.message else []
    if row.adopted:
        said.append("was at the destination already, with the same content")
    if row.target is not None and row.target != row.path and row.code != "kept_both":
        said.append(f"named {row.target!r} at the destination")
    if row.outcome == OutcomeKind.VERIFIED_WEAK and not row.message:
        said.append(f"proven by {row.evidence.get('proof', 'nothing')} only")
    return "; ".join(said)


def began_us(row: OutcomeRow) -> int | None:
    """When work on the item began; None where nothing was sent or asked for it alone."""
    began = row.evidence.get("began_us")
    return began if isinstance(began, int) else None


def cell(text: str | None) -> str:
    """Text as a cell that no spreadsheet takes for a formula; NUL, which no CSV reader takes, is shown as \\x00."""
    if not text:
        return ""
    if is_formula(text):
        text = "'" + text
    return text.replace("\x00", "\\x00")


def cells(row: OutcomeRow) -> list[str]:
    """The cells under COLUMNS."""
    return [
        row_status(row),
        utc_text(began_us(row)),
        utc_text(row.at_us),
        str(row.size),
        cell(row.path),
        cell(info(row)),
        cell(row.target),
        row.code or "",
        row.side or "",
        cell(row.fix),
        cell(str(row.evidence.get("proof") or "")),
        cell(str(row.evidence.get("sha256") or "")),
    ]


def document(row: OutcomeRow) -> dict[str, Any]:
    """The outcome with exact names, for JSON."""
    facts = msgspec.structs.asdict(row)
    del facts["item_id"]
    facts["evidence"] = {name: value for name, value in row.evidence.items() if name != "began_us"}
    return {**facts, "began_us": began_us(row)}


class _Writes(Protocol):
    def write(self, text: str, /) -> object: ...


class CsvLines:
    """Writes outcomes as CSV by RFC 4180: CRLF, quotes where they are needed and doubled inside."""

    def __init__(self, out: _Writes) -> None:
        self._writer = csv.writer(out, dialect="excel")
        self._writer.writerow(COLUMNS)

    def write(self, row: OutcomeRow) -> None:
        """One line more."""
        self._writer.writerow(cells(row))


_encode = msgspec.json.Encoder().encode


def json_line(row: OutcomeRow) -> bytes:
    """The document in one line, UTF-8, with its line end."""
    return _encode(document(row)) + b"\n"


def kinds_of(*, failures: bool, skipped: bool) -> tuple[OutcomeKind, ...]:
    """The outcomes that a person asked for; none of both means all (empty)."""
    wanted: tuple[OutcomeKind, ...] = ()
    if failures:
        wanted += (OutcomeKind.FAILED, OutcomeKind.CHANGED_AT_SOURCE)
    if skipped:
        wanted += (OutcomeKind.SKIPPED, OutcomeKind.UNSUPPORTED)
    return wanted


def run_kind_text(kind: str) -> str:
    """What a run of that kind does, in a word or two."""
    words: dict[str, str] = {
        RunKind.SCAN: "Scan (nothing is copied)",
        RunKind.COPY: "Copy",
        RunKind.VERIFY: "Verification",
    }
    return words.get(kind, kind)
