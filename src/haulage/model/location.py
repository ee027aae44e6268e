"""A location: where files are, written as a URL or as `connector-name:/path`."""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from haulage.model.errors import Refused

SERVERS = frozenset({"dav", "davs", "sftp", "ftp", "ftps"})
"""Schemes whose URLs name a server, and may name its port and a user."""

EXAMPLES = "Write file:///folder, s3://bucket/prefix, az://container/prefix, or connector-name:/path."


class Location(msgspec.Struct, frozen=True):
    """A parsed location. Either `scheme` (a URL's) or `connector` (a name) is set.

    root: the path inside, without slashes around it ("bucket/prefix", "user@host:port/path"); for scheme "file" an
    absolute path.
    """

    shown: str
    root: str
    scheme: str | None = None
    connector: str | None = None


def parse(text: str) -> Location:
    """Parse what a person wrote. Raises Refused, with examples.

    A key's characters stand as they are in s3:// and az:// URLs; in file:// URLs they are percent-decoded, as in any
    URL of a file. A path that begins with "/", "./" or "../" is a local folder.
    """
    if "://" not in text:
        text = text.lstrip()  # not at the end: a folder's name may end with a space
    if not text:
        raise Refused("the location is empty", EXAMPLES)
    if not _is_text(text):
        raise Refused("the location is not UTF-8 text", _fix_of_bytes(text))
    if text.startswith(("/", "./", "../")) or text in (".", ".."):
        return Location(text, str(Path(text).absolute()), scheme="file")
    if match := re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", text, re.DOTALL):
        return _url(text, match[1].lower(), match[2])
    name, colon, path = text.partition(":")
    if colon and name and "/" not in name and (not path or path.startswith("/")):
        return Location(text, path.strip("/"), connector=name)
    fix = EXAMPLES if colon else f"For a folder of this machine write ./{text} or its whole path. {EXAMPLES}"
    raise Refused(f"{text!r} is not a location", fix)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fix_of_bytes(text: str) -> str:
    """How a folder is named whose name is other bytes."""
    if text.startswith(("/", "./", "../")):
        return f"Write it as a URL: file://{quote(os.fsencode(Path(text).absolute()))}"
    return EXAMPLES


def _url(text: str, scheme: str, rest: str) -> Location:
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise Refused(f"{text!r} names a host; only files of this machine can be reached", EXAMPLES)
        return Location(text, "/" + unquote(path, errors="surrogateescape").strip("/"), scheme="file")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise Refused(f"{text!r} names no {'server' if scheme in SERVERS else 'bucket or container'}", EXAMPLES)
    if scheme in SERVERS:
        if ":" in bucket.rpartition("@")[0]:
            raise Refused("a location holds no password", "Give it by environment, option or connector.")
    elif "@" in bucket or ":" in bucket:
        raise Refused("a location holds no user, key or port", "Give keys by environment, option or connector.")
    prefix = prefix[:-1] if prefix.endswith("/") else prefix
    return Location(text, f"{bucket}/{prefix}" if prefix else bucket, scheme=scheme)


def overlap(source: str, destination: str) -> str | None:
    """Whether two drive identities are the same tree or one inside the other: a sentence, or None."""
    first, second = source.rstrip("/") + "/", destination.rstrip("/") + "/"
    if first == second:
        return "the source and the destination are the same"
    if second.startswith(first):
        return "the destination lies inside the source"
    if first.startswith(second):
        return "the source lies inside the destination"
    return None
