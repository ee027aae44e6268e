"""Whose Box account it is; and what Box's refusals mean for an authorisation."""

from haulage.model.errors import Denied, Gone, HaulageError, NotAdministrator, ScopeMissing
from haulage.services.authorisation import Access, Identity
from haulage.services.bearer import Api, told_json
from haulage.services.box.application import client
from haulage.services.box.wire import Anything, User
from haulage.services.transport import Answer, Request, TokenRefused

API = "https://api.box.com/2.0"
REVOKE = "https://api.box.com/oauth2/revoke"
HOSTS = ("api.box.com", "upload.box.com")
ADMINISTRATORS = {"admin", "coadmin"}


def reads(request: Request, answer: Answer) -> HaulageError | None:
    """What Box's own words mean, where the status does not say it (QUIRKS Q1)."""
    if answer.status == 401:
        return TokenRefused("Box: the access token is refused")
    if request.operation == "Revoke" and answer.status == 400:
        return Gone("Box: the token is not known any more")
    if answer.status == 403 and told_json(answer).get("code") == "insufficient_scope":
        return ScopeMissing(f"Box: the application is not allowed what {request.operation} needs")
    return None


class BoxAccount:
    """One account, or the enterprise that it administers."""

    def __init__(self, access: Access, *, enterprise: bool) -> None:
        self._api = Api("Box", access, HOSTS, reads)
        self._access = access
        self._enterprise = enterprise

    async def identity(self) -> Identity:
        """See contract. Of an administrator's connector the account is the enterprise."""
        found = await self._api.get("GetMe", f"{API}/users/me?fields=id,login,role,enterprise", User)
        if not self._enterprise:
            return Identity(found.id, found.login or found.id, found.role in ADMINISTRATORS)
        if self._access.way == "code" and found.role not in ADMINISTRATORS:
            raise NotAdministrator(
                f"Box: {found.login} is no admin or co-admin", "Sign in as one, or choose Box (Single User)."
            )
        try:
            await self._api.get("ListUsers", f"{API}/users?limit=1&fields=id", Anything)
        except Denied as error:
            raise NotAdministrator("Box: the account may not list the enterprise's users") from error
        if found.enterprise is None:
            raise NotAdministrator(f"Box: {found.login} belongs to no enterprise", "Choose Box (Single User).")
        return Identity(found.enterprise.id, found.enterprise.name or found.login, administrator=True)

    async def revoke(self) -> None:
        """End the authorisation: access and refresh token."""
        identifier, secret = client(self._access.settings)
        token = await self._access.credentials.revocable()
        try:
            values = {"client_id": identifier, "client_secret": secret, "token": token}
            await self._api.form("Revoke", REVOKE, values)
        except Gone:
            return

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()
