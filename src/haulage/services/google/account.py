"""Whose Google account it is; and what Google's refusals mean for an authorisation."""

from urllib.parse import quote

from haulage.model.errors import (
    Denied,
    Gone,
    HaulageError,
    NoLicence,
    NotAdministrator,
    QuotaFull,
    ScopeMissing,
    Throttled,
)
from haulage.services.authorisation import Access, Identity
from haulage.services.bearer import Api, told_json
from haulage.services.google.wire import About, Person
from haulage.services.transport import Answer, Request, TokenRefused, retry_after_seconds

DRIVE = "https://www.googleapis.com/drive/v3"
DIRECTORY = "https://admin.googleapis.com/admin/directory/v1"
REVOKE = "https://oauth2.googleapis.com/revoke"
HOSTS = ("www.googleapis.com", "admin.googleapis.com", "oauth2.googleapis.com", "docs.google.com")
_THROTTLES = {"rateLimitExceeded", "userRateLimitExceeded"}
_CALLS_USED_UP = (
    "Run the same command again tomorrow: it goes on where it stopped. How many calls a day are taken is set by "
    "whoever owns the Cloud project, in its console under APIs and services, Google Drive API, Quotas."
)


def reason(answer: Answer) -> str:
    """The first reason of an error, such as "insufficientPermissions"; empty where there is none."""
    error = told_json(answer).get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def reads(request: Request, answer: Answer) -> HaulageError | None:
    """What Google's own words mean, where the status does not say it (QUIRKS Q1, Q2)."""
    if request.operation == "Revoke" and answer.status == 400:
        return Gone("Google: the token is not known any more")
    if answer.status == 401 and reason(answer) == "authError":
        return TokenRefused("Google: the access token is refused")
    if answer.status != 403:
        return None
    told = reason(answer)
    if told in _THROTTLES:
        return Throttled(f"Google: {told}", retry_after_seconds(answer.headers))
    if told == "dailyLimitExceeded":  # Q12
        return QuotaFull("Google: the Cloud project has used up the calls that it may make in a day", _CALLS_USED_UP)
    if told == "insufficientPermissions":
        return ScopeMissing(f"Google: the authorisation does not include what {request.operation} needs")
    if told == "accessNotConfigured":
        fix = "Enable the Google Drive API (and the Admin SDK API for a whole organisation) in the Cloud project."
        return ScopeMissing(f"Google: the interface behind {request.operation} is not enabled in the project", fix)
    return None


class DriveAccount:
    """One person's Google Drive."""

    def __init__(self, access: Access) -> None:
        self._api = Api("Google", access, HOSTS, reads)
        self._access = access

    async def identity(self) -> Identity:
        """See contract. `about` answers under any Drive scope."""
        try:
            found = await self._api.get("GetAbout", f"{DRIVE}/about?fields=user(permissionId,emailAddress)", About)
        except Denied as error:
            raise NoLicence(f"Google: this account has no Drive ({error.message})") from error
        return Identity(found.user.permission_id, found.user.email or found.user.permission_id)

    async def revoke(self) -> None:
        """End every grant of this person to the whole project (QUIRKS Q3)."""
        token = await self._access.credentials.revocable()
        try:
            await self._api.form("Revoke", REVOKE, {"token": token})
        except Gone:
            return

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


class WorkspaceAccount:
    """A whole organisation, by a service account that acts for an administrator."""

    def __init__(self, access: Access) -> None:
        self._api = Api("Google", access, HOSTS, reads)
        self._access = access
        self._administrator = access.settings.get("admin_email", "")

    async def identity(self) -> Identity:
        """See contract. The account is the organisation (its customer ID)."""
        address = f"{DIRECTORY}/users/{quote(self._administrator, safe='')}"
        try:
            found = await self._api.get("GetUser", address, Person)
        except (Denied, Gone) as error:
            raise NotAdministrator(f"Google: {self._administrator} may not read the organisation's users") from error
        if not found.administrator:
            raise NotAdministrator(f"Google: {found.email} is no administrator", "Name a super administrator.")
        domain = found.email.partition("@")[2]
        await self._api.get("GetAbout", f"{DRIVE}/about?fields=user(permissionId,emailAddress)", About)
        return Identity(found.customer or domain, domain, administrator=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()
