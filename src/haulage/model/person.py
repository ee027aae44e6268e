"""Who may sign in at an installation, and what their role allows."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a person may do: a viewer sees, an operator moves files, an administrator also keeps the installation."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Notices(StrEnum):
    """When a person wants to be told of the end of a run."""

    COMPLETION = "completion"
    ERRORS = "errors"
    NEVER = "never"


class Scope(StrEnum):
    """What an API token may be used for."""

    CONNECTORS_READ = "connectors:read"
    CONNECTORS_WRITE = "connectors:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"


class Person(msgspec.Struct, frozen=True):
    """A person as everybody may know them. local: the user of this machine whose connectors are theirs too.

    second: whether a one-time code is asked for at sign-in. email: where notices go. elsewhere: whether they may sign
    in through the organisation's own sign-in.
    """

    id: int
    name: str
    role: Role
    second: bool
    notices: Notices
    local: str | None
    created_us: int
    email: str | None = None
    elsewhere: bool = False

    def owns(self, owner: str) -> bool:
        """Whether what belongs to that name is this person's."""
        return owner == self.name or (self.local is not None and owner == self.local)
