"""Signing in to Haulage itself: password and one-time code, sessions, who acts for whom, tokens of programs."""

import hmac
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pyotp

from haulage.connectors import sealing
from haulage.ledger import audit, people, sessions
from haulage.ledger.audit import Actor
from haulage.ledger.sessions import Session, TokenRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.errors import Refused, SignInRefused, TooManyFailures
from haulage.model.person import Person, Role, Scope
from haulage.operations import passwords
from haulage.operations.people import key_hash, new_key
from haulage.operations.vaults import vault_of

IDLE_US = 30 * 60 * 1_000_000
LONGEST_US = 12 * 3600 * 1_000_000
FAILURES_US = 15 * 60 * 1_000_000
FAILURES_TOGETHER = 5
FAILURES_FROM = 50
CODE_SECONDS = 30
LONGEST_TOKEN_DAYS = 366
TOKEN_BEGINS = "hlg_"  # noqa: S105 - what a token begins with, by which it is found where it does not belong


class Who(msgspec.Struct, frozen=True):
    """Who is at the other end. person: whose rights and things count; by: the administrator who acts for them.

    session: its key's hash, empty for a program's token. scopes: of the token; None: all that the role allows.
    """

    person: Person
    session: str = ""
    by: Person | None = None
    scopes: tuple[str, ...] | None = None
    origin: str = "web"

    @property
    def actor(self) -> Actor:
        """For the audit trail."""
        return Actor(self.person.name, self.origin if self.by is None else f"{self.origin}, by {self.by.name}")


def sign_in(ledger: Ledger, name: str, password: str, code: str, address: str, agent: str) -> str:
    """Begin a session: the key for the browser's cookie. Raises SignInRefused, TooManyFailures (S31)."""
    places = [f"{name.casefold()[:100]} from {address}", f"from {address}"]
    _wait_after_failures(ledger, places)
    person = ledger.read(people.by_name, name)
    kept, second, _ = (None, None, None) if person is None else ledger.read(people.secrets, person.id)
    right = passwords.matches(kept, password)
    if person is None or not right or (second is not None and not _code_fits(ledger, person.id, second, code)):

        def note(connection: Connection) -> None:
            sessions.failed(connection, places, now_us() - FAILURES_US)
            audit.append(connection, Actor(name[:100], "web"), "sign-in failed", "sign-in", address=address)

        ledger.do(note)
        raise SignInRefused("signing in failed")
    return begin_session(ledger, person, address, agent, forgiven=places[0])


def begin_session(ledger: Ledger, person: Person, address: str, agent: str, forgiven: str = "") -> str:
    """A new session for a person who has shown who they are."""
    key = new_key()

    def begin(connection: Connection) -> None:
        sessions.forgive(connection, forgiven)
        sessions.begin(connection, key_hash(key), person.id, address, agent, now_us() - LONGEST_US)
        audit.append(connection, Actor(person.name, "web"), "sign-in", f"person {person.id}", address=address)

    ledger.do(begin)
    return key


