"""Automatic reruns: which ended runs are worth starting again by themselves."""

from haulage.ledger import work
from haulage.ledger.store import Ledger
from haulage.model.errors import Changed, Conflict, Gone
from haulage.model.outcome import Status
from haulage.operations.transfers import Ended
from haulage.reports.catalogue import CATALOGUE

RERUNS = 3
RERUN_ON = frozenset({201, 202, 210, 220, 211, 401, 403, 404, 405})
"""Statuses after which a run may go better by itself."""
_SEEN_ANEW = frozenset({Changed.code, Conflict.code, Gone.code})
"""What the next run's listings show as it is then, so that it decides otherwise."""
PASSING = _SEEN_ANEW | {entry.code for entry in CATALOGUE.values() if entry.retryable}
"""Codes of failures that may pass without anybody doing anything. Others (a name, a size, a permission) do not."""


def worthwhile(ledger: Ledger, ended: Ended) -> bool:
    """Whether a run that ended so may go better when it is started again: at least one of its failures may pass.

    A run that failed as a whole has no failures of items to tell; nothing speaks against trying it again.
    """
    if int(ended.status) not in RERUN_ON:
        return False
    return ended.status >= Status.GENERAL_FAILURE or ledger.read(work.failed_with, ended.run.id, PASSING)
