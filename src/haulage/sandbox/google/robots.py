"""Service accounts: keys, domain-wide delegation, and the assertions that are exchanged for tokens.

Source: developers.google.com/identity/protocols/oauth2/service-account (2026-08).
"""

import json
from typing import Any

import msgspec

from haulage.sandbox.frame import signing
from haulage.sandbox.frame.clock import Clock
from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.frame.wire import Refusal
from haulage.sandbox.google.accounts import DELEGATED, Account, Accounts
from haulage.sandbox.google.errors import oauth_error

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
LONGEST_SECONDS = 3600
SKEW_SECONDS = 300
UNAUTHORISED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the "
    "scopes requested."
)
SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and "
    "exp values in the JWT claim."
)


class Robot(msgspec.Struct):
    """What can change of the service account. keys: PEM private keys by their IDs; delegated: exact scopes."""

    keys: dict[str, str] = {}
    delegated: tuple[str, ...] = DELEGATED


class Robots:
    """The organisation's one service account."""

    def __init__(self, ids: Ids, clock: Clock, accounts: Accounts) -> None:
        self._ids = ids
        self._clock = clock
        self._accounts = accounts
        self.state = Robot()

    def key_file(self) -> str:
        """The JSON key that the Cloud console would give; made at the first call."""
        state, robot = self.state, self._accounts.robot
        if not state.keys:
            state.keys[self._ids.hex("google", "robot key", count=40)] = signing.new_key()
        key_id, pem = next(iter(state.keys.items()))
        found = {
            "type": "service_account",
            "project_id": robot.email.partition("@")[2].partition(".")[0],
            "private_key_id": key_id,
            "private_key": pem,
            "client_email": robot.email,
            "client_id": robot.id,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": TOKEN_URL,
            "universe_domain": "googleapis.com",
        }
        return json.dumps(found, indent=2)

    def grant(self, assertion: str, origins: tuple[str, ...]) -> tuple[Account, frozenset[str]]:
        """In whose name, and for which scopes, a token is asked for. Raises Refusal.

        origins: token endpoints that may stand in `aud`. Google's own libraries name the public one, whatever
        endpoint they call; others name the one that they call.
        """
        claims = self._verified(assertion)
        if claims.get("aud") not in origins:
            raise _invalid(f"Invalid JWT: Failed audience check. The right audience is {TOKEN_URL}")
        self._check_times(claims)
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            raise Refusal(oauth_error(400, "invalid_scope", "Empty or missing scope not allowed."))
        subject = str(claims.get("sub") or claims.get("prn") or "")
        if not subject or subject == self._accounts.robot.email:
            return self._accounts.robot, scopes
        account = self._accounts.find(subject)
        if account is None or account.service:
            raise _invalid("Invalid email or User ID")
        if account.customer != self._accounts.customer or not scopes <= set(self.state.delegated):
            raise Refusal(oauth_error(401, "unauthorized_client", UNAUTHORISED))
        if account.suspended:
            raise _invalid("Account has been deleted")
        return account, scopes

    def _verified(self, assertion: str) -> dict[str, Any]:
        try:
            header, claims = signing.unverified(assertion)
        except signing.NotSigned:
            raise _invalid("Invalid JWT: Failed to parse the assertion.") from None
        if claims.get("iss") != self._accounts.robot.email:
            raise _invalid("Invalid grant: account not found")
        key_id = header.get("kid")
        for name, pem in self.state.keys.items():
            if key_id in (None, name) and header.get("alg") == "RS256":
                try:
                    return signing.verified(assertion, pem)
                except signing.NotSigned:
                    continue
        raise _invalid("Invalid JWT Signature.")

    def _check_times(self, claims: dict[str, Any]) -> None:
        now, begins, ends = self._clock.now(), claims.get("iat"), claims.get("exp")
        if not isinstance(begins, int | float) or not isinstance(ends, int | float):
            raise _invalid(SHORT_LIVED)
        if ends - begins > LONGEST_SECONDS or begins > now + SKEW_SECONDS or ends < now - SKEW_SECONDS:
            raise _invalid(SHORT_LIVED)


def _invalid(description: str) -> Refusal:
    return Refusal(oauth_error(400, "invalid_grant", description))