def _wait_after_failures(ledger: Ledger, places: Sequence[str]) -> None:
    """Five failures of one name from one place, fifty of a place; then a wait that grows. Others are not kept out."""
    now = now_us()
    for place, most in zip(places, (FAILURES_TOGETHER, FAILURES_FROM), strict=True):
        seen = ledger.read(sessions.failures, place, now - FAILURES_US)
        if len(seen) >= most:
            wait = min(FAILURES_US, 60_000_000 * 2 ** min(len(seen) - most, 4))
            left = seen[-1] + wait - now
            if left > 0:
                fix = f"Try again in {-(-left // 60_000_000)} minutes."
                raise TooManyFailures("too many sign-ins failed", fix, -(-left // 1_000_000))


# --- sessions


def session(ledger: Ledger, key: str) -> tuple[Session, Who] | None:
    """Whose session a cookie is; None where it ended: after half an hour of nothing, twelve hours at most (S32)."""
    now = now_us()
    found = ledger.read(sessions.get, key_hash(key))
    if found is None or found.seen_us + IDLE_US < now or found.created_us + LONGEST_US < now:
        return None
    if found.seen_us + sessions.WRITE_SEEN_US < now:
        ledger.do(sessions.update, found.key_hash, seen_us=now)
    try:
        person = ledger.read(people.get, found.person_id)
        if found.acting_for is None:
            return found, Who(person, found.key_hash)
        allowed = [one for one in ledger.read(people.acting_for, person.id) if one.id == found.acting_for]
        if person.role != Role.ADMIN or not allowed:
            return found, Who(person, found.key_hash)
        return found, Who(allowed[0], found.key_hash, person)
    except Refused:  # the account was deleted
        return None


def wants_second(who: Who, *, beyond: bool) -> bool:
    """Whether a second factor has to be set up first: by administrators of a server that other machines reach (S29).

    Whoever signs in through the organisation's own sign-in has there what it asks for.
    """
    me = who.by or who.person
    return beyond and me.role == Role.ADMIN and not me.second and not me.elsewhere


def act_for(ledger: Ledger, who: Who, person_id: int | None) -> None:
    """Act for somebody from here on, or for nobody any more. Raises Refused (S43)."""
    me = who.by or who.person

    def act(connection: Connection) -> None:
        allowed = {one.id: one for one in people.acting_for(connection, me.id)}
        if person_id is not None and (person_id not in allowed or me.role != Role.ADMIN):
            raise Refused("you may not act for them", "They have to add you to their account first.")
        sessions.update(connection, who.session, acting_for=person_id)
        event = "act stop" if person_id is None else "act for"
        target = who.person.id if person_id is None else person_id
        audit.append(connection, Actor(me.name, "web"), event, f"person {target}")

    ledger.do(act)


def sign_out(ledger: Ledger, who: Who) -> None:
    """End this session at once."""
    me = who.by or who.person
    ledger.do(sessions.end, me.id, who.session)


# --- one-time codes


def new_second(person: Person) -> tuple[str, str]:
    """A secret for one-time codes, and its address for an authenticator. Nothing is kept yet."""
    secret = pyotp.random_base32()
    keep_secret((secret,))
    return secret, pyotp.TOTP(secret).provisioning_uri(name=person.name, issuer_name="Haulage")


def keep_second(ledger: Ledger, person: Person, secret: str, code: str, actor: Actor) -> None:
    """Ask for one-time codes from here on; the first one shows that the authenticator has the secret."""
    if not _fits(secret, code):
        raise Refused("the code does not fit", "Type the code that the authenticator shows now.")

    def keep(connection: Connection) -> None:
        bound = sealing.other(connection, "second", person.id)
        sealed = vault_of(ledger).seal({"secret": secret}, bound)
        people.update(connection, person.id, second=sealed, second_slot=None)
        audit.append(connection, actor, "second factor add", f"person {person.id}")

    ledger.do(keep)


def drop_second(ledger: Ledger, person: Person, password: str, actor: Actor) -> None:
    """Ask for no codes any more. Raises Refused."""
    if not passwords.matches(ledger.read(people.secrets, person.id)[0], password):
        raise Refused("the password is another one", "Type the password that you signed in with.")

    def drop(connection: Connection) -> None:
        people.update(connection, person.id, second=None, second_slot=None)
        audit.append(connection, actor, "second factor remove", f"person {person.id}")

    ledger.do(drop)


def _fits(secret: str, code: str) -> int | None:
    """The time slot whose code it is: now, or the one before and after."""
    now = int(time.time()) // CODE_SECONDS
    asked = pyotp.TOTP(secret)
    plain = "".join(one for one in code if one.isascii() and one.isdigit())[:20]
    fits = (slot for slot in (now, now - 1, now + 1) if hmac.compare_digest(asked.at(slot * CODE_SECONDS), plain))
    return next(fits, None)


def _code_fits(ledger: Ledger, person_id: int, sealed: bytes, code: str) -> bool:
    def use(connection: Connection) -> bool:
        opened = vault_of(ledger).open(sealed, sealing.other(connection, "second", person_id))
        slot = _fits(opened["secret"], code)
        return slot is not None and people.use_slot(connection, person_id, slot)

    return ledger.do(use)


# --- tokens of programs


def add_token(
    ledger: Ledger, person: Person, name: str, scopes: Sequence[str], days: int, actor: Actor
) -> tuple[TokenRow, str]:
    """A token for a program, and its key, which is told this once (S39). Raises Refused."""
    wrong = sorted(set(scopes) - set(Scope))
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise Refused("that cannot be a token's name", "Say in a few words what it is for.")
    if wrong or not scopes:
        raise Refused("no such scopes", f"Choose from {', '.join(Scope)}.")
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Refused(f"a token cannot be good for {days} days", f"Choose between 1 and {LONGEST_TOKEN_DAYS}.")
    key = TOKEN_BEGINS + new_key()
    keep_secret((key,))
    values: dict[str, Any] = {"person_id": person.id, "name": name.strip(), "prefix": key[:12]}
    expires = now_us() + days * 86_400_000_000

    def add(connection: Connection) -> TokenRow:
        sessions.add_token(
            connection, **values, key_hash=key_hash(key), scopes=" ".join(sorted(scopes)), expires_us=expires
        )
        audit.append(connection, actor, "token add", f"person {person.id}", name=name, scopes=sorted(scopes))
        return sessions.tokens_of(connection, person.id)[0]

    return ledger.do(add), key


def end_token(ledger: Ledger, person: Person, token_id: int, actor: Actor) -> None:
    """End it at once. Raises Refused where it is not that person's."""

    def end(connection: Connection) -> None:
        if not sessions.end_tokens(connection, person.id, token_id):
            raise Refused("there is no such token", "See the list of tokens.")
        audit.append(connection, actor, "token end", f"person {person.id}", token=token_id)

    ledger.do(end)


def by_token(ledger: Ledger, key: str) -> Who | None:
    """Whose token it is; None where it ended, or its time is over."""
    found = ledger.read(sessions.token, key_hash(key))
    if found is None or found.expires_us <= now_us():
        return None
    if (found.used_us or 0) + sessions.WRITE_SEEN_US < now_us():
        ledger.do(sessions.used, found.id)
    try:
        return Who(ledger.read(people.get, found.person_id), scopes=found.scopes, origin="api")
    except Refused:
        return None
