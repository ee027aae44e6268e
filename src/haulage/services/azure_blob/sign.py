"""Credentials on a request: SharedKey of our own, a SAS (it stands in the URL already), or an Entra ID token."""

import asyncio
import base64
import functools
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from haulage.model.errors import AuthLost, Unreachable
from haulage.services.transport import Request

VERSION = "2023-11-03"
"""The protocol's version: names that XML cannot carry come encoded since 2021-02-12; emulators know it too."""

SCOPE = "https://storage.azure.com/.default"
FRESH_SECONDS = 300.0
LEAST_SKEW_SECONDS = 300.0

_SIGNED = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


class Clock:
    """This machine's clock, put right by the service's where that one refused our time (more than 15 minutes off)."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def date(self) -> str:
        """Now, as an HTTP date."""
        return formatdate(time.time() + self.offset_seconds, usegmt=True)

    def learn(self, date: str | None) -> bool:
        """Take over the service's time; True when that changes ours enough to be worth another attempt."""
        try:
            theirs = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return False
        offset = theirs - time.time()
        if abs(offset - self.offset_seconds) < LEAST_SKEW_SECONDS:
            return False
        self.offset_seconds = offset
        return True


class SharedKey:
    """Signs with the account's key. https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key"""

    def __init__(self, account: str, key: bytes, clock: Clock) -> None:
        self._account = account
        self._key = key
        self._clock = clock

    def __call__(self, request: Request) -> Mapping[str, str]:
        """The request's headers with date, version and signature."""
        headers = request.headers | {"x-ms-date": self._clock.date(), "x-ms-version": VERSION}
        text = string_to_sign(self._account, request.method, request.url, headers, len(request.body or b""))
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()
        headers["Authorization"] = f"SharedKey {self._account}:{signature}"
        return headers


def string_to_sign(account: str, method: str, url: str, headers: Mapping[str, str], length: int) -> str:
    """What the signature is made over. url: as it is sent. length: of the body; none is signed as nothing."""
    low = {name.lower(): value for name, value in headers.items()}
    low["content-length"] = str(length) if length else ""
    plain = [low.get(name, "") for name in _SIGNED]
    ours = sorted((name for name in low if name.startswith("x-ms-")), key=_weight)
    location, _, query = url.partition("?")
    path = location[location.index("/", location.index("://") + 3) :]
    values: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        values.setdefault(unquote(name).lower(), []).append(unquote(value))
    return "\n".join(
        [
            method,
            *plain,
            *(f"{name}:{low[name]}" for name in ours),
            f"/{account}{path}",
            *(f"{name}:{','.join(sorted(values[name]))}" for name in sorted(values)),
        ]
    )


def _weight(name: str) -> str:
    """The service sorts header names by culture, not by bytes: "-" has no weight, "_" comes before digits (Q3)."""
    return name.replace("-", "").replace("_", "!")


class Plain:
    """For a SAS: the signature stands in the URL."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, request: Request) -> Mapping[str, str]:
        """The request's headers with date and version."""
        return request.headers | {"x-ms-date": self._clock.date(), "x-ms-version": VERSION}


class Token:
    """An Entra ID token of the person or machine that runs this, kept until it is nearly over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._text = ""
        self._ends = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def ready(self) -> None:
        """Have a token that lives for some minutes more. Raises AuthLost, Unreachable."""
        async with self._one_at_a_time:
            if time.time() + FRESH_SECONDS < self._ends:
                return
            token = await asyncio.to_thread(_ask_for_token)
            self._text, self._ends = token.token, float(token.expires_on)

    def __call__(self, request: Request) -> Mapping[str, str]:
        """The request's headers with date, version and token."""
        return request.headers | {
            "x-ms-date": self._clock.date(),
            "x-ms-version": VERSION,
            "Authorization": f"Bearer {self._text}",
        }


@functools.cache
def _credential() -> Any:
    from azure.identity import DefaultAzureCredential  # takes half a second: only where it is needed

    return DefaultAzureCredential()


def _ask_for_token() -> Any:
    """Blocking. Raises AuthLost, Unreachable."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    try:
        return _credential().get_token(SCOPE)
    except ClientAuthenticationError as error:
        raise AuthLost(
            f"no Entra ID token for Azure Storage: {str(error).splitlines()[0][:200]}",
            "Set the account key or a SAS, or sign in with the Azure CLI (az login).",
        ) from error
    except AzureError as error:
        raise Unreachable(f"Entra ID cannot be asked for a token: {str(error).splitlines()[0][:200]}") from error
