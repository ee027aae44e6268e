"""How long a service asked us to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Longer than any service's quota window: such a number is a mistake (a date as a count of seconds), not a wish.
LONGEST_WAIT_SECONDS = 31 * 24 * 3600.0
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, in seconds from now; None where it is absent or malformed, or lies in the past.

    A date is taken relative to the answer's own `Date` header where there is one, so that our clock does not matter.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        wait = float(text)
    else:
        try:
            date = headers.get("Date")
            now = parsedate_to_datetime(date) if date else datetime.now(UTC)
            wait = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return wait if 0 <= wait <= LONGEST_WAIT_SECONDS else None
