"""Cloud Storage's JSON: only the fields that are read."""

from typing import TypeVar

import msgspec

from haulage.model.errors import Transient

OBJECT_FIELDS = (
    "name,generation,size,md5Hash,crc32c,updated,timeCreated,contentType,contentEncoding,contentLanguage,"
    "contentDisposition,cacheControl,metadata"
)
LIST_FIELDS = "kind,nextPageToken,prefixes,items(name,generation,size,md5Hash,crc32c,updated,timeCreated,metadata)"
T = TypeVar("T")


class Object(msgspec.Struct, rename="camel"):
    """An object's resource. Numbers of 64 bits come as text; what is not set is left out."""

    name: str
    generation: str
    size: str | None = None
    md5_hash: str | None = None
    crc32c: str | None = None
    updated: str | None = None
    time_created: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    metadata: dict[str, str | None] | None = None


class Objects(msgspec.Struct, rename="camel"):
    """A page of a listing. kind says that it is one: an empty page has nothing else in it."""

    kind: str
    items: list[Object] = []
    prefixes: list[str] = []
    next_page_token: str | None = None


class Bucket(msgspec.Struct):
    """One bucket of a project."""

    name: str


class Buckets(msgspec.Struct, rename="camel"):
    """A page of the project's buckets."""

    kind: str
    items: list[Bucket] = []
    next_page_token: str | None = None


class _Reason(msgspec.Struct):
    reason: str = ""


class Error(msgspec.Struct):
    """What an error answer says of itself."""

    message: str = ""
    errors: list[_Reason] = []

    @property
    def reason(self) -> str:
        """The first reason's word; "" where none is given."""
        return self.errors[0].reason if self.errors else ""


class _ErrorAnswer(msgspec.Struct):
    error: Error


class TokenAnswer(msgspec.Struct):
    """An access token, good for so many seconds."""

    access_token: str
    expires_in: float = 3600.0


class TokenError(msgspec.Struct):
    """Why there is no token (RFC 6749, 5.2)."""

    error: str
    error_description: str = ""


def read(body: bytes, kind: type[T], what: str) -> T:
    """The answer as that kind. Raises Transient for what is no such document (cut off, a page of something else)."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Transient(f"{what}: the answer cannot be read ({error})") from error


def read_error(body: bytes) -> Error:
    """An error's fields; empty ones where the body is no error document (a gateway's page)."""
    try:
        return msgspec.json.decode(body, type=_ErrorAnswer).error
    except msgspec.DecodeError:
        return Error()
