"""What the vendors' OAuth servers have in common: applications, grants, codes, tokens, and checks of who asks.

How long each lives, what it looks like and what an error says are the vendors' own, and stay with them.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import msgspec

from haulage.sandbox.frame.wire import Answer, Call, redirect
from haulage.sandbox.frame.world import World

TokenKind = Literal["access", "refresh", "device"]


class Application(msgspec.Struct, kw_only=True):
    """An application as it is registered. public: it has no secret, and may send none.

    certificates: PEM texts of the keys or certificates whose assertions are taken, by the id they are named by.
    details: what the vendor says besides.
    """

    client_id: str
    name: str = "An application"
    secret: str = ""
    redirect_uris: list[str] = []
    certificates: dict[str, str] = {}
    public: bool = False
    details: dict[str, Any] = {}


class Grant(msgspec.Struct, kw_only=True):
    """What an account allowed an application. user: the account's address; "" for the application by itself.

    ended: why it holds no longer ("revoked", "password" ...), "" while it does.
    """

    id: str
    client_id: str
    user: str
    scopes: tuple[str, ...]
    made_at: float
    details: dict[str, str] = {}
    ended: str = ""


class Token(msgspec.Struct, kw_only=True):
    """A token of a grant. expires_at: Unix time, None for never. ended: why it is dead before that, else ""."""

    value: str
    kind: TokenKind
    grant: str
    scopes: tuple[str, ...]
    expires_at: float | None
    ended: str = ""
    details: dict[str, str] = {}


class Code(msgspec.Struct, kw_only=True):
    """A one-time code on its way from the consent page to the token endpoint."""

    value: str
    client_id: str
    user: str
    scopes: tuple[str, ...]
    redirect_uri: str
    expires_at: float
    challenge: str = ""
    method: str = ""
    used: str = ""
    details: dict[str, str] = {}


class Records(msgspec.Struct, kw_only=True):
    """All that an OAuth server remembers; passwords: those that were changed, by account."""

    applications: dict[str, Application] = {}
    grants: dict[str, Grant] = {}
    tokens: dict[str, Token] = {}
    codes: dict[str, Code] = {}
    passwords: dict[str, str] = {}
    keys: dict[str, str] = {}
    made: int = 0


class OAuth:
    """The OAuth server's memory. records: for the vendor's own save and load."""

    def __init__(self, world: World, vendor: str) -> None:
        self._world = world
        self._vendor = vendor
        self.records = Records()

    def secret(self, count: int = 43, prefix: str = "") -> str:
        """A value that was never given out before; it follows from the seed and how many came before it."""
        self.records.made += 1
        made = "".join(
            self._world.ids.base64url(self._vendor, "secret", self.records.made, part, count=min(80, count - at))
            for part, at in enumerate(range(0, count, 80))
        )
        return prefix + made

    def register(self, application: Application) -> Application:
        """Take an application up, instead of one with the same id."""
        self.records.applications[application.client_id] = application
        return application

    def application(self, client_id: str) -> Application | None:
        """The application of that id."""
        return self.records.applications.get(client_id)

    def open(self, client_id: str, user: str, scopes: Iterable[str], **details: str) -> Grant:
        """A new grant."""
        grant = Grant(
            id=self.secret(16),
            client_id=client_id,
            user=user,
            scopes=tuple(scopes),
            made_at=self._world.clock.now(),
            details=details,
        )
        self.records.grants[grant.id] = grant
        return grant

    def issue(
        self,
        grant: Grant,
        kind: TokenKind,
        value: str,
        seconds: float | None,
        scopes: Iterable[str] | None = None,
        **details: str,
    ) -> Token:
        """A token of a grant, that lives so many seconds; None: until its grant ends."""
        expires_at = None if seconds is None else self._world.clock.now() + seconds
        chosen = grant.scopes if scopes is None else tuple(scopes)
        made = Token(value=value, kind=kind, grant=grant.id, scopes=chosen, expires_at=expires_at, details=details)
        self.records.tokens[value] = made
        return made

    def token(self, value: str, kind: TokenKind) -> tuple[Token, Grant] | None:
        """The token of that value with its grant, dead or alive; None if none such was ever given out."""
        found = self.records.tokens.get(value)
        if found is None or found.kind != kind:
            return None
        return found, self.records.grants[found.grant]

    def expired(self, one: Token | Code) -> bool:
        """Whether its time is over."""
        return one.expires_at is not None and one.expires_at <= self._world.clock.now()

    def alive(self, token: Token, grant: Grant) -> bool:
        """Whether the token still opens anything."""
        return not token.ended and not grant.ended and not self.expired(token)

    def bearer(self, call: Call) -> str:
        """The token in the Authorization header; "" without one."""
        kind, _, value = call.headers.get("Authorization", "").partition(" ")
        return value.strip() if kind.lower() == "bearer" else ""

    def code(self, asked: Code) -> Code:
        """Remember a code that goes out."""
        self.records.codes[asked.value] = asked
        return asked

    def grants_of(self, user: str = "", client_id: str = "") -> list[Grant]:
        """The grants that hold, of that account and application ("": of any)."""
        return [
            one
            for one in self.records.grants.values()
            if not one.ended and user in ("", one.user) and client_id in ("", one.client_id)
        ]

    def expire(self, user: str = "") -> int:
        """Let the access tokens of an account (""), of all, run out now. Returns how many."""
        now, count = self._world.clock.now(), 0
        for token in self.records.tokens.values():
            if token.kind != "access" or self.expired(token):
                continue
            if user in ("", self.records.grants[token.grant].user):
                token.expires_at = now
                count += 1
        return count


def client_of(call: Call, form: dict[str, str]) -> tuple[str, str, bool]:
    """Which application asks: its id, its secret, and whether it said so by HTTP Basic (RFC 6749, 2.3.1)."""
    kind, _, value = call.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return form.get("client_id", ""), "", True
        return unquote_plus(name), unquote_plus(secret), True
    return form.get("client_id", ""), form.get("client_secret", ""), False


def same_secret(one: str, other: str) -> bool:
    """Whether two secrets are the same."""
    return hmac.compare_digest(one.encode(), other.encode())


def challenge_met(code: Code, verifier: str) -> bool:
    """Whether the verifier is that of the code's challenge (RFC 7636); true where there was no challenge."""
    if not code.challenge:
        return True
    if code.method != "S256":
        return same_secret(code.challenge, verifier)
    digest = hashlib.sha256(verifier.encode()).digest()
    return same_secret(code.challenge, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


def return_to(uri: str, answer: dict[str, str], *, fragment: bool = False) -> Answer:
    """Send the browser back to the application, with the answer in the address's query, or behind its #."""
    parts = urlsplit(uri)
    if fragment:
        return redirect(urlunsplit(parts._replace(fragment=urlencode(answer))))
    query = [*parse_qsl(parts.query, keep_blank_values=True), *answer.items()]
    return redirect(urlunsplit(parts._replace(query=urlencode(query))))


def words(text: str) -> tuple[str, ...]:
    """The scopes in a text, each once, in their order."""
    return tuple(dict.fromkeys(text.split()))
