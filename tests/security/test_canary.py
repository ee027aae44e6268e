"""The canary itself: what it has to find, it finds."""

import subprocess
from pathlib import Path

from haulage.logs import keep_secret
from tests import canary
from tests.e2e.program import Ran

SECRET = "canary-of-the-canary-itself"


def ran(out: str) -> Ran:
    return Ran(subprocess.CompletedProcess([], 0, out, ""))


def test_it_finds_what_is_left_behind(tmp_path: Path) -> None:
    """In any file of a state folder and in what was printed; not in the vault's key, nor outside of such folders."""
    home = tmp_path / "state"
    (home / "logs").mkdir(parents=True)
    (home / "ledger.db").write_bytes(b"")
    (tmp_path / "key").write_text(SECRET)
    keep_secret((SECRET,))
    assert canary.leaks(tmp_path) == []
    for name in ("ledger.db", "logs/haulage.log", "report.csv"):
        (home / name).write_text(f"before {SECRET} after")
        assert canary.leaks(tmp_path) == [f"cana... in {Path(name).name}"]
        (home / name).write_text("")
    (home / "vault.key").write_text(SECRET)
    assert canary.leaks(tmp_path) == []
    ran(f"some words, {SECRET}")
    assert canary.leaks(tmp_path) == ["cana... in what was printed"]
    canary.begin()
    assert canary.leaks(tmp_path) == []


def test_it_knows_what_the_program_was_given(tmp_path: Path) -> None:
    """Secrets by variable and by file; not what is no secret."""
    (tmp_path / "key").write_text("a secret from a file\n")
    given = {"ONE": "a secret of a variable", "AWS_SESSION_TOKEN": "a token as usual", "TWO": "no secret at all"}
    canary.plant(("add", "password=env:ONE", f"private_key=file:{tmp_path / 'key'}", "region=env:TWO"), given)
    for told, found in (
        *((one, True) for one in (given["ONE"], given["AWS_SESSION_TOKEN"], "a secret from a file")),
        (given["TWO"], False),
    ):
        ran(told)
        assert bool(canary.leaks(tmp_path)) is found
        canary._printed.clear()
