"""A second pair of eyes on each server: what a vendor's own client, or the file system, says and does there."""

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import boto3
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContentSettings
from botocore.config import Config
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from testbed.dav import DavServer


class Witness(Protocol):
    """Acts below one root, without any of our code. Paths are relative to it."""

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        """Put a file there as somebody else would."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file."""
        ...

    def fetch(self, path: str) -> bytes | None:
        """The bytes at that path as they are stored; None when there is nothing."""
        ...

    def leftovers(self, files: set[str]) -> list[str]:
        """Whatever is kept below the root besides these files: unfinished uploads, temporary files."""
        ...


class LocalWitness:
    """The file system itself."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)

    def remove(self, path: str) -> None:
        (self._root / path).unlink()

    def fetch(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def leftovers(self, files: set[str]) -> list[str]:
        found = [Path(folder) / name for folder, _, names in os.walk(self._root) for name in names]
        return sorted({str(path.relative_to(self._root)) for path in found} - files)


class S3Witness:
    """boto3, with everything switched off that changes what is sent."""

    def __init__(self, endpoint: str, key: str, secret: str, root: str) -> None:
        self.bucket, _, prefix = root.partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        extra = {} if content_encoding is None else {"ContentEncoding": content_encoding}
        self._client.put_object(Bucket=self.bucket, Key=self._prefix + path, Body=body, **extra)

    def remove(self, path: str) -> None:
        self._client.delete_object(Bucket=self.bucket, Key=self._prefix + path)

    def fetch(self, path: str) -> bytes | None:
        try:
            return bytes(self._client.get_object(Bucket=self.bucket, Key=self._prefix + path)["Body"].read())
        except self._client.exceptions.NoSuchKey:
            return None

    def leftovers(self, files: set[str]) -> list[str]:
        uploads = self._client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [upload["Key"] for upload in uploads if upload["Key"].startswith(self._prefix)]


class GcsWitness:
    """google-cloud-storage. An unfinished upload cannot be listed by anybody: it must only never become visible."""

    def __init__(self, endpoint: str, root: str) -> None:
        bucket, _, prefix = root.partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        options = {"api_endpoint": endpoint}
        client = storage.Client(project="haulage", credentials=AnonymousCredentials(), client_options=options)
        self._bucket = client.bucket(bucket)

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        blob = self._bucket.blob(self._prefix + path)
        blob.content_encoding = content_encoding
        blob.upload_from_string(body, content_type="application/octet-stream")

    def remove(self, path: str) -> None:
        self._bucket.blob(self._prefix + path).delete()

    def fetch(self, path: str) -> bytes | None:
        try:
            return bytes(self._bucket.blob(self._prefix + path).download_as_bytes(raw_download=True))
        except NotFound:
            return None

    def leftovers(self, files: set[str]) -> list[str]:
        return []


class DavWitness:
    """requests, a client of no WebDAV in particular; and the folder that the server serves."""

    def __init__(self, bed: DavServer, root: str) -> None:
        self._url = f"{bed.url}{root}/"
        self._tree = bed.tree / root
        self._session = requests.Session()
        self._session.auth = (bed.username, bed.password)
        self._session.headers["Accept-Encoding"] = "identity"

    def _ask(self, method: str, path: str, body: bytes | None = None) -> requests.Response:
        return self._session.request(method, self._url + quote(path), data=body, timeout=30)

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        parts = path.split("/")[:-1]
        for count in range(len(parts)):
            self._ask("MKCOL", "/".join(parts[: count + 1]))
        self._ask("PUT", path, body).raise_for_status()

    def remove(self, path: str) -> None:
        self._ask("DELETE", path).raise_for_status()

    def fetch(self, path: str) -> bytes | None:
        answer = self._ask("GET", path)
        return None if answer.status_code == 404 else answer.content

    def leftovers(self, files: set[str]) -> list[str]:
        found = {path.relative_to(self._tree).as_posix() for path in self._tree.rglob("*") if path.is_file()}
        return sorted(found - files)


class AzureWitness:
    """azure-storage-blob. Blocks of a given-up upload cannot be removed; they must only never become visible."""

    def __init__(self, endpoint: str, account: str, key: str, root: str) -> None:
        container, _, prefix = root.partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        credential = {"account_name": account, "account_key": key}
        self._client = BlobServiceClient(endpoint, credential=credential).get_container_client(container)

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        settings = ContentSettings(content_encoding=content_encoding)
        self._client.upload_blob(self._prefix + path, body, overwrite=True, content_settings=settings)

    def remove(self, path: str) -> None:
        self._client.delete_blob(self._prefix + path)

    def fetch(self, path: str) -> bytes | None:
        try:
            return bytes(self._client.download_blob(self._prefix + path).readall())
        except ResourceNotFoundError:
            return None

    def leftovers(self, files: set[str]) -> list[str]:
        return []
