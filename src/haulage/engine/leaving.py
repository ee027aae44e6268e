"""What is left alone, and how that is told."""

from haulage.ledger.items import Known
from haulage.model.outcome import Outcome, OutcomeKind


def destination_changed(known: Known) -> Outcome:
    """Somebody changed at the destination what was copied there, and the source is as it was."""
    message = "changed at the destination since it was copied, unchanged at the source"
    fix = "Nothing was overwritten. Remove it at the destination to have it copied again."
    kind = OutcomeKind.SKIPPED
    return Outcome(known.id, known.path, kind, known.size, "destination_changed", message, fix)


def carried_with(other: str) -> tuple[str, str, str]:
    """Code, message and fix of an item that another transfer of the migration copies. other: its source."""
    code = "carried_elsewhere"
    message = f"the same file is copied with {other}"
    return code, message, "Nothing is to be done: several users see it, and it is copied once."


def copied_at(place: str) -> tuple[str, str, str]:
    """Likewise, of an item that lies at several places of the source. place: where it is copied."""
    code = "carried_elsewhere"
    message = f"the same file lies at {place} too, and is copied there"
    return code, message, "Nothing is to be done: it lies at several places, and is copied once."
