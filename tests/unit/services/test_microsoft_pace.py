"""What Graph tells of an application's minute, from 80 % of it on (QUIRKS Q18)."""

import pytest
from multidict import CIMultiDict

from haulage.services.microsoft.graph import AGENT, spare
from haulage.services.transport import Answer


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"RateLimit-Limit": "1250", "RateLimit-Remaining": "250", "RateLimit-Reset": "12"}, (125.0, 12.0)),
        ({"ratelimit-limit": "1250", "ratelimit-remaining": "1", "ratelimit-reset": "1"}, (0.5, 1.0)),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "59"}, (0.0, 59.0)),
        ({"RateLimit-Remaining": "10"}, None),
        ({"RateLimit-Reset": "10"}, None),
        ({"RateLimit-Limit": "1250"}, None),
        ({"RateLimit-Remaining": "-3", "RateLimit-Reset": "10"}, None),
        ({"RateLimit-Remaining": "10", "RateLimit-Reset": "soon"}, None),
        ({"RateLimit-Remaining": "10, 20", "RateLimit-Reset": "5"}, None),
        ({"RateLimit-Remaining": "10", "RateLimit-Reset": "²"}, None),
        ({"RateLimit-Remaining": "", "RateLimit-Reset": ""}, None),
        ({}, None),
    ],
)
def test_what_is_left_of_the_minute(headers: dict[str, str], told: tuple[float, float] | None) -> None:
    """In calls that write, which cost two units, and seconds until all are there again. What is no number is not told.

    That the calls then stop, and when, is the transport's matter (test_transport), and tried in tests/clouds/test_pace.
    """
    assert spare(Answer(200, CIMultiDict(headers))) == told


def test_the_name_that_microsoft_asks_for() -> None:
    """Traffic without it is served last: kind, company and application, with its version, and nothing else."""
    kind, company, application = AGENT.split("|")
    assert (kind, company, application.partition("/")[0]) == ("NONISV", "Haulage", "Haulage")
    assert application.partition("/")[2][0].isdecimal()
