"""What the sign-in service's own codes mean.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes (2026-08).

Numbers are read from `error_codes`, or from the AADSTS number where an answer to a redirect has only its text.
"""

import re
from collections.abc import Mapping
from typing import Any

from haulage.model.errors import AuthLost, ConsentPending, HaulageError, NotAdministrator, Refused

_NUMBER = re.compile(r"AADSTS(\d{4,7})")
_CONSENT = "Let an administrator grant the application consent for the organisation (Entra, Enterprise applications)."

_MEANINGS: dict[int, tuple[type[HaulageError], str, str]] = {
    65001: (ConsentPending, "nobody has consented to the application", _CONSENT),
    65004: (ConsentPending, "the consent was declined", "Start again, and accept what the application asks for."),
    90094: (ConsentPending, "an administrator has to consent to the application", _CONSENT),
    90093: (ConsentPending, "an administrator has to consent to the application", _CONSENT),
    7000215: (AuthLost, "the client secret is wrong", "Give the secret's value, not its ID."),
    7000222: (AuthLost, "the client secret has expired", "Make a new secret in the registration, and give it."),
    7000218: (AuthLost, "the registration wants a client secret or certificate", "Give one, or allow public clients."),
    700025: (AuthLost, "the registration is a public client and takes no secret", "Leave the client secret out."),
    700027: (AuthLost, "the certificate is not registered", "Upload its public half to the registration."),
    700016: (AuthLost, "the organisation does not know the application", "Check the client ID and the tenant."),
    90002: (Refused, "there is no such directory", "Check the tenant: its ID, or one of its domains."),
    50194: (Refused, "the application is registered for one organisation only", "Set tenant to that organisation."),
    50105: (AuthLost, "the account is not assigned to the application", "Let an administrator assign it in Entra."),
    50020: (NotAdministrator, "the account belongs to another organisation", "Sign in with an account of this one."),
    50057: (AuthLost, "the account is disabled", "Let an administrator enable it."),
    53003: (AuthLost, "a Conditional Access policy blocks the sign-in", "Let an administrator look at the policy."),
    50173: (AuthLost, "the sign-ins of this account were revoked", "Authorise again."),
    50076: (AuthLost, "the organisation wants a second factor", "Authorise again, and give it."),
    50079: (AuthLost, "the organisation wants a second factor to be set up", "Authorise again, and set it up."),
}


def explain(told: Mapping[str, Any]) -> HaulageError | None:
    """The error by its number; None where the words of OAuth say enough."""
    numbers = told.get("error_codes")
    first = numbers[0] if isinstance(numbers, list) and numbers else None
    if first is None and (found := _NUMBER.search(str(told.get("error_description", "")))):
        first = int(found[1])
    if first not in _MEANINGS:
        return None
    kind, meaning, fix = _MEANINGS[first]
    return kind(f"Microsoft: {meaning} (AADSTS{first})", fix)
