"""People and how they begin: the first administrator's link, invitations, roles, delegation, leaving."""

import hashlib
import secrets
from typing import Any

from haulage.ledger import audit, migration_rows, people, sessions, shares
from haulage.ledger import connectors as connector_rows
from haulage.ledger import schedules as schedule_rows
from haulage.ledger.audit import Actor
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.errors import Refused
from haulage.model.person import Notices, Person, Role
from haulage.operations import departures, passwords

CLAIM_SECONDS = 3600
LONGEST_NAME = 100
LONGEST_EMAIL = 254


def new_key() -> str:
    """256 bits that nobody guesses, in no log from here on."""
    key = secrets.token_urlsafe(32)
    keep_secret((key,))
    return key


def key_hash(key: str) -> str:
    """As a key is kept. It is random and long: a plain hash tells nothing of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def first_claim(ledger: Ledger, local: str) -> str | None:
    """The key of a one-time link that makes the first administrator; None once anybody was here (S27)."""
    key = new_key()

    def offer(connection: Connection) -> bool:
        if people.any_at_all(connection):
            return False
        people.offer(connection, key_hash(key), None, local, now_us() + CLAIM_SECONDS * 1_000_000)
        return True

    return key if ledger.do(offer) else None


def claimed_for(ledger: Ledger, key: str) -> tuple[bool, Person | None]:
    """Whether a one-time link is good, and for whom; nobody yet: the first administrator."""

    def look(connection: Connection) -> tuple[bool, Person | None]:
        found = people.offered(connection, key_hash(key))
        if found is None or (found[0] is None and people.any_at_all(connection)):
            return False, None
        return True, None if found[0] is None else people.get(connection, found[0])

    return ledger.read(look)


def claim(ledger: Ledger, key: str, name: str, password: str, origin: str = "web") -> Person:
    """Begin with a one-time link: choose a password, and as the first administrator a name. Raises Refused."""
    good, person = claimed_for(ledger, key)
    if not good:
        raise Refused("this link was used, or its hour is over", "Ask for a new one.")
    if person is None:
        name = _name(name)
    passwords.check(password, person.name if person else name)
    kept = passwords.hashed(password)

    def begin(connection: Connection) -> Person:
        found = people.offered(connection, key_hash(key))
        if found is None or not people.take_offer(connection, key_hash(key)):
            raise Refused("this link was used, or its hour is over", "Ask for a new one.")
        known = people.get(connection, found[0]) if found[0] is not None else None
        if known is None:
            if people.any_at_all(connection):
                raise Refused("there is an administrator already", "Sign in.")
            known = people.add(connection, name, Role.ADMIN, found[1])
        people.update(connection, known.id, password=kept)
        sessions.end(connection, known.id)
        audit.append(connection, Actor(known.name, origin), "person begin", f"person {known.id}", role=known.role)
        return known

    return ledger.do(begin)


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refused("that cannot be a name", f"Give a name or an e-mail address of up to {LONGEST_NAME} characters.")
    return name


def invite(ledger: Ledger, name: str, role: Role, actor: Actor) -> tuple[Person, str]:
    """Add a person. Returns them and the key of the link with which they begin. Raises Refused."""
    name, key = _name(name), new_key()

    def add(connection: Connection) -> Person:
        person = people.add(connection, name, role)
        people.offer(connection, key_hash(key), person.id, None, now_us() + 24 * CLAIM_SECONDS * 1_000_000)
        audit.append(connection, actor, "person add", f"person {person.id}", name=name, role=role)
        return person

    return ledger.do(add), key


def change_password(ledger: Ledger, person: Person, old: str, new: str, session: str, actor: Actor) -> None:
    """Change it; every other session of that person ends. Raises Refused."""
    if not passwords.matches(ledger.read(people.secrets, person.id)[0], old):
        raise Refused("the password so far is another one", "Type the password that you signed in with.")
    passwords.check(new, person.name)
    kept = passwords.hashed(new)

    def change(connection: Connection) -> None:
        people.update(connection, person.id, password=kept)
        sessions.end(connection, person.id, but=session)
        audit.append(connection, actor, "person password", f"person {person.id}")

    ledger.do(change)


def set_notices(ledger: Ledger, person: Person, notices: Notices, email: str) -> None:
    """When a person wants to be told of a run's end, and where; empty: nowhere. Raises Refused."""
    email = email.strip()
    plain = len(email) <= LONGEST_EMAIL and email.isprintable() and not set(email) & set(" ,;<>")
    if email and not (plain and email.count("@") == 1 and all(email.split("@"))):
        raise Refused("that is no e-mail address", "Write one such as ada@example.com, or leave it empty.")
    ledger.do(people.update, person.id, notices=notices, email=email or None)


def delegate(ledger: Ledger, person: Person, name: str, actor: Actor) -> None:
    """Let an administrator act for a person. Raises Refused."""

    def let(connection: Connection) -> None:
        to = people.by_name(connection, name)
        if to is None or to.role != Role.ADMIN or to.id == person.id:
            raise Refused(f"there is no other administrator {name!r}", "Give the name of an administrator.")
        people.delegate(connection, person.id, to.id)
        audit.append(connection, actor, "delegate add", f"person {person.id}", delegate=to.name)

    ledger.do(let)


def undelegate(ledger: Ledger, person: Person, delegate_id: int, actor: Actor) -> None:
    """Let them act no longer; whoever is at it stops at once."""

    def stop(connection: Connection) -> None:
        people.undelegate(connection, person.id, delegate_id)
        sessions.end_acting(connection, person.id, delegate_id)
        audit.append(connection, actor, "delegate remove", f"person {person.id}", delegate=delegate_id)

    ledger.do(stop)


async def leave(ledger: Ledger, person: Person, actor: Actor, *, anyway: bool = False) -> list[departures.Left]:
    """Delete a person's account with their connectors (revoked and destroyed), schedules and migrations; runs stay.

    Returns the connectors whose authorisation could not be revoked: then the account stays, unless `anyway`. The last
    administrator cannot leave while others are here. Raises Refused.
    """
    others = [one for one in ledger.read(people.every) if one.id != person.id]
    if person.role == Role.ADMIN and others and not any(one.role == Role.ADMIN for one in others):
        raise Refused("you are the only administrator", "Make somebody else an administrator first.")
    ledger.do(schedule_rows.end_all, person.id)
    owned = [row for row in ledger.read(connector_rows.every) if person.owns(row.owner)]
    ledger.do(migration_rows.end_using, [row.id for row in owned])
    stuck = []
    for row in owned:
        left = await departures.delete(ledger, row.name, actor, anyway=anyway)
        if not left.gone:
            stuck.append(left)
    if stuck:
        return stuck

    def end(connection: Connection) -> None:
        sessions.end(connection, person.id)
        sessions.end_tokens(connection, person.id)
        sessions.end_acting(connection, person.id)
        shares.end_all(connection, person.id)
        people.end(connection, person.id)
        audit.append(connection, actor, "person leave", f"person {person.id}", name=person.name)

    ledger.do(end)
    return []


def told(person: Person) -> dict[str, Any]:
    """As a document."""
    return {"id": person.id, "name": person.name, "role": person.role.value, "created_us": person.created_us}
