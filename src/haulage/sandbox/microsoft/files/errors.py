"""Refusals in Graph's form: a code, sometimes a deeper one, and a message.

Sources: the Graph page "Microsoft Graph error responses and resource types" and onedrive-api-docs' page on errors.
"""

from collections.abc import Mapping

NOT_FOUND = "The resource could not be found."


class Wrong(Exception):
    """What a handler raises: becomes the answer. inner: the deeper code, "" for none."""

    def __init__(
        self, status: int, code: str, message: str, inner: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner = status, code, message, inner
        self.headers = dict(headers or {})


def not_found(message: str = NOT_FOUND) -> Wrong:
    """There is no such item (or the caller may not know of it)."""
    return Wrong(404, "itemNotFound", message)


def invalid(message: str, inner: str = "") -> Wrong:
    """The request makes no sense."""
    return Wrong(400, "invalidRequest", message, inner)


def denied(message: str = "Access denied", inner: str = "") -> Wrong:
    """The caller may not."""
    return Wrong(403, "accessDenied", message, inner)


def unsupported(message: str) -> Wrong:
    """This kind of drive does not do that."""
    return Wrong(405, "notSupported", message)


def taken(code: str = "nameAlreadyExists") -> Wrong:
    """The name is another item's."""
    return Wrong(409, code, "The specified item name already exists.")


def changed(code: str) -> Wrong:
    """If-Match does not hold any more. code: resourceModified for PATCH, notAllowed for content."""
    return Wrong(412, code, "ETag does not match current item's value")


def locked() -> Wrong:
    """Open in Office, or checked out."""
    return Wrong(423, "notAllowed", "The resource you are attempting to access is locked", "resourceLocked")


def full() -> Wrong:
    """No room left."""
    return Wrong(507, "quotaLimitReached", "Insufficient Space Available")
