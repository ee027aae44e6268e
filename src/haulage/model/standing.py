"""How a transfer stands in a migration's table: a status code, or what it has before and between its runs."""

from haulage.model.outcome import STATUS_TEXT, RunKind, Status, status_words

NEVER_RUN = "Never run"
QUEUED = 600
SCANNING = 1300
"""A scan of it goes on: no status of a run, and higher than all of those."""
MOODS = ("new", "running", "paused", "complete", "issues", "failed")
WORDS = {int(one): words for one, words in STATUS_TEXT.items()} | {QUEUED: "Queued", SCANNING: "Scanning"}


def words_of(status: int | None, kind: str = RunKind.COPY) -> str:
    """What stands in the table."""
    if status is None:
        return NEVER_RUN
    return WORDS[status] if status in (QUEUED, SCANNING) else status_words(status, kind)


def mood_of(status: int | None) -> str:
    """One of MOODS. Complete: 1xx, issues: 2xx, failed: 4xx and 5xx, paused: 31x; the others wait or run."""
    if status is None:
        return "new"
    if Status.PAUSED <= status < Status.GENERAL_FAILURE:
        return "paused"
    if Status.GENERAL_FAILURE <= status < QUEUED:
        return "failed"
    return "running" if status >= Status.RUNNING else "issues" if status >= Status.SOME_UPLOAD_ERRORS else "complete"
