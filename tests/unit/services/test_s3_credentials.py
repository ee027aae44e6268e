"""Keys from the settings, and from the chain that every AWS program asks."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from haulage.model.errors import AuthLost, Refused
from haulage.services.s3 import S3, credentials
from haulage.services.s3.credentials import CredentialChain, chain_region, given_keys
from haulage.services.s3.drive import S3Drive
from haulage.services.s3.sign import Keys, Signer
from testbed.servers import SeaweedFS


class FreePacer:
    """Lets every call out."""

    async def ready(self) -> None:
        return None

    def throttled(self, wait_seconds: float | None) -> None:
        return None

    def answered(self) -> None:
        return None

    def at_most(self, calls_a_second: float) -> None:
        return None


class Renewing:
    """Credentials as botocore's that expire; counts how often they are asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def refresh_needed(self) -> bool:
        return False

    def get_credentials(self) -> "Renewing":
        return self

    def get_frozen_credentials(self) -> Any:
        self.asked += 1
        return type("Frozen", (), {"access_key": f"KEY{self.asked}", "secret_key": "s", "token": "t"})


def write_profile(home: Path, name: str, key: str, secret: str) -> None:
    folder = home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    (folder / "config").write_text(f"[profile {name}]\nregion = eu-north-1\n")


def test_given_keys_come_first() -> None:
    keys = {"access_key_id": "AKID", "secret_access_key": "s", "session_token": "t"}
    assert given_keys(keys) == Keys("AKID", "s", "t")
    assert given_keys({**keys, "session_token": ""}) == Keys("AKID", "s")
    assert given_keys({"region": "x"}) is None
    for half in ("access_key_id", "secret_access_key"):
        with pytest.raises(Refused):
            given_keys({half: "x"})


def test_given_keys_need_no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import takes a quarter of a second; most runs never need it."""
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    S3.open_drive({"access_key_id": "AKID", "secret_access_key": "s"}, "bucket", FreePacer())


async def test_a_profile_is_found(seaweed: SeaweedFS, bucket: str, own_home: Path) -> None:
    """Keys and region from the AWS files; good enough for a real server."""
    write_profile(own_home, "team", seaweed.access_key_id, seaweed.secret_access_key)
    assert chain_region("team") == "eu-north-1"
    drive = S3Drive({"profile": "team", "endpoint_url": seaweed.endpoint_url}, bucket, FreePacer())
    assert drive._place.region == "eu-north-1"
    try:
        await drive.check(write=True, create=True)
        assert (await drive.tree(None)).items == []
    finally:
        await drive.close()


async def test_a_wrong_secret_is_told(seaweed: SeaweedFS, bucket: str, own_home: Path) -> None:
    """By the server, and in words that name the way out."""
    write_profile(own_home, "team", seaweed.access_key_id, "wrong")
    drive = S3Drive({"profile": "team", "endpoint_url": seaweed.endpoint_url}, bucket, FreePacer())
    try:
        with pytest.raises(AuthLost) as caught:
            await drive.check(write=False, create=False)
    finally:
        await drive.close()
    assert "wrong" not in caught.value.message
    assert caught.value.fix


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(Refused, match="nobody"):
        S3.open_drive({"profile": "nobody"}, "bucket", FreePacer())


async def test_no_credentials_at_all() -> None:
    """Told at the first call, as lost authorisation: nothing else can succeed either."""
    drive = S3.open_drive({}, "bucket", FreePacer())
    with pytest.raises(AuthLost, match="no credentials"):
        await drive.check(write=False, create=False)
    assert sum(drive.calls.values()) == 0


async def test_credentials_that_expire_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """T24: once a minute, which costs nothing while they are good; those that never expire are asked for once."""
    source = Renewing()
    monkeypatch.setattr(credentials, "session", lambda profile: source)
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    signer = Signer(None, "us-east-1")
    chain = CredentialChain(signer, None)
    for seconds, key in ((0, "KEY1"), (30, "KEY1"), (31, "KEY2"), (10, "KEY2")):
        clock[0] += seconds
        await chain.fresh()
        assert signer.keys == Keys(key, "s", "t")
    monkeypatch.delattr(Renewing, "refresh_needed")
    chain = CredentialChain(signer, None)
    await chain.fresh()
    clock[0] += 10**6
    await chain.fresh()
    assert source.asked == 3


async def test_a_broken_chain_is_lost_authorisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own error is told, and another try asks again."""
    from botocore.exceptions import CredentialRetrievalError

    class Broken(Renewing):
        def get_frozen_credentials(self) -> Any:
            raise CredentialRetrievalError(provider="sso", error_msg="the session has expired")

    monkeypatch.setattr(credentials, "session", lambda profile: Broken())
    chain = CredentialChain(Signer(None, "us-east-1"), None)
    for _ in range(2):
        with pytest.raises(AuthLost, match="has expired"):
            await chain.fresh()
