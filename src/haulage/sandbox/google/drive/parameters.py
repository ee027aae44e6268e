"""Parameters that have a type: spellings of true and false, numbers and choices.

A value that is none of its type is refused before anything else is looked at, all of them at once.
"""

import re

from haulage.sandbox.frame.wire import Call
from haulage.sandbox.google.drive.access import FALSE, TRUE
from haulage.sandbox.google.errors import typed_answer

BOOLS = frozenset(
    {
        "supportsAllDrives", "supportsTeamDrives", "includeItemsFromAllDrives", "includeTeamDriveItems",
        "acknowledgeAbuse", "keepRevisionForever", "ignoreDefaultVisibility", "useContentAsIndexableText",
        "enforceSingleParent", "includeRemoved", "includeCorpusRemovals", "restrictToMyDrive", "useDomainAdminAccess",
        "allowItemDeletion", "sendNotificationEmail", "transferOwnership", "moveToNewOwnersRoot", "removeExpiration",
        "enforceExpansiveAccess", "copyComments",
    }
)  # fmt: skip
INTS = frozenset({"pageSize", "count"})
CHOICES = {"corpora": ("user", "domain", "drive", "allDrives"), "corpus": ("user", "domain")}
SPELLINGS = TRUE | FALSE


def snake(name: str) -> str:
    """The name as errors write it: pageSize is page_size."""
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def check(call: Call) -> None:
    """Raises Refusal (400) for parameters that are not of their type."""
    wrong = []
    for name, value in call.query.items():
        if name in BOOLS and value.lower() not in SPELLINGS:
            wrong.append((snake(name), "TYPE_BOOL", value))
        elif name in INTS and not re.fullmatch(r"[+-]?\d{1,9}", value):
            wrong.append((snake(name), "TYPE_INT32", value))
        elif name in CHOICES and value not in CHOICES[name]:
            wrong.append((snake(name), "TYPE_ENUM", value))
    if wrong:
        raise typed_answer(wrong)
