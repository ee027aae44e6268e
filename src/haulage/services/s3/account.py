"""Whose keys they are: the account at AWS; elsewhere whom the store calls the owner of the buckets."""

from collections.abc import Mapping

from haulage.model.errors import AuthLost, HaulageError
from haulage.services.authorisation import Identity
from haulage.services.contract import Pacer
from haulage.services.s3 import wire
from haulage.services.s3.credentials import CredentialChain, given_keys
from haulage.services.s3.drive import Connection
from haulage.services.s3.judge import Judge
from haulage.services.s3.place import Place
from haulage.services.s3.sign import EMPTY_SHA256, Signer
from haulage.services.transport import Request, Transport

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def named(settings: Mapping[str, str]) -> Identity | None:
    """What the settings alone tell: the public half of a key, which is no account. None where AWS's chain is asked."""
    key = settings.get("access_key_id")
    return Identity("", f"access key {key}") if key else None


async def whose(settings: Mapping[str, str], pacer: Pacer) -> Identity | None:
    """Whose keys they are; where nobody tells, what the settings alone tell. Raises AuthLost."""
    connection = Connection({**settings, "addressing": "path"}, "", pacer)
    try:
        if connection.place.aws:
            region = connection.place.region
            where = f"https://sts.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}/"
            return await caller(where, settings, connection.place, pacer)
        return await _owner(connection) or named(settings)
    except AuthLost:
        raise
    except HaulageError:  # good keys that may not ask, or a place that is not reached from here: no fault of theirs
        return named(settings)
    finally:
        await connection.transport.close()


async def _owner(connection: Connection) -> Identity | None:
    """By the answer to ListBuckets, in which some stores name one owner for all their users, and some nobody."""
    url, headers = f"{connection.place.service_url}?max-buckets=1", {"x-amz-content-sha256": EMPTY_SHA256}
    answer = await connection.transport.call(Request("ListBuckets", "GET", url, headers, attempts=3))
    owner = next(iter(wire.parse_records(answer.body, "ListAllMyBucketsResult", {}, "Owner")), {})
    found, name = owner.get("ID", "").strip(), owner.get("DisplayName", "").strip()
    return Identity(found, name or found) if found else None


async def caller(where: str, settings: Mapping[str, str], place: Place, pacer: Pacer) -> Identity | None:
    """By STS at that address, which tells it to every key, whatever that may do else.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html (2026-11)
    """
    keys = given_keys(settings)
    signer = Signer(keys, place.region, service="sts")
    transport = Transport(
        origins=(where,),
        sign=signer.sign,
        judge=Judge(place, signer, lambda: None),
        pacer=pacer,
        ca_file=settings.get("ca_file") or None,
        fresh=None if keys else CredentialChain(signer, settings.get("profile") or None).fresh,
    )
    request = Request("GetCallerIdentity", "POST", where, {"content-type": FORM}, attempts=3)
    request.body = b"Action=GetCallerIdentity&Version=2011-06-15"
    try:
        answer = await transport.call(request)
    finally:
        await transport.close()
    found = wire.parse_records(answer.body, "GetCallerIdentityResponse", {}, "GetCallerIdentityResult")
    account, arn = (found[0].get("Account", ""), found[0].get("Arn", "")) if found else ("", "")
    return Identity(account, f"{account} ({arn.rpartition(':')[2]})") if account else named(settings)
