"""Who works there: people, groups and team spaces, uneven as in real organisations."""

import random
import unicodedata

import msgspec

DOMAIN = "aurora.example"
PARTNER_DOMAIN = "partner.example"
PERSONAL_DOMAIN = "mail.example"
ORGANISATION = "Aurora Works"
GIVEN = (
    "Ana", "Bela", "Chen", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ingrid", "José", "Kofi", "Lúcia",
    "Mateo", "Nadia", "Oluwaseun", "Priya", "Quentin", "Rosa", "Sven", "Tomáš", "Ursula", "Vikram", "Wanda",
    "Xin", "Yara", "Zoë",
)  # fmt: skip
FAMILY = (
    "Andersson", "Bauer", "Costa", "Dubois", "Eriksen", "Fernández", "García", "Hoffmann", "Ivanova", "Jansen",
    "Kowalski", "López", "Müller", "Nakamura", "Okafor", "Petrov", "Quispe", "Rossi", "Sørensen", "Tanaka",
    "Ueda", "Vargas", "Williams", "Xu", "Yılmaz", "Zhang",
)  # fmt: skip
DEPARTMENTS = ("Finance", "Engineering", "Sales", "Marketing", "Legal", "Operations", "People", "Support")
SPACES = ("Projects", "Marketing Assets", "Board", "Archive 2019–2023", "Design & Brand", "Company Wiki")


class Person(msgspec.Struct, frozen=True):
    """One person. number: from 1; login: the part of the address before the @, plain ASCII.

    role: admin, coadmin, member or external (somebody of another organisation). licensed, active: a person who is not
    cannot use a drive. provisioned: the drive was made already. weight: how much data, 0 for none.
    """

    number: int
    login: str
    given: str
    family: str
    role: str
    department: str
    domain: str = DOMAIN
    aliases: tuple[str, ...] = ()
    licensed: bool = True
    active: bool = True
    provisioned: bool = True
    weight: float = 1.0

    @property
    def name(self) -> str:
        """The name in full."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """The address."""
        return f"{self.login}@{self.domain}"


class Group(msgspec.Struct, frozen=True):
    """A group. members: numbers of people; groups: names of groups inside it."""

    name: str
    email: str
    members: tuple[int, ...]
    groups: tuple[str, ...] = ()


class Space(msgspec.Struct, frozen=True):
    """A shared drive, site or team folder. owners, members: numbers of people; group: who else may read it."""

    number: int
    name: str
    owners: tuple[int, ...]
    members: tuple[int, ...]
    group: str
    weight: float


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.translate(str.maketrans("ıøØß", "ioOs")))
    return "".join(one for one in decomposed if one.isascii() and one.isalnum()).lower()


class Organisation:
    """Everybody, by number. people: of the organisation; externals: of others; password: of each account."""

    def __init__(self, seed: int, users: int) -> None:
        """users: how many people the organisation has, at least 3."""
        self.seed = seed
        self.people = [self._person(number) for number in range(1, max(users, 3) + 1)]
        self.externals = [self._person(1_000_000 + number) for number in range(1, 6)]
        self._by_number = {one.number: one for one in (*self.people, *self.externals)}
        self.groups = self._groups()
        self.spaces = self._spaces()

    def person(self, number: int) -> Person:
        """The person of that number. Raises KeyError."""
        return self._by_number[number]

    def by_email(self, email: str) -> Person | None:
        """The person of that address or alias, in any case."""
        wanted = email.lower()
        return next((one for one in self._by_number.values() if wanted in (one.email, *one.aliases)), None)

    def password(self, person: Person) -> str:
        """What the person signs in with."""
        return f"pass-{person.login}-{self.seed}"

    def _person(self, number: int) -> Person:
        dice = random.Random(f"{self.seed}/person/{number}")  # noqa: S311 - made-up people
        given, family = dice.choice(GIVEN), dice.choice(FAMILY)
        login = f"{_plain(given)}.{_plain(family)}{number % 1_000_000}"
        if number > 1_000_000:
            return Person(number, login, given, family, "external", "", domain=PARTNER_DOMAIN)
        role = {1: "admin", 2: "coadmin"}.get(number, "member")
        regular = role != "member"
        alias = (f"{_plain(given)[:1]}{_plain(family)}{number}@{DOMAIN}",) if number % 3 == 0 else ()
        return Person(
            number=number,
            login=login,
            given=given,
            family=family,
            role=role,
            department=DEPARTMENTS[dice.randrange(len(DEPARTMENTS))],
            aliases=alias,
            licensed=regular or number % 17 != 0,
            active=regular or number % 23 != 0,
            provisioned=regular or number % 13 != 0,
            weight=1.0 if number <= 3 else 0.0 if number % 11 == 0 else min(dice.paretovariate(1.2), 40.0) / 2,
        )

    def _groups(self) -> list[Group]:
        groups = []
        for department in DEPARTMENTS:
            members = tuple(one.number for one in self.people if one.department == department)
            groups.append(Group(department, f"{_plain(department)}@{DOMAIN}", members))
        everyone = tuple(one.name for one in groups)
        return [*groups, Group("All Staff", f"all@{DOMAIN}", (), everyone), Group("Empty Group", f"empty@{DOMAIN}", ())]

    def _spaces(self) -> list[Space]:
        spaces = []
        for number, name in enumerate(SPACES, 1):
            dice = random.Random(f"{self.seed}/space/{number}")  # noqa: S311 - made-up teams
            members = tuple(sorted(dice.sample(range(1, len(self.people) + 1), min(len(self.people), 8))))
            spaces.append(Space(number, name, (1, members[0]), members, dice.choice(DEPARTMENTS), 2.0 + number % 3))
        return spaces
