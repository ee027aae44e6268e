"""Connectors of file servers by the command line: a wrong password, a pinned host key, a new password."""

from pathlib import Path

from testbed.dav import WsgiDav
from testbed.ssh import AsyncSSH
from tests.e2e.program import Program


def told(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def test_a_webdav_server_with_a_password(haulage: Program, wsgidav: WsgiDav, container: str, tmp_path: Path) -> None:
    """Open links only where they are allowed; a wrong password is not saved, nor does it replace a good one."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    haulage.environment |= {"GOOD": wsgidav.password, "BAD": "wrong"}
    known = {"url": wsgidav.url, "username": wsgidav.username, "password": "env:BAD"}
    add = ["connectors", "add", "webdav", "files"]
    closed = haulage(*add, *told(known))
    assert closed.code != 0
    assert "unencrypted" in closed.err
    known["allow_http"] = "yes"
    assert "refuses the user or the password" in haulage(*add, *told(known)).err
    assert haulage(*add, *told(known | {"password": "env:GOOD"})).code == 0
    renew = ["connectors", "reauthorize", "files", "--set"]
    assert haulage(*renew, "password=env:BAD").code != 0
    assert haulage(*renew, "password=env:GOOD").code == 0
    assert haulage("copy", str(tmp_path / "in"), f"files:/{container}", "--create").code == 0
    assert (wsgidav.tree / container / "a.txt").read_text() == "x"
    assert wsgidav.password not in haulage("connectors", "show", "files").out


def test_a_host_key_is_shown_and_pinned(haulage: Program, asyncssh_server: AsyncSSH) -> None:
    """Before it is given, nothing is sent but the question; another one stops everything and says so."""
    haulage.environment |= {"GOOD": asyncssh_server.password}
    known = asyncssh_server.settings | {"password": "env:GOOD"}
    pin = known.pop("host_key")
    add = ["connectors", "add", "sftp", "box"]
    shown = haulage(*add, *told(known))
    assert shown.code != 0
    assert pin in shown.err
    other = asyncssh_server.key("other").with_suffix(".pub").read_text().split()[1]
    changed = haulage(*add, *told(known | {"host_key": f"ssh-ed25519 {other}"}))
    assert changed.code != 0
    assert "host key" in changed.err
    assert haulage(*add, *told(known | {"host_key": pin})).code == 0
