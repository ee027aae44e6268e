"""Access tokens: for a service account by a signed assertion, for a person by a refresh token; renewed in time.

https://developers.google.com/identity/protocols/oauth2/service-account (2026-11).
"""

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from haulage.model.errors import AuthLost, HaulageError, Refused, Throttled, Transient
from haulage.services.authorisation import Identity
from haulage.services.contract import Pacer
from haulage.services.gcs.wire import TokenAnswer, TokenError, read
from haulage.services.transport import Answer, Request, Transport, retry_after_seconds

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
GOOGLE_HOSTS = ("oauth2.googleapis.com", "www.googleapis.com", "accounts.google.com")
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 3600
RENEW_BEFORE_SECONDS = 225.0
_WRONG_KEY = "Take the JSON key of a service account as Google made it, whole."


class Login(msgspec.Struct):
    """A key file of Google's: a service account's key, or what `gcloud auth application-default login` leaves."""

    client_email: str = ""
    private_key: str = ""
    private_key_id: str = ""
    token_uri: str = ""
    project_id: str = ""
    quota_project_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""

    def __repr__(self) -> str:
        """Without the secrets, for tracebacks and logs."""
        return f"Login({self.client_email or self.client_id!r})"


def read_login(settings: Mapping[str, str]) -> Login | None:
    """The credentials that the settings hold; None where they hold none. Raises Refused; never quotes them."""
    text = settings.get("service_account_key") or ""
    if not text and not settings.get("refresh_token") and (file := settings.get("credentials_file")):
        try:
            text = Path(file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise Refused(f"Cloud Storage: cannot read the credentials file {file}: {why}") from None
    if text:
        try:
            login = msgspec.json.decode(text.encode(), type=Login)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise Refused("Cloud Storage: the key is no JSON of Google's", _WRONG_KEY) from None
    elif settings.get("refresh_token"):
        names = ("client_id", "client_secret", "refresh_token")
        login = Login(**{name: settings.get(name) or "" for name in names})
    else:
        return None
    if not (login.client_email and login.private_key) and not (login.client_id and login.refresh_token):
        raise Refused("Cloud Storage: the key lacks the account's address, the client or the secret", _WRONG_KEY)
    return login


def whose(settings: Mapping[str, str]) -> Identity | None:
    """Whose keys they are: a service account tells its address, a person's refresh token nothing. Raises Refused."""
    login = read_login(settings)
    if login is None:
        return None
    if login.client_email:
        return Identity(login.client_email.lower(), login.client_email)
    return Identity("", f"a person, through the client {login.client_id}")


class Token:
    """Access tokens for these credentials, as `authorisation.Credentials`: each renewed before it expires.

    Makes no call before the first is wanted.
    """

    def __init__(self, login: Login, *, public: bool, pacer: Pacer, ca_file: str | None = None) -> None:
        self._login = login
        self._url = login.token_uri or TOKEN_URL
        parts = urlsplit(self._url)
        if public and (parts.scheme != "https" or parts.hostname not in GOOGLE_HOSTS):
            raise Refused("Cloud Storage: the key names a token address that is not Google's", _WRONG_KEY)
        self._key = _private_key(login.private_key) if login.private_key else None
        self._token = ""
        self._good_until = 0.0
        self._clock_offset = 0.0
        self._lock = asyncio.Lock()
        origin = f"{parts.scheme}://{parts.netloc}/"
        self._transport = Transport(origins=(origin,), judge=_judge, pacer=pacer, ca_file=ca_file)

    async def bearer(self) -> str:
        """See `Credentials.bearer`. Good for some minutes more."""
        if time.monotonic() >= self._good_until:
            async with self._lock:
                if time.monotonic() >= self._good_until:
                    found = read((await self._asked()).body, TokenAnswer, "Token")
                    self._token = found.access_token
                    longest = max(found.expires_in - RENEW_BEFORE_SECONDS, found.expires_in / 2)
                    self._good_until = time.monotonic() + longest
        return self._token

    async def refused(self, token: str) -> None:
        """See `Credentials.refused`."""
        if token == self._token:
            self._good_until = 0.0
        await self.bearer()

    async def revocable(self) -> str:
        """See `Credentials.revocable`. A service account's key is no token: it is deleted in Google's console."""
        return self._login.refresh_token

    async def _asked(self) -> Answer:
        try:
            return await self._transport.call(self._request())
        except _ClockWrong as wrong:
            self._clock_offset = wrong.offset_seconds
            return await self._transport.call(self._request())

    def _request(self) -> Request:
        login = self._login
        if self._key is not None:
            form = {"grant_type": ASSERTION, "assertion": self._assertion(self._key)}
        else:
            form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token, "client_id": login.client_id}
            if login.client_secret:
                form["client_secret"] = login.client_secret
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("Token", "POST", self._url, headers, urlencode(form).encode(), attempts=4)

    def _assertion(self, key: RSAKey) -> str:
        now = int(time.time() + self._clock_offset)
        login = self._login
        claims = {
            "iss": login.client_email,
            "scope": SCOPE,
            "aud": self._url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        header = {"alg": "RS256", "typ": "JWT"} | ({"kid": login.private_key_id} if login.private_key_id else {})
        return jwt.encode(header, claims, key)

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()


class _ClockWrong(HaulageError):
    """The assertion's times do not suit the service's clock (F40)."""

    def __init__(self, message: str, offset_seconds: float) -> None:
        super().__init__(message)
        self.offset_seconds = offset_seconds


def _private_key(pem: str) -> RSAKey:
    try:
        return RSAKey.import_key(pem)
    except (JoseError, ValueError, TypeError):
        raise Refused("Cloud Storage: the private key in the JSON cannot be read", _WRONG_KEY) from None


def _judge(request: Request, answer: Answer) -> HaulageError | None:
    """What Google's token address says. The reasons of `invalid_grant` are many and never told."""
    if answer.status == 200:
        return None
    if answer.status in (429, 503):
        return Throttled(f"Token: asked to wait ({answer.status})", retry_after_seconds(answer.headers))
    if answer.status >= 500 or answer.status == 408:
        return Transient(f"Token: {answer.status}")
    try:
        told = read(answer.body, TokenError, "Token")
    except Transient:
        return AuthLost(f"Google gives no access token ({answer.status})")
    said = f"{told.error}: {told.error_description}".strip(": ")[:300]
    if "Token must be a short-lived token" in said and (offset := _offset_seconds(answer.headers)) is not None:
        return _ClockWrong(f"Token: {said}", offset)
    if told.error in ("internal_failure", "server_error", "temporarily_unavailable"):
        return Transient(f"Token: {said}")
    fix = "Give a new key or sign in anew: this one was revoked, has expired, or is not allowed this."
    return AuthLost(f"Google gives no access token: {said} ({answer.status})", fix)


def _offset_seconds(headers: Mapping[str, str]) -> float | None:
    """How far the service's clock is ahead of ours, where that is over a minute."""
    try:
        offset = parsedate_to_datetime(headers.get("Date", "")).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
    return offset if abs(offset) > 60 else None
