"""User and password as HTTP has them: Basic, and Digest (RFC 7616), whichever the server asks for."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from haulage.model.errors import Refused
from haulage.services.transport import Request

Way = Literal["none", "basic", "digest"]
SENT = "\0sent"
"""The key under which a request's headers keep what went along; it is never sent itself."""
_ALGORITHMS = {"md5": "md5", "md5-sess": "md5", "sha-256": "sha256", "sha-256-sess": "sha256"}
_SCHEME = re.compile(r"(?:^|,)\s*(?P<name>[A-Za-z][A-Za-z0-9-]*)(?=\s+[A-Za-z-]+\s*=|\s*(?:,|$))")
_PAIR = re.compile(r'([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class Login:
    """Signs requests. Nothing goes along until the server has asked for it, unless `auth` says what it takes.

    encrypted: whether the link is. Over an open one Digest is preferred, since it does not show the password.
    """

    def __init__(self, username: str, password: str, auth: str, *, encrypted: bool) -> None:
        if auth not in ("auto", "basic", "digest"):
            raise Refused(f"WebDAV: auth cannot be {auth!r}", "Use auto, basic or digest.")
        if ":" in username:
            raise Refused("WebDAV: a user name has no colon in it")
        self._username = username
        self._password = password
        self._allowed = auth
        self._encrypted = encrypted
        self._way: Way = "basic" if auth == "basic" and username else "none"
        self._challenge: dict[str, str] = {}
        self._count = 0

    def __repr__(self) -> str:
        """Without the password."""
        return f"Login({self._username!r})"

    def sign(self, request: Request) -> Mapping[str, str]:
        """The headers to send. Called for every attempt anew; what went along is noted in the request."""
        headers = {name: value for name, value in request.headers.items() if name != SENT}
        if self._way == "basic":
            pair = f"{self._username}:{self._password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif self._way == "digest":
            headers["Authorization"] = self._digest(request)
        request.headers = {**request.headers, SENT: headers.get("Authorization", "")}
        return headers

    def asked(self, request: Request, challenges: list[str]) -> bool:
        """The server refused and said what it wants: whether it is worth trying again.

        Being refused the same thing twice is final, but for a nonce that is no longer good.
        """
        if not self._username:
            return False
        sent = request.headers.get(SENT, "")
        offered = [offer for text in challenges for offer in parse_challenges(text)]
        digest = next((pairs for name, pairs in offered if name == "digest" and self._can(pairs)), None)
        basic = any(name == "basic" for name, _ in offered) and self._allowed != "digest"
        if digest is None or self._allowed == "basic" or (basic and self._encrypted and not sent):
            self._way = "basic" if basic else self._way
            return basic and not sent
        if sent.startswith("Digest") and digest.get("stale", "").lower() != "true":
            return f'nonce="{_quoted(self._challenge.get("nonce", ""))}"' not in sent  # another call has learnt a newer
        if sent.startswith("Basic") and self._encrypted and basic:
            return False
        self._way, self._challenge, self._count = "digest", digest, 0
        return True

    def _can(self, pairs: Mapping[str, str]) -> bool:
        qop = [one.strip() for one in pairs.get("qop", "").split(",")]
        return pairs.get("algorithm", "MD5").lower() in _ALGORITHMS and ("auth" in qop or qop == [""])

    def _digest(self, request: Request) -> str:
        """RFC 7616, 3.4; without qop as RFC 2069 had it."""
        pairs = self._challenge
        algorithm = pairs.get("algorithm", "MD5")
        parts = urlsplit(request.url)
        uri = parts.path + (f"?{parts.query}" if parts.query else "")
        realm, nonce, made = pairs.get("realm", ""), pairs.get("nonce", ""), secrets.token_hex(8)

        def hashed(text: str) -> str:
            return hashlib.new(_ALGORITHMS[algorithm.lower()], text.encode(), usedforsecurity=False).hexdigest()

        secret = hashed(f"{self._username}:{realm}:{self._password}")
        if algorithm.lower().endswith("-sess"):
            secret = hashed(f"{secret}:{nonce}:{made}")
        asked = hashed(f"{request.method}:{uri}")
        fields = {"username": self._username, "realm": realm, "nonce": nonce, "uri": uri}
        bare = {"algorithm": algorithm}
        if "qop" in pairs:
            self._count += 1
            count = f"{self._count:08x}"
            answer = hashed(f"{secret}:{nonce}:{count}:{made}:auth:{asked}")
            bare |= {"qop": "auth", "nc": count}
            fields["cnonce"] = made
        else:
            answer = hashed(f"{secret}:{nonce}:{asked}")
        fields["response"] = answer
        if "opaque" in pairs:
            fields["opaque"] = pairs["opaque"]
        quoted = [f'{name}="{_quoted(value)}"' for name, value in fields.items()]
        return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in bare.items())])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def parse_challenges(text: str) -> list[tuple[str, dict[str, str]]]:
    """The schemes of a WWW-Authenticate header, in lower case, each with its pairs; several may stand in one."""
    blank = _PAIR.sub(lambda match: match[1] + "=" + "x" * (len(match[0]) - len(match[1]) - 1), text)
    starts = [match for match in _SCHEME.finditer(blank) if blank[match.end() : match.end() + 1] != "="]
    found = []
    for match, following in zip(starts, [*starts[1:], None], strict=True):
        rest = text[match.end() : following.start() if following else len(text)]
        pairs = {
            pair[1].lower(): re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
            for pair in _PAIR.finditer(rest)
        }
        found.append((match["name"].lower(), pairs))
    return found
