"""Moments of files: any number of microseconds, since file systems and metadata hold whatever was written there."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(micros: int) -> datetime | None:
    """The moment so many microseconds after 1970; None for years that have no four digits, which nothing can write."""
    try:
        found = _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None
    return found if found.year >= 1000 else None
