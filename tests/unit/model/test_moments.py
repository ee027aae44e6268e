"""Times that no calendar has: of garbage in a file system, or of milliseconds that were taken for seconds."""

import pytest

from haulage.model.item import Carried
from haulage.model.moments import utc
from haulage.services.box.uploads import dates_of
from haulage.services.contract import ABSENT
from haulage.services.dropbox.uploads import commit_of
from haulage.services.egnyte.uploads import dated
from haulage.services.google.uploads import facts_of
from haulage.services.microsoft.uploads import times_of

SECOND = 1_000_000
BEYOND = (253_402_300_800 * SECOND, 1_700_000_000_000 * SECOND, -62_135_596_801 * SECOND, 2**70, -(2**70))


def test_moments() -> None:
    """From the year 1000 to the last microsecond of 9999."""
    assert str(utc(-30_610_224_000 * SECOND)) == "1000-01-01 00:00:00+00:00"
    assert str(utc(253_402_300_800 * SECOND - 1)) == "9999-12-31 23:59:59.999999+00:00"
    assert [utc(one) for one in BEYOND] == [None] * len(BEYOND)
    assert str(utc(1)) == "1970-01-01 00:00:00.000001+00:00"


@pytest.mark.parametrize("micros", BEYOND)
def test_a_file_goes_without_a_time_that_cannot_be_written(micros: int) -> None:
    """The others keep theirs: nothing of it ends a run."""
    carried = Carried(modified_us=micros, created_us=micros)
    assert (dates_of(carried), dated(carried), times_of(carried)) == ({}, {}, {})
    assert "modifiedTime" not in facts_of("a", carried)
    assert "client_modified" not in commit_of("/a", carried, ABSENT)
