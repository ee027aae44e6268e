"""Replies of the control connection, and what a refusal means. One number stands for much (Q3)."""

import re

import msgspec

from haulage.model.errors import (
    AuthLost,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    NameRefused,
    QuotaFull,
    Refused,
    Transient,
)

TOO_MANY = re.compile(r"too many|maximum|limit|connections", re.IGNORECASE)
DENIED = re.compile(r"permission|denied|not allowed|forbidden|read.?only", re.IGNORECASE)
EXISTS = re.compile(r"exists", re.IGNORECASE)
FULL = re.compile(r"no space|quota|disk full|exceeded", re.IGNORECASE)


PASSING = (421, 425, 450, 530)
"""Refusals that say nothing of the path."""


class Reply(msgspec.Struct, frozen=True):
    """A reply: its number and its lines without the number, still as bytes: names are in the server's encoding."""

    code: int
    lines: list[bytes]

    @property
    def text(self) -> str:
        """For a sentence: the first line, no longer than a line."""
        return self.lines[0].decode("utf-8", "replace")[:200] if self.lines else ""


class Negative(Exception):
    """A reply of 400 and above. The text is the server's own."""

    def __init__(self, verb: str, reply: Reply) -> None:
        super().__init__(f"{verb}: {reply.code} {reply.text}")
        self.verb = verb
        self.reply = reply

    @property
    def unknown(self) -> bool:
        """The server does not know, or does not offer, the command."""
        return self.reply.code in (500, 501, 502, 503, 504)


class LinkLost(Exception):
    """The control connection ended, or said what no server should."""


def meaning(error: Negative, path: str) -> HaulageError:
    """The model's error for a refusal."""
    code, text = error.reply.code, error.reply.text
    said = f"the server says {code} {text!r} to {error.verb}"
    text = _without(path, text)
    if code == 421 or code in (425, 426, 450, 451):
        return Transient(said)
    if code in (452, 552) or FULL.search(text):
        return QuotaFull(said)
    if code == 530:
        if TOO_MANY.search(text):
            return Transient(said)
        return AuthLost(said, "Check the user name and the password.")
    if code in (532, 533, 534, 522, 431):
        return Refused(said, "The server asks for another kind of encryption or login: see the encryption field.")
    if code == 553 and not DENIED.search(text):
        return NameRefused(f"{said} about {path!r}")
    if code in (550, 450) and EXISTS.search(text) and not re.search("not exist|n't exist", text):
        return Conflict(f"{said} about {path!r}")
    if code == 550 and not DENIED.search(text):
        return Gone(f"{path!r}: {said}")
    if 400 <= code < 500:
        return Transient(said)
    return Denied(f"{said} about {path!r}")


def _without(path: str, text: str) -> str:
    """The text without the path that it is about: a file may be called "disk quota exceeded"."""
    for named in filter(None, (path, path.rpartition("/")[2])):
        text = re.sub(rf"(?:/[^:\"']*)?(?<!\w){re.escape(named)}(?!\w)", "", text)
    return text
