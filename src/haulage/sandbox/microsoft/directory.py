"""Tenants and accounts: those of the organisation, of its partner, and personal ones."""

import msgspec

from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft.wire import cid
from haulage.sandbox.organisation.people import (
    DOMAIN,
    ORGANISATION,
    PARTNER_DOMAIN,
    PERSONAL_DOMAIN,
    Group,
    Person,
)

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the tid of every personal account
PERSONAL_ACCOUNTS = 5  # so many of the first people have one too
MANY = ("common", "organizations", "consumers")


class Tenant(msgspec.Struct, frozen=True):
    """A directory. domain: the verified default one; initial: the one that Microsoft gave it."""

    id: str
    name: str
    domain: str
    initial: str

    @property
    def personal(self) -> bool:
        """Whether it is the one of personal accounts."""
        return self.id == CONSUMERS


class User(msgspec.Struct, frozen=True):
    """An account. id: of the directory object, or the CID of a personal account; upn: what it signs in with.

    home: the tenant it signs in at. guest: it stands in the organisation's directory, but comes from another. role,
    licensed, active: see Person.
    """

    id: str
    upn: str
    mail: str
    home: Tenant
    person: Person
    guest: bool = False

    @property
    def personal(self) -> bool:
        """Whether it is a personal (consumer) account."""
        return self.home.personal

    @property
    def licensed(self) -> bool:
        """Whether it may have a drive."""
        return self.personal or (self.person.licensed and not self.guest)

    @property
    def admin(self) -> bool:
        """Whether it may consent for its organisation, and see all of it."""
        return not self.personal and not self.guest and self.person.role in ("admin", "coadmin")


class Directory:
    """Everybody. organisation: the tenant of the generated organisation; users: whom directories list, by id."""

    def __init__(self, world: World) -> None:
        ids = world.ids
        self._world = world
        self.organisation = Tenant(ids.guid("tenant", DOMAIN), ORGANISATION, DOMAIN, "aurora.onmicrosoft.com")
        self.partner = Tenant(ids.guid("tenant", PARTNER_DOMAIN), "Partner", PARTNER_DOMAIN, "partner.onmicrosoft.com")
        self.consumers = Tenant(CONSUMERS, "Microsoft account", PERSONAL_DOMAIN, "live.com")
        self.tenants = (self.organisation, self.partner, self.consumers)
        self._by_upn: dict[str, User] = {}
        self.users: dict[str, User] = {}
        self.personal_addresses: list[str] = []
        self._fill(ids)
        self.groups = {ids.guid("group", one.name): one for one in world.organisation.groups}
        self.group_ids = {one.name: key for key, one in self.groups.items()}
        for space in world.organisation.spaces:  # behind each team site stands a group
            email = f"{''.join(filter(str.isalnum, space.name)).lower()}@{DOMAIN}"
            self.groups[ids.guid("group", f"space/{space.number}")] = Group(space.name, email, space.members)

    def _fill(self, ids: Ids) -> None:
        people = self._world.organisation
        for person in people.people:
            email = person.email
            self._add(User(ids.guid("user", person.number), email, email, self.organisation, person), person.aliases)
        for person in people.externals:
            email = person.email
            upn = f"{email.replace('@', '_')}#EXT#@{self.organisation.initial}"
            guest = User(ids.guid("guest", person.number), upn, email, self.organisation, person, guest=True)
            self.users[guest.id] = guest
            self._by_upn[upn.lower()] = guest
            self._add(User(ids.guid("user", person.number), email, email, self.partner, person), ())
        for person in people.people[:PERSONAL_ACCOUNTS]:
            email = f"{person.login}@{PERSONAL_DOMAIN}"
            self.personal_addresses.append(email)
            self._by_upn[email] = User(cid(ids, person.number), email, email, self.consumers, person)

    def _add(self, user: User, aliases: tuple[str, ...]) -> None:
        self.users[user.id] = user
        for name in (user.upn, *aliases):
            self._by_upn[name.lower()] = user

    def account(self, address: str) -> User | None:
        """Who signs in with that address: of any tenant, personal ones too."""
        found = self._by_upn.get(address.lower())
        return None if found is None or found.guest else found

    def accounts(self) -> list[User]:
        """Everybody, once: of all tenants, guests and personal accounts too."""
        return list({one.id: one for one in self._by_upn.values()}.values())

    def signed_in(self, address: str) -> User:
        """The account of an address that has signed in. Raises KeyError."""
        return self._by_upn[address.lower()]

    def listed(self, name: str, tenant: Tenant | None = None) -> User | None:
        """The user of a tenant's directory (the organisation's) by id, or by user principal name in any case."""
        found = self.users.get(name.lower()) or self._by_upn.get(name.lower())
        return found if found is not None and found.home == (tenant or self.organisation) else None

    def users_of(self, tenant: Tenant) -> list[User]:
        """Whoever stands in a tenant's directory, guests too."""
        return [one for one in self.users.values() if one.home == tenant]

    def user_of(self, person: Person) -> User | None:
        """A person's account in the organisation's directory; of externals the guest."""
        if person.domain == DOMAIN:
            return self._by_upn[person.email.lower()]
        return next((one for one in self.users.values() if one.guest and one.person.number == person.number), None)

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of an id or a domain; None for `common` and its like, and for what there is not."""
        wanted = name.lower()
        return next((one for one in self.tenants if wanted in (one.id, one.domain, one.initial)), None)

    def members(self, group: Group) -> list[User]:
        """The accounts that are direct members of a group."""
        found = (self.user_of(self._world.organisation.person(number)) for number in group.members)
        return [one for one in found if one is not None]
