"""Fills buckets and containers with a tree, and says what is in them, by many requests at once.

None of this is code of ours that is under test: S3 is signed by botocore, Azure Blob by Microsoft's own client. Bodies
travel as one request each, so files stay below 256 MiB.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from testbed.content import Entry, Tree
from testbed.servers import Azurite, S3Server, blob_client, s3_client

AT_ONCE = 16
T = TypeVar("T")


class Refused(Exception):
    """A server did not take or give a file; the message holds what it said."""


async def each(things: Iterable[T], do: Callable[[T], Awaitable[None]]) -> None:
    """`do` for every thing, some at once."""
    waiting = iter(things)

    async def take() -> None:
        for thing in waiting:
            await do(thing)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(take())


async def ask(session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str], body: bytes) -> bytes:
    """One request to a URL that is quoted already. Raises Refused."""
    async with session.request(method, URL(url, encoded=True), headers=headers, data=body) as answer:
        received = await answer.read()
        if answer.status >= 300:
            raise Refused(f"{method} {url}: {answer.status} {received[:500]!r}")
        return received


class _Bucket:
    """A bucket's objects, one request each."""

    def __init__(self, server: S3Server, bucket: str, session: aiohttp.ClientSession):
        self._root = f"{server.endpoint_url}/{bucket}/"
        self._signer = S3SigV4Auth(Credentials(server.access_key_id, server.secret_access_key), "s3", server.region)
        self._session = session

    async def ask(self, method: str, key: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        """Put or get the object. Raises Refused."""
        url = self._root + quote(key, safe="/~")
        request = AWSRequest(method, url, headers=headers or {}, data=body)
        self._signer.add_auth(request)
        return await ask(self._session, method, url, dict(request.headers.items()), body)


async def fill_bucket(tree: Tree, server: S3Server, bucket: str, prefix: str = "") -> None:
    """Put the tree into a bucket, which is made if it is missing; an empty folder is a key that ends in a slash."""
    client = s3_client(server)
    known = [found["Name"] for found in (await asyncio.to_thread(client.list_buckets))["Buckets"]]
    if bucket not in known:
        await asyncio.to_thread(client.create_bucket, Bucket=bucket)
    async with aiohttp.ClientSession() as session:
        store = _Bucket(server, bucket, session)

        async def put(entry: Entry) -> None:
            await store.ask("PUT", prefix + entry.path, entry.body())

        await each(tree.files, put)
        for folder in tree.empty_folders:
            await store.ask("PUT", f"{prefix}{folder}/")


async def read_bucket(server: S3Server, bucket: str, prefix: str = "") -> dict[str, str]:
    """Path below the prefix -> SHA-256 of every object but the markers of folders, read back whole."""
    pages = s3_client(server).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = await asyncio.to_thread(lambda: [found["Key"] for page in pages for found in page.get("Contents", [])])
    digests: dict[str, str] = {}
    async with aiohttp.ClientSession() as session:
        store = _Bucket(server, bucket, session)

        async def get(key: str) -> None:
            digests[key.removeprefix(prefix)] = hashlib.sha256(await store.ask("GET", key)).hexdigest()

        await each((key for key in keys if not key.endswith("/")), get)
    return digests


def _container(server: Azurite, name: str) -> tuple[Any, str]:
    """Microsoft's client for the container, and the signed query with which anyone may use it for an hour."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    query = generate_container_sas(
        server.account_name,
        name,
        account_key=server.account_key,
        permission=ContainerSasPermissions(read=True, write=True, create=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    return blob_client(server).get_container_client(name), query


async def fill_container(tree: Tree, server: Azurite, container: str, prefix: str = "") -> None:
    """Put the tree into a container, which is made if it is missing; empty folders are left out, as Azure has none."""
    client, query = _container(server, container)
    if not await asyncio.to_thread(client.exists):
        await asyncio.to_thread(client.create_container)
    async with aiohttp.ClientSession() as session:

        async def put(entry: Entry) -> None:
            url = f"{server.endpoint_url}/{container}/{quote(prefix + entry.path, safe='/~')}?{query}"
            await ask(session, "PUT", url, {"x-ms-blob-type": "BlockBlob"}, entry.body())

        await each(tree.files, put)


async def read_container(server: Azurite, container: str, prefix: str = "") -> dict[str, str]:
    """Path below the prefix -> SHA-256 of every blob but the markers of folders, read back whole."""
    client, query = _container(server, container)
    names = await asyncio.to_thread(lambda: list(client.list_blob_names(name_starts_with=prefix)))
    digests: dict[str, str] = {}
    async with aiohttp.ClientSession() as session:

        async def get(name: str) -> None:
            url = f"{server.endpoint_url}/{container}/{quote(name, safe='/~')}?{query}"
            digests[name.removeprefix(prefix)] = hashlib.sha256(await ask(session, "GET", url, {}, b"")).hexdigest()

        await each((name for name in names if not name.endswith("/")), get)
    return digests
