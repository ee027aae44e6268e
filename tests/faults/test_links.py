"""Servers that are logged into (SFTP, FTP): connections that break or stall in the middle of anything (F09-F11, F14).

Once: the run comes through as if nothing had been. Always: what could not be done is told, and nothing that is visible
is partial; then the fault stops, the same command finishes, and a further run copies nothing.
"""

from pathlib import Path

import pytest

from testbed.ftp import Pyftpdlib
from testbed.ssh import OpenSSH
from testbed.tcp import How, TcpProxy
from tests.e2e.program import Program
from tests.faults.kit import LARGE, QUICK, bytes_of
from tests.torture.oracle import assert_nothing_partial, folder_shown, sha256, unfinished

FILES = {
    "a/empty": b"",
    "a/small ß.txt": bytes_of(700, 1),
    "b.bin": bytes_of(200_000, 2),
    "large.bin": bytes_of(LARGE, 3),
}
WANTED = {path: sha256(body) for path, body in FILES.items()}
POINTS = {"login": 600, "first files": 60_000, "large file": 9_000_000}
"""After so many bytes."""

CELLS = [
    (role, how, point, once)
    for role in ("source", "destination")
    for how in ("reset", "close", "stall")
    for point in POINTS
    for once in (True, False)
]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("server", ["openssh", "ftp_server"])
@pytest.mark.parametrize(("role", "how", "point", "once"), CELLS)
def test_a_link_that_breaks(
    request: pytest.FixtureRequest, tmp_path: Path, server: str, role: str, how: How, point: str, once: bool
) -> None:
    bed: OpenSSH | Pyftpdlib = request.getfixturevalue(server)
    served, here = bed.root / tmp_path.name, tmp_path / "here"
    source, target = (served, here) if role == "source" else (here, served)
    target.mkdir()
    for path, body in FILES.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(body)
    scheme = "sftp" if isinstance(bed, OpenSSH) else "ftp"
    with TcpProxy(bed.port, ftp=scheme == "ftp") as proxy:
        settings = bed.settings | {"port": str(proxy.port)}
        environment = {f"{scheme.upper()}_{name.upper()}": value for name, value in settings.items()}
        environment |= QUICK | ({"HAULAGE_IDLE_SECONDS": "2"} if how == "stall" else {})
        program = Program(tmp_path / "home", environment)
        below = f"/{tmp_path.name}" if scheme == "ftp" else str(served)
        remote = f"{scheme}://{settings['user']}@127.0.0.1:{proxy.port}{below}"
        words = ["copy", *((remote, str(here)) if role == "source" else (str(here), remote)), "--json"]
        proxy.breaks(how, "down" if role == "source" else "up", POINTS[point], 1 if once else None)
        first = program(*words, timeout=170)
        assert proxy.broken, "the fault was met"
        assert_nothing_partial(folder_shown(target), WANTED)
        if once:
            assert first.code == 0, first.out[-3000:] + first.err
        proxy.calm()
        last = program(*words, timeout=170)
        again = program(*words, timeout=170)
    assert last.code == 0, last.out[-3000:] + last.err
    assert again.code == 0, again.out[-3000:] + again.err
    assert folder_shown(target) == WANTED
    assert not unfinished(target)
    assert (again.counts["unchanged"], again.counts["sent_bytes"]) == (again.counts["listed"], 0)
