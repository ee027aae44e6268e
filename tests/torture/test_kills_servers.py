"""G1, F48 at servers other than S3: SIGKILL at any moment while a folder is copied to one of each kind."""

import hashlib
import random
import re
import time
from pathlib import Path

import pytest

from testbed.ftp import FtpServer
from testbed.gcs import FakeGcs
from testbed.ssh import AsyncSSH, OpenSSH
from tests.e2e.program import Program
from tests.e2e.test_servers import DavSide, GcsSide, ServedFolder
from tests.torture.oracle import assert_ledger_whole, assert_nothing_partial, make_tree
from tests.torture.test_kills import run_for

MIB = 1024 * 1024
HIDDEN = re.compile(r"(^|/)\.haulage-[0-9a-f]{32}\.(part|parts|probe)(/|$)")


class SshSide:
    """A folder on an SSH server."""

    def __init__(self, server: AsyncSSH, folder: str) -> None:
        self._tree = server.root / folder
        self._tree.mkdir()
        self.location = f"sftp://{server.user}@127.0.0.1:{server.port}/{folder}"
        self.env = {"SFTP_PASSWORD": server.password, "SFTP_HOST_KEY": server.host_key}

    def read(self) -> dict[str, bytes]:
        """Path below the root -> bytes, as they lie in the folder that is served."""
        paths = [path for path in self._tree.rglob("*") if path.is_file()]
        return {path.relative_to(self._tree).as_posix(): path.read_bytes() for path in paths}


Side = DavSide | GcsSide | SshSide | ServedFolder
SIDES = {
    "gcs": "fake_gcs",
    "webdav": "wsgidav",
    "nextcloud": "nextcloud",
    "sftp": "asyncssh_server",
    "openssh": "openssh",
    "ftp": "ftp_server",
    "ftps": "vsftpd",
}
LONG_RUN = ("nextcloud", "openssh", "ftp", "ftps")


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in LONG_RUN)) for name in SIDES])
def side(request: pytest.FixtureRequest, container: str) -> Side:
    """A place on a server of each kind."""
    server = request.getfixturevalue(SIDES[request.param])
    if isinstance(server, FtpServer | OpenSSH):
        return ServedFolder(server, container)
    if isinstance(server, FakeGcs):
        return GcsSide(server, container)
    return SshSide(server, container) if isinstance(server, AsyncSSH) else DavSide(server, container, one_form=False)


def shown(side: Side) -> dict[str, str]:
    """SHA-256 of every file but our own hidden ones, and those in hidden folders of ours: a kill may leave them."""
    try:
        seen = side.read().items()
    except FileNotFoundError:  # the server was still giving a file its name when its client was killed
        return shown(side)
    return {path: hashlib.sha256(body).hexdigest() for path, body in seen if not HIDDEN.search(path)}


def kill_and_finish(tmp_path: Path, side: Side, kills: int, files: int, large: tuple[int, ...], seed: int) -> None:
    """Copy a tree, killed so many times; when it came through before, the next tree is copied beside it."""
    generator = random.Random(seed)
    if isinstance(side, GcsSide):
        # asked how far an upload has come, fake-gcs-server makes a file of what there is (see the contract's limits)
        large = ()
    program = Program(tmp_path / "home", side.env)
    wanted: dict[str, str] = {}
    killed, round_number = 0, 0
    longest = 0.0
    while killed < kills:
        source = tmp_path / "source"
        made = make_tree(source / f"round {round_number}", files, seed + round_number, large)
        wanted |= {f"round {round_number}/{path}": digest for path, digest in made.items()}
        ended = False
        while round_number and not ended and killed < kills:
            ended = run_for(program, generator.uniform(0.3, longest), "copy", str(source), side.location)
            killed += not ended
            assert_nothing_partial(shown(side), wanted)
            assert_ledger_whole(program.home)
        begun = time.monotonic()
        last = program("copy", str(source), side.location, "--create", "--json", timeout=500)
        assert last.code == 0, last.out[-3000:] + last.err
        longest = longest or time.monotonic() - begun  # of the first round, which nothing stops
        assert shown(side) == wanted
        round_number += 1
    again = program("copy", str(source), side.location, "--json")
    assert not [path for path in side.read() if HIDDEN.search(path)], "what the kills left is gone"
    assert again.counts["sent_bytes"] == 0
    assert again.counts["unchanged"] == again.counts["listed"] >= len(wanted)  # folders, too, where there are some


@pytest.mark.timeout(900)
def test_random_kills_of_a_copy_to_a_server(tmp_path: Path, side: Side) -> None:
    """A sample of two kills."""
    kill_and_finish(tmp_path, side, kills=2, files=10, large=(9 * MIB + 1,), seed=1)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_100_random_kills_of_a_copy_to_a_server(tmp_path: Path, side: Side) -> None:
    """As for a change: 100 kills."""
    kill_and_finish(tmp_path, side, kills=100, files=60, large=(9 * MIB + 1, 20 * MIB + 5), seed=2)
