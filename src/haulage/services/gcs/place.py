"""Where a bucket is, and how its addresses are written."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from haulage.model.errors import NameRefused, Refused
from haulage.services.gcs.traits import LONGEST_NAME_BYTES

PUBLIC = "https://storage.googleapis.com"
_BAD_ADDRESS = "Write it as https://host or https://host:port."


class Place:
    """A root "bucket/prefix" at an endpoint; without an endpoint, Google's own.

    prefix: "" or ending in "/". base: scheme, host and port, without a slash at the end. Raises Refused.
    """

    def __init__(self, settings: Mapping[str, str], root: str) -> None:
        self.bucket, _, rest = root.partition("/")
        self.prefix = rest + "/" if rest and not rest.endswith("/") else rest
        self.base = _base(settings.get("endpoint_url") or PUBLIC)
        self.public = self.base == PUBLIC
        where = "google" if self.public else self.base.split("://", 1)[1]
        self.identity = f"gs://{where}/{self.bucket}/{self.prefix}".removesuffix("/")
        """The same for every spelling of the place."""

    @property
    def where(self) -> str:
        """The endpoint, as a person knows it."""
        return "Google Cloud Storage" if self.public else self.base.split("://", 1)[1]

    @property
    def origin(self) -> str:
        """What all calls begin with."""
        return self.base + "/"

    def name_of(self, path: str) -> str:
        """The whole name of the object at a path. Raises NameRefused."""
        name = self.prefix + path
        try:
            size = len(name.encode())
        except UnicodeEncodeError as error:
            raise NameRefused("Cloud Storage names are Unicode text, and this name is not") from error
        if size > LONGEST_NAME_BYTES:
            raise NameRefused(f"the name has {size} bytes of UTF-8; Cloud Storage takes {LONGEST_NAME_BYTES}")
        if name in (".", "..") or "\n" in name or "\r" in name or name.startswith(".well-known/acme-challenge/"):
            raise NameRefused("Cloud Storage does not take this name")
        return name

    def object_url(self, path: str, query: str) -> str:
        """The address of an object's resource or bytes; every slash of its name is written %2F. Raises NameRefused."""
        return f"{self.base}/storage/v1/b/{quote(self.bucket, safe='')}/o/{quote(self.name_of(path), safe='')}?{query}"

    def list_url(self, query: str) -> str:
        """The address of the bucket's listing."""
        return f"{self.base}/storage/v1/b/{quote(self.bucket, safe='')}/o?{query}"

    def upload_url(self, query: str) -> str:
        """The address that takes new objects."""
        return f"{self.base}/upload/storage/v1/b/{quote(self.bucket, safe='')}/o?{query}"

    def buckets_url(self, query: str) -> str:
        """The address of a project's buckets."""
        return f"{self.base}/storage/v1/b?{query}"

    def session_of(self, location: str) -> str:
        """Path and query of an upload's own address, whichever host it names: it is asked for at our endpoint alone.

        "" for what is no address of an upload.
        """
        try:
            parts = urlsplit(location)
        except ValueError:
            return ""
        return f"{parts.path}?{parts.query}" if parts.path.startswith("/") and parts.query else ""


def _base(endpoint: str) -> str:
    """An endpoint as it is called. An emulator's may come without a scheme, as STORAGE_EMULATOR_HOST does."""
    if "://" not in endpoint:
        endpoint = f"http://{endpoint}"
    try:
        parts = urlsplit(endpoint)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme.lower()
    except ValueError as error:
        raise Refused("Cloud Storage: the endpoint is no address", _BAD_ADDRESS) from error
    if scheme not in ("http", "https") or not host or parts.username or parts.query or parts.path.strip("/"):
        raise Refused("Cloud Storage: the endpoint is no address", _BAD_ADDRESS)
    host = f"[{host}]" if ":" in host else host
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host += f":{port}"
    return f"{scheme}://{host}"
