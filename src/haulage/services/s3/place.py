"""Where a bucket is: which host answers for it, in which region, and how its addresses are written."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from haulage.model.errors import NameRefused, Refused
from haulage.services.s3.sign import encoded

LONGEST_KEY_BYTES = 1024
_AWS_HOST = re.compile(r"s3[.-](?:(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]+)\.)?amazonaws\.com(?:\.cn)?")
_REGION = re.compile(r"[A-Za-z0-9-]{1,40}")
_HOST_LABEL_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class Place:
    """A root "bucket/prefix" at an endpoint. Without an endpoint: AWS, by region.

    prefix: "" or ending in "/". root_url: what stands before a key in its address. origin: what all calls begin with.
    Raises Refused for settings that name no place.
    """

    def __init__(self, settings: Mapping[str, str], root: str, region: str) -> None:
        self.bucket, _, rest = root.partition("/")
        self.prefix = rest + "/" if rest and not rest.endswith("/") else rest
        self.region = region
        self._addressing = settings.get("addressing") or "auto"
        if self._addressing not in ("auto", "path", "virtual"):
            raise Refused(f"S3: addressing cannot be {self._addressing!r}", "Use auto, path or virtual.")
        self._former: tuple[str, ...] = ()
        self._read_endpoint(settings.get("endpoint_url") or "")
        self._build()

    def _read_endpoint(self, endpoint: str) -> None:
        self.aws = not endpoint
        self._scheme, self._host, self._base = "https", "", ""
        if self.aws:
            return
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError as error:
            raise Refused("S3: the endpoint is no address", "Write it as https://host or https://host:port.") from error
        self._scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
        if self._scheme not in ("http", "https") or not host or parts.username or parts.query:
            raise Refused("S3: the endpoint is no address", "Write it as https://host or https://host:port.")
        named = _AWS_HOST.fullmatch(host)
        if named and self._scheme == "https" and port is None:
            self.aws, self.region = True, named["region"] or self.region
            return
        self._host = f"[{host}]" if ":" in host else host
        if port is not None and port != {"http": 80, "https": 443}[self._scheme]:
            self._host += f":{port}"
        self._base = parts.path.rstrip("/")

    def _build(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise Refused(f"S3: {self.region!r} is no region")
        host = self._host
        if self.aws:
            host = f"s3.{self.region}.amazonaws.com" + (".cn" if self.region.startswith("cn-") else "")
        bucket = quote(self.bucket, safe="")
        virtual = self._addressing == "virtual" or (
            self._addressing == "auto" and self.aws and bool(_HOST_LABEL_BUCKET.fullmatch(self.bucket))
        )
        service = f"{self._scheme}://{host}{self._base}/"
        self.service_url = service
        if virtual and bucket:
            self.origin = f"{self._scheme}://{bucket}.{host}/"
            self.root_url = f"{self._scheme}://{bucket}.{host}{self._base}/"
            self._bucket_url = self.root_url
        else:
            self.origin = f"{self._scheme}://{host}/"
            self.root_url = f"{service}{bucket}/"
            self._bucket_url = f"{service}{bucket}"

    @property
    def where(self) -> str:
        """The endpoint, as a person knows it."""
        return f"AWS ({self.region})" if self.aws else self._host + self._base

    @property
    def identity(self) -> str:
        """The same for every spelling of the place."""
        return f"s3://{'aws' if self.aws else self.where}/{self.bucket}/{self.prefix}".removesuffix("/")

    @property
    def etag_may_be_md5(self) -> bool:
        """False for directory buckets, whose ETags never are (Q9)."""
        return not self.bucket.endswith("--x-s3")

    def key_of(self, path: str) -> str:
        """The whole key of a path. Raises NameRefused for what is too long or no Unicode text."""
        key = self.prefix + path
        if len(key) > LONGEST_KEY_BYTES // 4:
            try:
                size = len(key.encode())
            except UnicodeEncodeError as error:
                raise NameRefused("S3 keys are Unicode text, and this name is not") from error
            if size > LONGEST_KEY_BYTES:
                raise NameRefused(f"the key has {size} bytes of UTF-8; S3 takes {LONGEST_KEY_BYTES}")
        return key

    def url(self, key: str, query_text: str = "") -> str:
        """The address of an object, to be sent as it is. Raises NameRefused."""
        try:
            url = self.root_url + encoded(key)
        except UnicodeEncodeError as error:
            raise NameRefused("S3 keys are Unicode text, and this name is not") from error
        return f"{url}?{query_text}" if query_text else url

    def bucket_url(self, query_text: str = "") -> str:
        """The address of the bucket itself."""
        return f"{self._bucket_url}?{query_text}" if query_text else self._bucket_url

    def move(self, region: str, url: str) -> str | None:
        """Correct the region; returns `url` rewritten to where the bucket is. None where that is no region."""
        if not _REGION.fullmatch(region):
            return None
        if region != self.region:
            self._former = (self.root_url, self._bucket_url, self.service_url)
            self.region = region
            self._build()
        for old, new in zip(self._former, (self.root_url, self._bucket_url, self.service_url), strict=False):
            if url.startswith(old):
                return new + url.removeprefix(old)
        return url
