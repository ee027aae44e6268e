"""The bytes of version 3 of SFTP: requests, and what the answers hold."""

import struct
from collections.abc import Callable

import asyncssh
import msgspec

INIT, VERSION = 1, 2
OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR = range(3, 16)
STAT, RENAME, READLINK = 17, 18, 19
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
EXTENDED, EXTENDED_REPLY = 200, 201
HAS_SIZE, HAS_OWNER, HAS_MODE, HAS_TIMES, HAS_MORE = 0x01, 0x02, 0x04, 0x08, 0x80000000
NO_ATTRIBUTES = bytes(4)

_NUMBER = struct.Struct(">I")
_STATUSES: dict[int, Callable[[str], asyncssh.SFTPError]] = {
    2: asyncssh.SFTPNoSuchFile,
    3: asyncssh.SFTPPermissionDenied,
    4: asyncssh.SFTPFailure,
    5: asyncssh.SFTPBadMessage,
    6: asyncssh.SFTPNoConnection,
    7: asyncssh.SFTPConnectionLost,
    8: asyncssh.SFTPOpUnsupported,
    # Of later versions; some servers give them all the same.
    10: asyncssh.SFTPNoSuchPath,
    11: asyncssh.SFTPFileAlreadyExists,
    12: asyncssh.SFTPWriteProtect,
    14: asyncssh.SFTPNoSpaceOnFilesystem,
    15: asyncssh.SFTPQuotaExceeded,
    19: asyncssh.SFTPNotADirectory,
    20: asyncssh.SFTPInvalidFilename,
}
OK, END_OF_FILE = 0, 1


class Attributes(msgspec.Struct, frozen=True):
    """What a server tells of a file; None for what it does not tell. permissions: with the kind of node."""

    size: int | None = None
    permissions: int | None = None
    atime: int | None = None
    mtime: int | None = None


class Reader:
    """Takes an answer apart. Raises SFTPBadMessage where it ends too early."""

    def __init__(self, data: memoryview, at: int = 0) -> None:
        self._data = data
        self._at = at

    def number(self) -> int:
        """32 bits."""
        self._at += 4
        return int.from_bytes(self._piece(4))

    def long(self) -> int:
        """64 bits."""
        self._at += 8
        return int.from_bytes(self._piece(8))

    def text(self) -> bytes:
        """Bytes with their length before them."""
        size = self.number()
        self._at += size
        return bytes(self._piece(size))

    def rest(self) -> bytes:
        """All that is left."""
        return bytes(self._data[self._at :])

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def _piece(self, size: int) -> memoryview:
        if self._at > len(self._data):
            raise asyncssh.SFTPBadMessage("the answer is too short")
        return self._data[self._at - size : self._at]

    def attributes(self) -> Attributes:
        """The facts of a file; owners and extensions are passed over."""
        flags = self.number()
        size = self.long() if flags & HAS_SIZE else None
        if flags & HAS_OWNER:
            self.long()
        permissions = self.number() if flags & HAS_MODE else None
        atime, mtime = (self.number(), self.number()) if flags & HAS_TIMES else (None, None)
        if flags & HAS_MORE:
            for _ in range(self.number()):
                self.text()
                self.text()
        return Attributes(size, permissions, atime, mtime)

    def names(self) -> list[tuple[bytes, Attributes]]:
        """Names with their facts; the line for people between them is passed over."""
        found = []
        for _ in range(self.number()):
            name = self.text()
            self.text()
            found.append((name, self.attributes()))
        return found

    def status(self) -> asyncssh.SFTPError | None:
        """The error that a status stands for; None for success. Its text may be missing."""
        code = self.number()
        if code == OK:
            return None
        reason = self.text().decode("utf-8", "replace") if self.more else ""
        if code == END_OF_FILE:
            return asyncssh.SFTPEOFError(reason)
        if code in _STATUSES:
            return _STATUSES[code](reason)
        return asyncssh.SFTPError(code, f"{reason} (status {code})")


def text(value: bytes) -> bytes:
    """Bytes with their length before them."""
    return _NUMBER.pack(len(value)) + value


def sized(size: int) -> bytes:
    """Attributes with nothing but a size."""
    return struct.pack(">IQ", HAS_SIZE, size)


def timed(atime: int, mtime: int) -> bytes:
    """Attributes with nothing but the times, which go together."""
    return struct.pack(">III", HAS_TIMES, atime, mtime)
