"""What an exception of the SSH library means. Status FAILURE says nothing: whoever asked has to look (Q3)."""

import asyncssh

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
    Unreachable,
)


class Unexplained(Denied):
    """The server answered no more than "Failure"."""

    default_fix = "Look into the server's own log: its answer has no reason. Check space, quota and rights there."


def judge(error: Exception, path: str) -> HaulageError | None:
    """The model's error; None for what is no matter of the connection or the server."""
    if isinstance(error, asyncssh.SFTPError):
        return _status(error, path)
    if isinstance(error, asyncssh.PermissionDenied):
        return AuthLost(
            "the server refuses the user, password or key", "Check the user name, the password and the key."
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Refused(
            "the server and we have no way of encryption in common", "The server's SSH is too old: update it."
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return Transient("the server opens no more channels for now")
    if isinstance(error, asyncssh.Error):
        return Transient(f"the connection broke off ({type(error).__name__})")
    if isinstance(error, OSError):
        return Unreachable(f"cannot connect to the server ({error.strerror or type(error).__name__})")
    return None


def _status(error: asyncssh.SFTPError, path: str) -> HaulageError:
    named: tuple[tuple[tuple[type[Exception], ...], HaulageError], ...] = (
        (
            (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory),
            Gone(f"{path!r} is not there"),
        ),
        (
            (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect),
            Denied(f"the server does not allow this with {path!r}"),
        ),
        ((asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection), Transient("the connection broke off")),
        (
            (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded),
            QuotaFull("the server has no room left for this user"),
        ),
        ((asyncssh.SFTPFileAlreadyExists,), Conflict(f"{path!r} is there already")),
        ((asyncssh.SFTPInvalidFilename,), NameRefused(f"the server does not take the name {path!r}")),
        ((asyncssh.SFTPBadMessage,), Transient(f"an answer about {path!r} cannot be read")),
    )
    for kinds, meaning in named:
        if isinstance(error, kinds):
            return meaning
    return Unexplained(f"the server answers {type(error).__name__.removeprefix('SFTP')!r} about {path!r}")
