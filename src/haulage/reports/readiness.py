"""Whether a user can be moved, by what a scan found: ready, with warnings, or with errors; each with its reasons."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from haulage.model.outcome import Status, status_words

LARGE_ITEMS = 400_000
LARGE_BYTES = 5 * 10**12
"""An owner of more than either is large: the predecessor's advice was to split such a one up."""

Level = Literal["ready", "warnings", "errors"]
WORDS: dict[str, str] = {"ready": "Ready", "warnings": "Warnings", "errors": "Errors"}


class Readiness(msgspec.Struct, frozen=True):
    """level: the worst of the reasons. reasons: sentences without a full stop."""

    level: Level
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """For a cell."""
        return "; ".join(self.reasons)


_ERRORS = {
    "refused": "names or paths are too long for the destination",
    "too_large": "files are too large for the destination",
    "unlisted": "folders could not be listed",
}
_WARNINGS = {
    "fitted": "names will be fitted",
    "duplicates": "names differ only by case or Unicode form, or are alike once fitted",
    "uncopyable": "items cannot be copied",
    "native": "documents of the service's own are made files",
}


def judged(status: int, items: int, size: int, counted: Mapping[str, int]) -> Readiness:
    """Of a scan that has ended with that status. counted: how many there are of what `_ERRORS`, `_WARNINGS` name."""
    if status >= Status.RUNNING or status == Status.CANCELED:
        return Readiness("errors", (f"the scan did not come to its end: {status_words(status, 'scan')}",))
    errors = [f"{counted[name]:,} {words}" for name, words in _ERRORS.items() if counted.get(name)]
    warnings = [f"{counted[name]:,} {words}" for name, words in _WARNINGS.items() if counted.get(name)]
    if status == Status.LISTING_INCOMPLETE and not counted.get("unlisted"):
        errors.append("the listing is incomplete")
    if items > LARGE_ITEMS or size > LARGE_BYTES:
        warnings.append("large owner: over 400,000 items or 5 TB")
    if not items:
        warnings.append("has nothing")
    return Readiness("errors" if errors else "warnings" if warnings else "ready", (*errors, *warnings))


def of_scan(status: int, counts: Mapping[str, Any], destination_service: str) -> Readiness:
    """The same by a scan's own counters, without going through its items. counts: see engine.surveying."""
    survey = counts.get("survey") or {}
    fit: Mapping[str, Any] = next(
        (one for one in survey.get("destinations", ()) if one["service"] == destination_service), {}
    )
    counted = {name: fit.get(name, {}).get("count", 0) for name in ("refused", "too_large", "fitted")}
    counted["unlisted"] = survey.get("unlisted_folders", {}).get("count", 0)
    counted["uncopyable"] = survey.get("uncopyable", {}).get("count", 0)
    counted["duplicates"] = survey.get("duplicates", {}).get("count", 0)
    return judged(status, counts.get("listed", 0), counts.get("listed_bytes", 0), counted)
