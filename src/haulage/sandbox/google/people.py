"""Who a token belongs to: the userinfo endpoints, and the keys behind ID tokens.

Source: developers.google.com/identity/openid-connect/openid-connect (2026-08).
"""

from typing import Any

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.google.accounts import SCOPE
from haulage.sandbox.google.caller import caller_of
from haulage.sandbox.google.errors import KIND

EMAIL = frozenset({"email", SCOPE + "userinfo.email"})
PROFILE = frozenset({"profile", SCOPE + "userinfo.profile"})
ANY_OF = "openid email profile userinfo.email userinfo.profile"


class People:
    """Handlers of userinfo."""

    def routes(self) -> list[Route]:
        """Its endpoints."""
        old, new = "www.googleapis.com", "openidconnect.googleapis.com"
        return [
            Route("GET", old, "/oauth2/v2/userinfo", "oauth2.userinfo.get", "openid", self.old, ANY_OF),
            Route("GET", old, "/userinfo/v2/me", "oauth2.userinfo.get", "openid", self.old, ANY_OF),
            Route("GET", old, "/oauth2/v3/userinfo", "openid.userinfo", "openid", self.new, ANY_OF),
            Route("GET", new, "/v1/userinfo", "openid.userinfo", "openid", self.new, ANY_OF),
        ]

    def old(self, call: Call) -> Answer:
        """GET /oauth2/v2/userinfo"""
        return self._told(call, "id", "verified_email")

    def new(self, call: Call) -> Answer:
        """GET /v1/userinfo"""
        return self._told(call, "sub", "email_verified")

    def _told(self, call: Call, id_name: str, verified_name: str) -> Answer:
        caller = caller_of(call)
        account, told = caller.account, {id_name: caller.account.id}
        shown: dict[str, Any] = {}
        if caller.scopes & EMAIL:
            shown |= {"email": account.email, verified_name: True}
        if caller.scopes & PROFILE:
            shown |= {"name": account.name, "given_name": account.given, "family_name": account.family}
            shown["picture"] = f"https://lh3.googleusercontent.com/a/{account.key}"
        if account.customer and caller.scopes & EMAIL:
            shown["hd"] = account.domain
        return json_answer({**told, **shown}, kind=KIND)
