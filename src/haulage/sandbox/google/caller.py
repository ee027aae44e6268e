"""Who calls: an account, through a client of a project, with the scopes of its token."""

from typing import cast

import msgspec

from haulage.sandbox.frame.wire import Call
from haulage.sandbox.google.accounts import SCOPE, Account

METADATA_ONLY = frozenset({SCOPE + "drive.metadata", SCOPE + "drive.metadata.readonly"})
WHOLE_DRIVE = METADATA_ONLY | {SCOPE + "drive", SCOPE + "drive.readonly", SCOPE + "drive.meet.readonly"}


class Caller(msgspec.Struct, frozen=True, gc=False):
    """One caller. project: whose quota is used, and whose private properties are seen."""

    account: Account
    client: str
    project: str
    scopes: frozenset[str]

    @property
    def own_files_only(self) -> bool:
        """Whether the token reaches only what the project itself has made (drive.file, drive.appdata)."""
        return not self.scopes & WHOLE_DRIVE


def caller_of(call: Call) -> Caller:
    """The caller that was admitted."""
    return cast(Caller, call.caller)  # set by Google.admit before any handler that asks
