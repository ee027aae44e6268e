"""Whose keys they are: asked of STS at AWS, of the list of buckets elsewhere; and what is said where nobody tells."""

import pytest

from haulage.connectors.patience import Patience
from haulage.model.errors import AuthLost, Denied, HaulageError, Unreachable
from haulage.services.authorisation import Identity
from haulage.services.contract import Pacer
from haulage.services.s3 import account
from haulage.services.s3.account import caller, whose
from haulage.services.s3.place import Place
from testbed.servers import Moto, SeaweedFS

KEYS = {"access_key_id": "AKIA1", "secret_access_key": "secret"}
UNKNOWN = Identity("", "access key AKIA1")


async def test_sts_tells_the_account(moto: Moto) -> None:
    """moto answers STS too: the account's number is what stays, whichever user's key it is."""
    found = await caller(f"{moto.endpoint_url}/", KEYS, Place(KEYS, "", "us-east-1"), Patience("S3"))
    assert found is not None
    assert (found.id, found.name[:14]) == ("123456789012", "123456789012 (")


@pytest.mark.parametrize(
    ("region", "where"),
    [
        ("eu-central-1", "https://sts.eu-central-1.amazonaws.com/"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
    ],
)
@pytest.mark.parametrize("error", [None, Denied("no"), Unreachable("no")])
async def test_at_aws(monkeypatch: pytest.MonkeyPatch, region: str, where: str, error: HaulageError | None) -> None:
    """In the region's own address. One that cannot be reached or refuses the question is no fault of the keys."""
    asked = []

    async def answers(url: str, settings: object, place: Place, pacer: Pacer) -> Identity | None:
        asked.append((url, place.region))
        if error is not None:
            raise error
        return Identity("1", "one")

    monkeypatch.setattr(account, "caller", answers)
    found = await whose({**KEYS, "region": region}, Patience("S3"))
    assert asked == [(where, region)]
    assert found == (Identity("1", "one") if error is None else UNKNOWN)


async def test_the_owner_elsewhere(seaweed: SeaweedFS) -> None:
    """A store that names the owner; keys that it refuses are an error here too."""
    place = {"endpoint_url": seaweed.endpoint_url}
    for (key, secret), owner in (
        ((seaweed.access_key_id, seaweed.secret_access_key), "haulage"),
        (seaweed.second_key, "haulage"),
        (seaweed.strangers_key, "stranger"),
    ):
        found = await whose({**place, "access_key_id": key, "secret_access_key": secret}, Patience("S3"))
        assert found is not None and found.id == owner
    with pytest.raises(AuthLost):
        await whose({**place, **KEYS}, Patience("S3"))


async def test_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that is not there: nothing is known but the key's public half."""
    monkeypatch.setenv("HAULAGE_BACKOFF_SECONDS", "0.01")
    found = await whose({**KEYS, "endpoint_url": "http://127.0.0.1:9"}, Patience("S3"))
    assert found == UNKNOWN
