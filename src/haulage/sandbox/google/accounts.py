"""Who has a Google account here: the organisation's people, people elsewhere, groups, and a service account."""

from collections.abc import Iterable

import msgspec

from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.organisation.people import DOMAIN, Organisation, Person

SCOPE = "https://www.googleapis.com/auth/"
DELEGATED = tuple(
    SCOPE + name
    for name in (
        "drive", "drive.readonly", "admin.directory.user.readonly", "admin.directory.group.readonly",
        "admin.directory.group.member.readonly",
    )
)  # fmt: skip


class Account(msgspec.Struct, kw_only=True):
    """One account. key: its permission ID, the same on every file. id: what Directory and userinfo call it.

    customer: of its organisation. number: of the person behind it, 0 for a service account.
    """

    key: str
    id: str
    email: str
    name: str
    given: str = ""
    family: str = ""
    customer: str = ""
    number: int = 0
    aliases: tuple[str, ...] = ()
    department: str = ""
    administrator: bool = False
    suspended: bool = False
    licensed: bool = True
    weight: float = 0.0

    @property
    def domain(self) -> str:
        """The part of the address behind the @."""
        return self.email.partition("@")[2]

    @property
    def service(self) -> bool:
        """Whether no person is behind it."""
        return not self.number


class Team(msgspec.Struct, kw_only=True):
    """A group. members: keys of accounts; groups: keys of groups inside it."""

    key: str
    id: str
    email: str
    name: str
    members: tuple[str, ...]
    groups: tuple[str, ...] = ()


class Client(msgspec.Struct, kw_only=True):
    """An OAuth client. kind: desktop (any loopback redirect), web (its own redirects only) or tv (device flow).

    testing: its project's consent screen is external and in testing, so that refresh tokens end after seven days.
    """

    id: str
    secret: str
    project: str
    kind: str
    name: str
    redirects: tuple[str, ...] = ()
    testing: bool = False

    def takes(self, redirect: str) -> bool:
        """Whether a browser may be sent back there."""
        if self.kind == "desktop":
            heads = ("http://127.0.0.1", "http://localhost", "http://[::1]")
            return any(redirect == one or redirect.startswith((f"{one}:", f"{one}/")) for one in heads)
        return redirect in self.redirects


class Accounts:
    """All accounts, groups and clients. They follow from the seed; what can change is in `suspended` and `off`."""

    def __init__(self, ids: Ids, organisation: Organisation) -> None:
        self._ids = ids
        self.customer = "C" + ids.base32("google", "customer", count=8).lower()
        self.users = [self._person(one) for one in organisation.people]
        self.externals = [self._person(one) for one in organisation.externals]
        self.project = ids.digits("google", "project", count=12)
        self.other_project = ids.digits("google", "other project", count=12)
        self.robot = self._robot()
        everybody = [*self.users, *self.externals, self.robot]
        self.by_key = {one.key: one for one in everybody}
        self.by_email = {address: one for one in everybody for address in (one.email, *one.aliases)}
        self.by_id = {one.id: one for one in everybody}
        self.by_number = {one.number: one for one in everybody if one.number}
        self.groups = {one.email: one for one in self._teams(organisation)}
        self.groups_by_key = {one.key: one for one in self.groups.values()}
        self.groups_by_name = {one.name: one for one in self.groups.values()}
        self.groups_of = self._memberships()
        self.clients = {one.id: one for one in self._clients()}
        self.off: set[str] = set()

    @property
    def administrator(self) -> Account:
        """The first super administrator."""
        return self.users[0]

    def domain_key(self, domain: str) -> str:
        """The permission ID of a domain."""
        return self._ids.digits("google", "domain", domain, count=20) + "k"

    def find(self, address: str) -> Account | None:
        """The account of that address, alias or ID."""
        return self.by_email.get(address.lower()) or self.by_id.get(address)

    def _person(self, person: Person) -> Account:
        home = person.domain == DOMAIN
        words = ("google", "person", person.number)
        customer = self.customer if home else "C" + self._ids.base32("google", person.domain, count=8).lower()
        return Account(
            key=self._ids.digits(*words, "permission", count=20),
            id=self._ids.digits(*words, "id", count=21),
            email=person.email,
            name=person.name,
            given=person.given,
            family=person.family,
            customer=customer,
            number=person.number,
            aliases=person.aliases,
            department=person.department,
            administrator=person.role in ("admin", "coadmin"),
            suspended=not person.active,
            licensed=person.licensed,
            weight=person.weight if home else 0.05,
        )

    def _robot(self) -> Account:
        return Account(
            key=self._ids.digits("google", "robot", "permission", count=20),
            id=self._ids.digits("google", "robot", count=21),
            email=f"haulage@aurora-{self.project}.iam.gserviceaccount.com",
            name=f"haulage@aurora-{self.project}.iam.gserviceaccount.com",
        )

    def _teams(self, organisation: Organisation) -> Iterable[Team]:
        keys = {one.name: self._ids.digits("google", "group", one.name, count=20) for one in organisation.groups}
        for one in organisation.groups:
            yield Team(
                key=keys[one.name],
                id=self._ids.base32("google", "group id", one.name, count=15).lower(),
                email=one.email,
                name=one.name,
                members=tuple(self.by_number[number].key for number in one.members),
                groups=tuple(keys[name] for name in one.groups),
            )

    def _memberships(self) -> dict[str, frozenset[str]]:
        """Keys of the groups that each account is in, directly or through other groups."""
        above: dict[str, set[str]] = {}
        for team in self.groups.values():
            for inner in (*team.members, *team.groups):
                above.setdefault(inner, set()).add(team.key)
        found = {}
        for account in self.by_key:
            seen: set[str] = set()
            open_ = list(above.get(account, ()))
            while open_:
                key = open_.pop()
                if key not in seen:
                    seen.add(key)
                    open_.extend(above.get(key, ()))
            found[account] = frozenset(seen)
        return found

    def _clients(self) -> Iterable[Client]:
        def made(name: str, kind: str, project: str, **more: object) -> Client:
            tail = self._ids.base32("google", "client", name, count=32).lower()
            secret = "" if kind == "none" else "GOCSPX-" + self._ids.base64url("google", "secret", name, count=28)
            return Client(
                id=f"{project}-{tail}.apps.googleusercontent.com", secret=secret, project=project, kind=kind,
                name=name, **more,  # type: ignore[arg-type]  # the rest of Client's own fields
            )  # fmt: skip

        yield made("Haulage", "desktop", self.project)
        yield made("Haulage, second client", "desktop", self.project)
        yield made("Television", "tv", self.project)
        yield made("Somebody else's", "desktop", self.other_project)
        yield made("Being tested", "desktop", self._ids.digits("google", "testing", count=12), testing=True)
