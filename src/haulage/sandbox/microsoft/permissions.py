"""What applications may ask for, and what was allowed them in which tenant."""

import msgspec

from haulage.sandbox.microsoft.wire import GRAPH, GRAPH_APP

OIDC = ("openid", "profile", "email", "offline_access")
# https://learn.microsoft.com/graph/permissions-reference: those whose delegated form only an administrator can grant
ADMIN_ONLY = frozenset(
    {
        "User.Read.All", "User.ReadWrite.All", "User.RevokeSessions.All", "Group.Read.All", "Group.ReadWrite.All",
        "Directory.Read.All", "Directory.ReadWrite.All", "Sites.FullControl.All", "Organization.Read.All",
    }
)  # fmt: skip
DELEGATED = ADMIN_ONLY | {
    "User.Read", "User.ReadBasic.All", "Files.Read", "Files.Read.All", "Files.ReadWrite", "Files.ReadWrite.All",
    "Sites.Read.All", "Sites.ReadWrite.All", "Sites.Manage.All", "Mail.Send",
}  # fmt: skip
# https://learn.microsoft.com/graph/permissions-reference: not offered to personal accounts
WORK_ONLY = frozenset(one for one in DELEGATED if one.startswith(("Sites.", "Group.", "Directory.", "Organization.")))
WORK_ONLY |= {"User.Read.All", "User.ReadWrite.All", "User.ReadBasic.All", "User.RevokeSessions.All"}
ROLES = (
    "Files.ReadWrite.All", "Sites.FullControl.All", "User.Read.All", "Group.Read.All", "Organization.Read.All",
    "User.RevokeSessions.All",
)  # fmt: skip
PREFIXES = (f"https://{GRAPH}/", f"{GRAPH_APP}/")


class Consent(msgspec.Struct, kw_only=True):
    """What was allowed an application in a tenant. scopes: for everybody there, by an administrator; roles: for itself.

    users: by account, what it allowed by itself.
    """

    scopes: list[str] = []
    roles: list[str] = []
    users: dict[str, list[str]] = {}


class BadScope(Exception):
    """A scope that cannot be asked for. number: Microsoft's."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


def plain(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes by Graph's short names, `.default` among them. Raises BadScope."""
    found = []
    for scope in scopes:
        name = scope
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        if "://" in name:
            raise BadScope(500011, f"The resource principal named {scope} was not found in the tenant.")
        if name != ".default" and name not in OIDC and name not in DELEGATED:
            text = f"The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            raise BadScope(70011, text)
        found.append(name)
    return tuple(dict.fromkeys(found))
