"""Who made, changed, owns or may use an item, as identity sets of answers.

A key names somebody: "person/7" of the organisation, "external/1000001", "personal/3", "group/Sales", "site/2/Owners",
"app/ID", "mail/ADDRESS" for somebody who has no account.
"""

from collections.abc import Callable
from typing import Any

from haulage.sandbox.microsoft.directory import Directory, User

Document = dict[str, Any]


class People:
    """Looks keys up in the directory; each set is made once. app_name: the name of an application's id."""

    def __init__(self, directory: Directory, app_name: Callable[[str], str]) -> None:
        self._directory = directory
        self._sets: dict[str, Document] = {}
        self._users = {key_of(one): one for one in directory.accounts()}
        self._app_name = app_name

    def user(self, key: str) -> User | None:
        """The account of a key."""
        return self._users.get(key)

    def set_of(self, key: str) -> Document:
        """The identity set: `{"user": {...}}`, `{"group": {...}}` ..."""
        if (found := self._sets.get(key)) is None:
            found = self._sets[key] = self._made(key)
        return found

    def _made(self, key: str) -> Document:
        kind, _, name = key.partition("/")
        if kind == "group":
            return {"group": {"id": self._directory.group_ids.get(name, name), "displayName": name}}
        if kind == "space":
            return {"group": {"displayName": f"{name} Owners"}}
        if kind == "app":
            return {"application": {"id": name, "displayName": self._app_name(name)}}
        if kind == "site":
            role = name.rpartition("/")[2]
            return {"siteGroup": {"id": str({"Owners": 3, "Visitors": 4, "Members": 5}[role]), "displayName": role}}
        user = self._users.get(key)
        if user is None:
            return {"user": {"email": name, "displayName": name}}
        return {"user": {"email": user.mail, "id": user.id, "displayName": user.person.name}}

    def by_address(self, address: str, *, personal: bool) -> str:
        """The key of whoever has that address; "mail/ADDRESS" for somebody unknown."""
        for key, user in self._users.items():
            if user.personal == personal and address.lower() in (user.mail.lower(), user.upn.lower(), user.id.lower()):
                return key
        for name, group in ((one, self._directory.groups[one]) for one in self._directory.groups):
            if not personal and address.lower() in (group.email.lower(), name.lower()):
                return f"group/{group.name}"
        return f"mail/{address}"

    def groups_of(self, key: str) -> set[str]:
        """The keys of the groups that somebody is in."""
        user = self._users.get(key)
        if user is None or user.personal:
            return set()
        number = user.person.number
        found = {one.name for one in self._directory.groups.values() if number in one.members}
        while more := {
            one.name for one in self._directory.groups.values() if one.name not in found and found & set(one.groups)
        }:
            found |= more
        return {f"group/{name}" for name in found}


def key_of(user: User) -> str:
    """The key of an account."""
    if user.personal:
        return f"personal/{user.person.number}"
    return f"{'external' if user.person.role == 'external' else 'person'}/{user.person.number}"
