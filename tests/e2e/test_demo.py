"""The demonstration ends with 0 without a terminal, and says so when a step fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from haulage.cli import sandbox, sandbox_demo
from haulage.cli.showing import StepFailed
from testbed import demo
from testbed.process import ROOT, DidNotStart


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_steps_work_twice_in_a_row() -> None:
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-m", "testbed.demo"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert " ".join(ran.stdout.split()).count("were not sent again") == 2, "once in each act"
        assert "OneDrive was not written to" in ran.stdout
        assert "and sign in as demo with the password" in ran.stdout, "the web application was up"
        assert "It ended as 100 Success" in " ".join(ran.stdout.split())
        assert "\x1b" not in ran.stdout + ran.stderr, "without a terminal there are plain lines"


@pytest.mark.parametrize("failure", [StepFailed("it did not"), DidNotStart("a server did not")])
def test_a_failed_step_is_told_and_ends_with_1(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise failure

    monkeypatch.setattr(demo, "demonstrate", fails)
    assert demo.main() == 1
    assert str(failure) in capsys.readouterr().err


def test_a_failed_step_on_the_sandbox_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_folder: Path) -> None:
        raise StepFailed("it did not")

    monkeypatch.setattr(sandbox_demo, "demonstrate", fails)
    assert sandbox.demo() == 5
    assert "the demonstration failed: it did not" in capsys.readouterr().err
