"""Whose Egnyte account it is; and what Egnyte's refusals mean for an authorisation."""

from email.utils import parsedate_to_datetime

from haulage.model.errors import HaulageError, Throttled
from haulage.services.authorisation import Access, Identity
from haulage.services.bearer import Api
from haulage.services.egnyte.wire import User
from haulage.services.transport import Answer, Request, TokenRefused, retry_after_seconds

CODE_HEADER = "X-Mashery-Error-Code"
DAY_SECONDS = 86_400
OVER_QPS, OVER_DAY = "ERR_403_DEVELOPER_OVER_QPS", "ERR_403_DEVELOPER_OVER_RATE"


def reads(request: Request, answer: Answer) -> HaulageError | None:
    """What Egnyte's own words mean: a 403 may be a throttle, or a token that is not taken (QUIRKS Q1, Q2; T69)."""
    code = answer.headers.get(CODE_HEADER, "")
    if answer.status == 403 and code in (OVER_QPS, OVER_DAY):
        wait = retry_after_seconds(answer.headers)
        return Throttled(f"Egnyte: {code}", _until_midnight(answer) if wait is None and code == OVER_DAY else wait)
    if answer.status == 401 or code == "ERR_403_DEVELOPER_INACTIVE":
        return TokenRefused("Egnyte: the access token is refused")
    return None


def _until_midnight(answer: Answer) -> float | None:
    """Seconds until the day's calls are whole again (Q14), by the service's clock: questions before are counted too."""
    try:
        now = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        return None
    return DAY_SECONDS - now % DAY_SECONDS


class EgnyteAccount:
    """One account of a domain."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._host = access.settings["domain"]
        self._api = Api("Egnyte", access, (self._host,), reads)
        self._credentials = access.credentials

    async def identity(self) -> Identity:
        """See contract. Numbers of users are a domain's own, so the domain belongs to the id."""
        found = await self.user()
        name = found.email or f"{found.username} at {self._host}"
        return Identity(f"{self._host}/{found.id}", name, found.user_type == "admin")

    async def user(self) -> User:
        """Whose token it is."""
        return await self._api.get("GetUserInfo", f"https://{self._host}/pubapi/v1/userinfo", User)

    async def revoke(self) -> None:
        """End the authorisation: the access token and its refresh token."""
        token = await self._credentials.bearer()
        try:
            await self._api.form("RevokeToken", f"https://{self._host}/pubapi/v1/tokens/revoke", {"token": token})
        except TokenRefused:  # it has ended already
            return

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()
