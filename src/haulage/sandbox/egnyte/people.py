"""The generated organisation as an Egnyte domain has it: users and groups."""

from typing import Any

import msgspec

from haulage.sandbox.frame.world import World
from haulage.sandbox.organisation.people import Person

DOMAIN = "aurora"
HOST = f"{DOMAIN}.egnyte.com"
POWER_USERS, ADMINISTRATORS = "All Power Users", "All Administrators"
FIRST_ID = 10


class User(msgspec.Struct):
    """A user. id: a whole number; name: the user name, which permissions use; kind: admin, power or standard."""

    id: int
    name: str
    email: str
    given: str
    family: str
    kind: str
    active: bool = True
    person: int = 0
    external_id: str = ""

    @property
    def full_name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"


class Group(msgspec.Struct):
    """A group. members: ids of users; those of groups within it are its own, as Egnyte has none within another."""

    id: str
    name: str
    members: list[int]


class Directory(msgspec.Struct):
    """All users by id, all groups by id."""

    users: dict[int, User] = {}
    groups: dict[str, Group] = {}

    def user(self, word: str) -> User | None:
        """A user by user name or address, in any case."""
        wanted = word.lower()
        return next((one for one in self.users.values() if wanted in (one.name.lower(), one.email.lower())), None)

    def groups_of(self, user: User) -> list[str]:
        """The names of the groups that a user is in."""
        return [one.name for one in self.groups.values() if user.id in one.members]


def directory(world: World) -> Directory:
    """Everybody of the organisation; externals are standard users of it."""
    organisation, made = world.organisation, Directory()
    by_number: dict[int, int] = {}
    for index, person in enumerate((*organisation.people, *organisation.externals)):
        user = _user(FIRST_ID + index, person)
        made.users[user.id] = user
        by_number[person.number] = user.id
    known = {one.name: one for one in organisation.groups}
    for group in organisation.groups:
        inner = (number for name in group.groups for number in known[name].members)
        members = sorted({by_number[number] for number in (*group.members, *inner)})
        key = world.ids.guid("egnyte", "group", group.name)
        made.groups[key] = Group(key, group.name, members)
    for name, kinds in ((POWER_USERS, ("admin", "power")), (ADMINISTRATORS, ("admin",))):
        key = world.ids.guid("egnyte", "group", name)
        made.groups[key] = Group(key, name, [one.id for one in made.users.values() if one.kind in kinds])
    return made


def _user(number: int, person: Person) -> User:
    kind = {"admin": "admin", "coadmin": "admin", "external": "standard"}.get(person.role, "power")
    return User(
        id=number,
        name=person.login.replace(".", ""),
        email=person.email,
        given=person.given,
        family=person.family,
        kind=kind,
        active=person.active,
        person=person.number,
    )


def told(user: User) -> dict[str, Any]:
    """A user as /userinfo has it."""
    return {
        "id": user.id,
        "first_name": user.given,
        "last_name": user.family,
        "username": user.name,
        "user_type": user.kind,
        "email": user.email,
    }
