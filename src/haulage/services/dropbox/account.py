"""Whose Dropbox account or team it is; and what Dropbox's refusals mean for an authorisation."""

from haulage.model.errors import Denied, HaulageError, NotAdministrator, Refused, ScopeMissing
from haulage.services.authorisation import Access, Identity
from haulage.services.bearer import Api, told_json
from haulage.services.dropbox.wire import Account, Admin, Team
from haulage.services.transport import Answer, Request, TokenRefused

API = "https://api.dropboxapi.com/2"
HOSTS = ("api.dropboxapi.com", "content.dropboxapi.com")
_ONE_ACCOUNT = "operates on a single dropbox account"
_TEAM_FUNCTION = "team management function"
Null = None


def reads(request: Request, answer: Answer) -> HaulageError | None:
    """What Dropbox's own words mean, where the status does not say it (QUIRKS Q1, Q2)."""
    error = told_json(answer).get("error")
    tag = str(error.get(".tag", "")) if isinstance(error, dict) else ""
    if answer.status == 401 and tag == "missing_scope" and isinstance(error, dict):
        scope = str(error.get("required_scope", "a scope"))[:80]
        return ScopeMissing(f"Dropbox: the authorisation does not include {scope}")
    if answer.status == 401:
        return TokenRefused(f"Dropbox: the access token is refused ({tag[:60] or 'no reason given'})")
    if answer.status == 403:
        return Denied(f"Dropbox: {request.operation} is not allowed ({tag[:60] or 'no reason given'})")
    if answer.status == 400:
        told = answer.body[:2000].decode(errors="replace").lower()
        if _ONE_ACCOUNT in told:
            return Refused("Dropbox: this authorisation is for a whole team", "Choose Dropbox Business (Admin) for it.")
        if _TEAM_FUNCTION in told:
            fix = "Sign in as a team admin, with an application that has the team scopes."
            return NotAdministrator("Dropbox: this authorisation is for a single account", fix)
    return None


class DropboxAccount:
    """One person's Dropbox."""

    def __init__(self, access: Access) -> None:
        self._api = Api("Dropbox", access, HOSTS, reads)
        self._access = access

    async def identity(self) -> Identity:
        """See contract."""
        found = await self._api.post("get_current_account", f"{API}/users/get_current_account", Account, Null)
        return Identity(found.account_id, found.email)

    async def revoke(self) -> None:
        """End the authorisation: this token, its refresh token and all that came of it."""
        try:
            await self._api.post(
                "token/revoke", f"{API}/auth/token/revoke", type(None), Null, headers=await self._acting()
            )
        except TokenRefused:  # it has ended already
            return

    async def _acting(self) -> dict[str, str]:
        """Headers that say for whom a function of a single account is called."""
        return {}

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


class TeamAccount(DropboxAccount):
    """A whole team, by one of its admins."""

    async def identity(self) -> Identity:
        """See contract. The account is the team."""
        try:
            admin = await self._admin()
            team = await self._api.post("team/get_info", f"{API}/team/get_info", Team, Null)
        except Denied as error:
            raise NotAdministrator(f"Dropbox: the account is no team admin ({error.message})") from error
        return Identity(team.team_id, team.name or admin.admin_profile.email, administrator=True)

    async def _admin(self) -> Admin:
        where = f"{API}/team/token/get_authenticated_admin"
        return await self._api.post("get_authenticated_admin", where, Admin, Null)

    async def _acting(self) -> dict[str, str]:
        """A team's token is revoked in the name of the admin that authorised it (QUIRKS Q4)."""
        return {"Dropbox-API-Select-User": (await self._admin()).admin_profile.team_member_id}
