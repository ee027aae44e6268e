"""The generated organisation as Dropbox has it: a team with members and groups, and accounts of externals."""

import msgspec

from haulage.sandbox.frame.world import World
from haulage.sandbox.organisation.people import ORGANISATION, Person


class Member(msgspec.Struct, frozen=True):
    """An account. member: its id within the team, "" of somebody of no team; home: the namespace of its own files."""

    account: str
    member: str
    home: str
    uid: str
    person: Person

    @property
    def email(self) -> str:
        """What it signs in with."""
        return self.person.email

    @property
    def admin(self) -> bool:
        """Whether it may act for the team."""
        return self.person.role in ("admin", "coadmin")

    @property
    def status(self) -> str:
        """Of its membership."""
        return "active" if self.person.active else "suspended"


class People:
    """Everybody. team: the team's id; root: the namespace of the team's space."""

    def __init__(self, world: World) -> None:
        ids, organisation = world.ids, world.organisation
        self.team = "dbtid:" + ids.base64url("dropbox", "team", count=35)
        self.root = ids.digits("dropbox", "team root", count=10)
        self.name = ORGANISATION
        self.members: dict[str, Member] = {}
        self.accounts: dict[str, Member] = {}
        for one in (*organisation.people, *organisation.externals):
            inside = one.role != "external"
            made = Member(
                account="dbid:" + ids.base64url("dropbox", "account", one.number, count=35),
                member="dbmid:" + ids.base64url("dropbox", "member", one.number, count=36) if inside else "",
                home=ids.digits("dropbox", "home", one.number, count=10),
                uid=ids.digits("dropbox", "uid", one.number, count=9),
                person=one,
            )
            self.accounts[made.account] = made
            if inside:
                self.members[made.member] = made
        self._by_email = {one.email: one for one in self.accounts.values()}
        self._aliases = {alias: one for one in self.accounts.values() for alias in one.person.aliases}
        self.groups = {"g:" + ids.hex("dropbox", "group", one.name, count=32): one for one in organisation.groups}
        self._named = {one.name: one for one in organisation.groups}
        self._by_number = {one.person.number: one for one in self.accounts.values()}

    def of(self, email: str) -> Member | None:
        """The account of an address, in any case."""
        return self._by_email.get(email.lower()) or self._aliases.get(email.lower())

    def in_group(self, group_id: str) -> list[Member]:
        """The members of a group; those of groups within it are its own, since Dropbox has none within another."""
        group = self.groups[group_id]
        inner = (number for name in group.groups for number in self._named[name].members)
        return [self._by_number[number] for number in sorted({*group.members, *inner})]

    def groups_of(self, member: Member) -> list[str]:
        """The ids of the groups that somebody is a member of."""
        return [key for key in self.groups if member in self.in_group(key)]
