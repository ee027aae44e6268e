"""The program, ready to run."""

from pathlib import Path

import pytest

from tests.e2e.program import Program


@pytest.fixture
def haulage(tmp_path: Path) -> Program:
    """The program with an empty state folder."""
    return Program(tmp_path / "home")
