"""egnyte-cli, a third party's client, unmodified: its commands, and what its client has beyond them."""

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import keyring
import keyring.backend
import pytest
import requests
from click.testing import CliRunner

from testbed.sandbox import Sandbox
from tests.sandbox.egnyte.conftest import Account

egnyte_desktop = pytest.importorskip("egnyte_desktop", reason="egnyte-cli is not installed: run `make setup`")

from egnyte_desktop.api_client import EgnyteAPIClient  # noqa: E402 - only where it is installed
from egnyte_desktop.auth import OAuthHandler  # noqa: E402 - likewise
from egnyte_desktop.cli.main import cli  # noqa: E402 - likewise
from egnyte_desktop.config import Config  # noqa: E402 - likewise

CLI = pytest.mark.parametrize("witness", [f"egnyte-cli {importlib.metadata.version('egnyte-cli')}"], indirect=True)
Command = Callable[..., str]


class Kept(keyring.backend.KeyringBackend):
    """A keyring that forgets."""

    priority = 1  # type: ignore[assignment] # a property there

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.kept.pop((service, username), None)


@pytest.fixture
def command(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    """Runs one command, as configured for the sandbox's domain; returns what it printed."""
    for name, value in sandbox.client_env.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "settings"
    for name, path in (("CONFIG_DIR", home), ("CONFIG_FILE", home / "c.json"), ("TOKEN_FILE", home / "t.json")):
        monkeypatch.setattr(Config, name, path)
    monkeypatch.setattr(Config, "RATE_LIMIT_QPS", 1_000)
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())

    def run(*words: str, typed: str = "", fails: bool = False) -> str:
        done = CliRunner().invoke(cli, list(words), input=typed, obj={})
        assert (done.exit_code != 0) == fails, done.output
        return str(done.output)

    offer = sandbox.service("egnyte")
    settings = {"domain": offer["details"]["name"], "client_id": offer["client_id"]}
    settings |= {"client_secret": offer["client_secret"], "redirect_uri": offer["redirect_uris"][0]}
    for name, value in settings.items():
        run("config", "set", name, value)
    yield run
    keyring.set_keyring(before)


@CLI
def test_by_code(witness: str, sandbox: Sandbox, command: Command, people: list[Account], tmp_path: Path) -> None:
    who = people[0]
    url = OAuthHandler(Config()).get_authorization_url()
    sent = {"user": who["user"], "password": who["password"], "do": "allow"}
    back = requests.post(url, sent, allow_redirects=False, timeout=30).headers["Location"]
    command("auth", "login", "--code", parse_qs(urlsplit(back).query)["code"][0])
    assert who["user"] in command("auth", "status")
    before = keyring.get_password("egnyte-desktop", "refresh_token")
    sandbox.do("egnyte", "expire-tokens", user=who["details"]["email"])
    assert "Shared/" in command("ls", "/"), "it refreshes by itself"
    assert keyring.get_password("egnyte-desktop", "refresh_token") != before
    sandbox.do("egnyte", "revoke-grant", user=who["details"]["email"])
    assert "400" in command("ls", "/", fails=True)


@CLI
def test_by_password(witness: str, sandbox: Sandbox, command: Command, people: list[Account], tmp_path: Path) -> None:
    who, login = people[-1], ("auth", "login", "--password-flow", "--username")
    assert "invalid_grant" in command(*login, who["user"], typed="wrong\n", fails=True)
    command(*login, who["user"], typed=f"{who['password']}\n")
    top, here = f"/Private/{who['user']}", tmp_path / "here"
    (here / "deep").mkdir(parents=True)
    (here / "zażółć #1.txt").write_text("one")
    client = EgnyteAPIClient(config := Config(), OAuthHandler(config))
    command("upload", str(here / "zażółć #1.txt"), f"{top}/one.txt")
    assert "one.txt  [3 bytes]" in command("ls", top)
    command("download", f"{top}/one.txt", "--output", str(tmp_path / "back.txt"))
    assert (tmp_path / "back.txt").read_text() == "one"
    first = client.get_file_info(f"{top}/one.txt")
    (here / "two.txt").write_text("second")
    command("upload", str(here / "two.txt"), f"{top}/one.txt", "--no-create-folders")
    second = client.get_file_info(f"{top}/one.txt")
    assert second["group_id"] == first["group_id"] and second["num_versions"] == 2
    assert client.get_file_checksum(f"{top}/one.txt") == second["checksum"] != first["checksum"]
    assert client.copy_file(f"{top}/one.txt", f"{top}/copy.txt")["path"] == f"{top}/copy.txt"
    assert client.move_file(f"{top}/copy.txt", f"{top}/moved.txt")["group_id"] != first["group_id"]
    assert client.download_file(f"{top}/moved.txt") == b"second"
    client.delete_file(f"{top}/moved.txt")
    with pytest.raises(requests.HTTPError, match="404"):
        client.get_file_info(f"{top}/moved.txt")
    with pytest.raises(requests.HTTPError, match="403"):
        client.list_folder(f"/Private/{people[0]['user']}")
    client.delete_file(f"{top}/one.txt")


@CLI
def test_too_fast(witness: str, sandbox: Sandbox, command: Command, people: list[Account]) -> None:
    command("auth", "login", "--password-flow", "--username", people[0]["user"], typed=f"{people[0]['password']}\n")
    client = EgnyteAPIClient(config := Config(), OAuthHandler(config))
    sandbox.do("egnyte", "gateway", modern=True)
    try:
        sandbox.settings(service="egnyte", quotas={"calls a second": 1})
        begun = sandbox.calls
        assert all(client.get_user_info()["username"] == people[0]["user"] for _ in range(3)), "it waits"
        assert 429 in {one["status"] for one in sandbox.history(after=begun)}
        sandbox.do("egnyte", "gateway", modern=False)
        with pytest.raises(requests.HTTPError, match="403"):  # it knows the newer gateway only
            for _ in range(20):
                client.get_user_info()
    finally:
        sandbox.do("egnyte", "gateway", modern=False)


@CLI
def test_synchronising(witness: str, command: Command, people: list[Account], tmp_path: Path) -> None:
    command("auth", "login", "--password-flow", "--username", people[0]["user"], typed=f"{people[0]['password']}\n")
    client = EgnyteAPIClient(config := Config(), OAuthHandler(config))
    top, here = f"/Private/{people[0]['user']}/Synchronised", tmp_path / "here"
    client._request("POST", f"/pubapi/v1/fs{top}", json={"action": "add_folder"})
    here.mkdir()
    (here / "up.txt").write_text("up")
    command("sync", "add", str(here), top)
    assert "1/1 files synced" in command("sync", "now")
    assert client.download_file(f"{top}/up.txt") == b"up"
    other = tmp_path / "other.txt"
    other.write_text("down")
    client.upload_file(other, f"{top}/down.txt")
    command("sync", "now")
    assert (here / "down.txt").read_text() == "down"
    client.delete_file(top)
