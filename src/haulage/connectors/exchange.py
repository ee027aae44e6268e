"""Sends the messages of OAuth to a token endpoint, and tells its refusals apart (F20-F22).

Refused for good (GrantEnded, ClientRefused, ...), throttled, in trouble (Transient), and no answer at all
(OutcomeUnknown: it may have taken effect) are different things: only the first ends an authorisation.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from haulage.connectors.oauth import Declined, Granted, Message, read_granted
from haulage.connectors.patience import Patience
from haulage.model.errors import AuthLost, ConsentPending, HaulageError, ScopeMissing, Throttled, Transient, Unreachable
from haulage.services.authorisation import OAuth, Route
from haulage.services.transport import Answer, Limits, Request, Transport, limits, retry_after_seconds

LARGEST_ANSWER = 1024 * 1024
TOLD = 300
TAKEN_NO_MORE = "does not take the authorisation any more"


class GrantEnded(AuthLost):
    """The code, refresh token or assertion is not taken (any more): invalid_grant."""

    default_fix = "Authorise again."


class ClientRefused(AuthLost):
    """The application itself is not taken: unknown, or with a wrong or expired secret."""

    default_fix = "Check client ID and secret against the application's registration; a secret expires."


class StillWaiting(AuthLost):
    """The person has not signed in at the other device yet. slower: the service wants to be asked less often."""

    def __init__(self, slower: bool) -> None:
        super().__init__("nobody has signed in yet")
        self.slower = slower


class Exchange:
    """Sends messages of one service in one realm. Hosts are those of the declaration's own addresses."""

    def __init__(self, oauth: OAuth, hosts: tuple[str, ...], route: Route, within: Limits | None = None) -> None:
        self._oauth = oauth
        self._origins = tuple(f"https://{host}/" for host in hosts)
        self._route = route
        self._limits = within or limits()

    async def granted(self, message: Message) -> Granted:
        """Ask for tokens. Raises GrantEnded, ClientRefused, ScopeMissing, ConsentPending, Declined, StillWaiting,
        Transient or Unreachable (it took no effect, or trouble there), OutcomeUnknown (no answer)."""
        told = await self.told(message)
        found = read_granted(told)
        if found is None:
            raise Transient(f"{message.operation}: the answer holds no access token")
        return found

    async def told(self, message: Message) -> Mapping[str, Any]:
        """Send, and return the answer's JSON. Raises likewise. One attempt: whoever asks knows whether to ask again."""
        transport = Transport(
            origins=self._origins,
            judge=self._judged,
            pacer=Patience("the sign-in service", self._limits),
            limits=self._limits,
            route=self._route,
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        request = Request(message.operation, "POST", message.url, headers, message.body.encode(), repeatable=False)
        request.attempts, request.largest_answer = 1, LARGEST_ANSWER
        try:
            return _json(await transport.call(request))
        finally:
            await transport.close()

    def _judged(self, request: Request, answer: Answer) -> HaulageError | None:
        if 200 <= answer.status < 300:
            return None
        told = _json(answer)
        error = str(told.get("error", ""))
        text = f"{error or answer.status}: {str(told.get('error_description', ''))[:TOLD]}".rstrip(": ")
        if answer.status == 429 or (answer.status == 409 and "Retry-After" in answer.headers):
            return Throttled(f"{request.operation}: {text}", retry_after_seconds(answer.headers))
        if error in ("authorization_pending", "slow_down"):
            return StillWaiting(error == "slow_down")
        if answer.status >= 500 or error in ("temporarily_unavailable", "server_error", "internal_failure"):
            return _Trouble(f"the sign-in service has trouble ({text})")
        if self._oauth.explain is not None and (known := self._oauth.explain(told)) is not None:
            return known
        return _by_word(error, text)


class _Trouble(Unreachable):
    """The sign-in service says that it cannot answer now: nobody's authorisation has ended for that (F22)."""

    default_fix = "Nothing is wrong with the authorisation; try again later."


def _by_word(error: str, text: str) -> HaulageError:
    """What a refusal means by the words of RFC 6749 and 8628."""
    if error in ("access_denied", "authorization_declined"):
        return Declined(f"the service was told no ({text})")
    if error in ("invalid_grant", "expired_token", "bad_verification_code"):
        return GrantEnded(f"the service {TAKEN_NO_MORE} ({text})")
    if error == "invalid_scope":
        return ScopeMissing(f"the service does not grant what was asked for ({text})")
    if error in ("consent_required", "interaction_required"):
        return ConsentPending(f"the service wants a consent first ({text})")
    if error in ("invalid_client", "unauthorized_client"):
        return ClientRefused(f"the service does not take the application ({text})")
    return AuthLost(f"the service refused ({text})", "Check the application's registration and the settings.")


def _json(answer: Answer) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
