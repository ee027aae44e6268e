"""The log: JSON lines for whoever has to find out what happened. No secret and no raw name gets into it.

It tells of the beginnings and ends of runs, of problems, waits and unexpected errors; never of an item that succeeded.
"""

import fcntl
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

NAME = "haulage.log"
LARGEST_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5
PROBLEMS_A_RUN = 1000
REDACTED = "[redacted]"
SHORTEST_SECRET = 4

_secrets: dict[str, None] = {}
_SECRET_PARTS = {"accountkey", "sharedaccesssignature", "sharedaccesskey", "sig"}
_SECRET_KEY = re.compile(
    r"secret|passw|passphrase|token|authorization|cookie|signature|credential|api[_-]?key|account[_-]?key"
    r"|private[_-]?key|connection[_-]?string|^sas$|^sig$",
    re.IGNORECASE,
)
_VALUE = r"""["']?\s*[:=]\s*["']?"""
_REDACTIONS = (
    # a whole header: Authorization: AWS4-HMAC-SHA256 Credential=..., Signature=...
    re.compile(rf"(?i)(\b(?:proxy-)?authorization{_VALUE})[^\r\n\"'}}]+"),
    re.compile(rf"(?i)(\b(?:x-amz-security-token|set-cookie|cookie|x-ms-copy-source){_VALUE})[^\r\n\"'}}]+"),
    re.compile(r"(?i)(\b(?:bearer|basic|sharedkey|sharedkeylite)\s+)[A-Za-z0-9+/=._~:-]{6,}"),
    re.compile(r"(?i)(\b(?:signature|credential)=)[^\s,&;\"']+"),
    # a query: ?sig=...&X-Amz-Signature=...
    re.compile(
        r"(?i)([?&](?:sig|code|state|x-amz-signature|x-amz-credential|x-amz-security-token|access_token|refresh_token"
        r"|id_token|token|client_secret|assertion)=)[^&\s\"'<>]+"
    ),
    # a connection string: AccountKey=...;SharedAccessSignature=...
    re.compile(r"(?i)(\b(?:accountkey|sharedaccesssignature|sharedaccesskey)\s*=\s*)[^;\s\"']+"),
    re.compile(
        rf"(?i)(\b[a-z0-9_-]*(?:secret|password|passwd|passphrase|token|api_?key|account_?key|private_?key)[a-z_]*"
        rf"{_VALUE})[^\s,;&\"'}}]+"
    ),
)


def keep_secret(values: Iterable[str]) -> None:
    """From now on none of these values, in any of its spellings, gets into a log of this process.

    Of a connection string or a shared access signature, the secret parts are kept for themselves too.
    """
    for value in values:
        parts = [part.partition("=")[::2] for part in re.split("[;&?]", value)]
        for one in (value, *(text for name, text in parts if name.lower() in _SECRET_PARTS)):
            if len(one) < SHORTEST_SECRET:
                continue  # it would make words unreadable, and a shorter secret is none
            for plain in (one, unquote(one)):
                for spelling in (plain, quote(plain), quote(plain, safe=""), quote_plus(plain), repr(plain)[1:-1]):
                    _secrets[spelling] = None


def redact(text: str) -> str:
    """The text without secrets: known ones, and whatever looks like one."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    for pattern in _REDACTIONS:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text


def redacted(value: Any, key: str = "") -> Any:
    """A value of an event without secrets, all the way down; what is no plain value becomes its text."""
    if isinstance(value, Mapping):
        return {redact(str(name)): redacted(one, str(name)) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one, key) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return REDACTED if _SECRET_KEY.search(key) and value else redact(str(value))


class Sink:
    """Appends lines to a file, 0600; a full one becomes NAME.1, NAME.1 becomes NAME.2, and so on up to KEPT_FILES.

    Several processes may write at once: each line is one write, and the file is changed under a lock.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._silent = False

    def line(self, text: str) -> None:
        """Append. Where the log cannot be written, this is said once on standard error, and the work goes on."""
        try:
            self._append(text.encode() + b"\n")
        except OSError as error:
            if not self._silent:
                sys.stderr.write(f"haulage: the log {self.path} cannot be written: {error.strerror}\n")
            self._silent = True

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.exists() and self.path.stat().st_size + len(data) > LARGEST_BYTES:
            self._rotate(len(data))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _rotate(self, needed: int) -> None:
        lock = os.open(self.path.parent / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.path.exists() or self.path.stat().st_size + needed <= LARGEST_BYTES:
                return  # another process was first
            for number in range(KEPT_FILES - 1, 0, -1):
                older = self.path.with_name(f"{NAME}.{number}")
                if older.exists():
                    older.replace(self.path.with_name(f"{NAME}.{number + 1}"))
            self.path.replace(self.path.with_name(f"{NAME}.1"))
        finally:
            os.close(lock)


class Log:
    """The log of a state folder; its file is NAME in `folder`. Nothing is made before the first line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._sink = Sink(folder)

    def _line(self, level: str, event: str, facts: Mapping[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        told = redacted({"process": os.getpid(), **facts, "event": event, "level": level, "timestamp": now})
        self._sink.line(json.dumps(told, ensure_ascii=True))

    def note(self, event: str, **facts: Any) -> None:
        """A line of something that is as it should be."""
        self._line("info", event, facts)

    def warn(self, event: str, **facts: Any) -> None:
        """A line of something that a person may have to look at."""
        self._line("warning", event, facts)

    def bug(self, error: BaseException, **facts: Any) -> None:
        """A line with the traceback of something unexpected."""
        self._line("error", "unexpected error", {**facts, "exception": "".join(traceback.format_exception(error))})


class RunLog:
    """Writes the events of a run to a log: all but progress and plans, and of problems the first PROBLEMS_A_RUN."""

    WRITTEN = frozenset({"started", "problem", "waiting", "ended"})

    def __init__(self, log: Log) -> None:
        self.log = log
        self.run: int | None = None
        self._problems = 0

    def event(self, name: str, facts: Mapping[str, Any]) -> None:
        """Take an event; see engine.counts.Watch."""
        if name not in self.WRITTEN:
            return
        if name == "started":
            self.run = facts["run"]
        said = {"run": self.run, **facts}
        if name != "problem":
            self.log.note(name, **said)
            return
        self._problems += 1
        if self._problems <= PROBLEMS_A_RUN:
            self.log.warn(name, **said)
        elif self._problems == PROBLEMS_A_RUN + 1:
            self.log.warn("more problems", run=self.run, see=f"haulage log {self.run} --failures")


class FromLibraries(logging.Handler):
    """Takes the warnings of libraries (asyncio, aiohttp, ...) into a log, where they are redacted like the rest."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Take one."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._log.bug(error, source=record.name, message=record.getMessage())
        else:
            self._log.warn("library", source=record.name, message=record.getMessage())
