"""Where the keys come from: the settings, or the chain that every AWS program asks."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from haulage.model.errors import AuthLost, Refused
from haulage.services.s3.sign import Keys, Signer

ASK_AGAIN_SECONDS = 60.0


def given_keys(settings: Mapping[str, str]) -> Keys | None:
    """The keys that the settings hold; None where they hold none. Raises Refused for half a pair."""
    key, secret = settings.get("access_key_id"), settings.get("secret_access_key")
    if bool(key) != bool(secret):
        missing = "secret_access_key" if key else "access_key_id"
        raise Refused(f"S3: {missing} is missing beside the other half of the key", f"Give {missing} too, or neither.")
    if not key or not secret:
        return None
    return Keys(key, secret, settings.get("session_token") or None)


class CredentialChain:
    """botocore's credential chain: profile, files, single sign-on, container, instance. Asked in a thread.

    Credentials that expire are renewed by botocore a quarter of an hour before; it is asked every minute.
    """

    def __init__(self, signer: Signer, profile: str | None) -> None:
        self._signer = signer
        self._profile = profile
        self._source: Any = None
        self._good_until = 0.0
        self._lock = asyncio.Lock()

    async def fresh(self) -> None:
        """See to it that the signer has keys that are good now. Raises AuthLost."""
        if time.monotonic() < self._good_until:
            return
        async with self._lock:
            if time.monotonic() >= self._good_until:
                self._signer.keys = await asyncio.to_thread(self._ask)
                renewable = hasattr(self._source, "refresh_needed")
                self._good_until = time.monotonic() + ASK_AGAIN_SECONDS if renewable else float("inf")

    def _ask(self) -> Keys:
        from botocore.exceptions import BotoCoreError

        try:
            self._source = self._source or session(self._profile).get_credentials()
            if self._source is None:
                raise AuthLost(
                    "S3: no credentials were found", "Set access_key_id and secret_access_key, or a profile."
                )
            frozen = self._source.get_frozen_credentials()
        except BotoCoreError as error:
            raise AuthLost(f"S3: the credentials could not be had: {str(error)[:300]}") from error
        return Keys(frozen.access_key, frozen.secret_key, frozen.token or None)


def session(profile: str | None) -> Any:
    """A botocore session; imported here, because most runs never need the quarter of a second that it takes."""
    import botocore.session

    return botocore.session.Session(profile=profile)


def chain_region(profile: str | None) -> str | None:
    """The region that the profile names. Raises Refused for a profile that is not there."""
    from botocore.exceptions import BotoCoreError

    try:
        region = session(profile).get_config_variable("region")
    except BotoCoreError as error:
        raise Refused(f"S3: {str(error)[:300]}", "Check the name of the profile.") from error
    return str(region) if region else None
