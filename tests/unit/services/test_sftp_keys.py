"""The server's key is shown once, pinned, and a changed one ends everything before a secret is sent."""

import asyncssh
import pytest

from haulage.model.errors import AuthLost, Refused
from haulage.services.sftp.drive import SftpDrive
from haulage.services.sftp.keys import HostKeyRefused, private_keys, read_host_keys, read_private_key, shown
from testbed.ssh import AsyncSSH
from tests.contract.kit import FreePacer


async def refusal(settings: dict[str, str]) -> HostKeyRefused:
    """How a check ends."""
    drive = SftpDrive(settings, "", FreePacer())
    with pytest.raises(HostKeyRefused) as caught:
        await drive.check(write=False, create=False)
    assert "SSH_MSG_USERAUTH" not in str(drive.calls)
    await drive.close()
    return caught.value


async def test_an_unknown_key_is_shown_with_what_to_do(asyncssh_server: AsyncSSH) -> None:
    """The first connection ends, and what it says is enough to pin the key."""
    error = await refusal(asyncssh_server.settings | {"host_key": ""})
    key = asyncssh.import_public_key(asyncssh_server.host_key)
    assert key.get_fingerprint() in error.message
    assert asyncssh_server.host_key in error.fix
    assert (error.item_only, error.retryable) == (False, False)


@pytest.mark.parametrize("pin", ["another key", "another fingerprint"])
async def test_a_changed_key_stops_everything(asyncssh_server: AsyncSSH, pin: str) -> None:
    """It is said that it changed, which it is now, and once."""
    other = asyncssh.generate_private_key("ssh-ed25519")
    pinned = shown(other) if pin == "another key" else other.get_fingerprint()
    error = await refusal(asyncssh_server.settings | {"host_key": pinned})
    assert "has changed" in error.message
    assert "operator" in error.fix


async def test_a_pinned_key_of_a_type_that_is_no_longer_shown(asyncssh_server: AsyncSSH) -> None:
    """No agreement on a type is a changed key too, and no "server down"."""
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    error = await refusal(asyncssh_server.settings | {"host_key": shown(other)})
    assert "pinned host key" in error.message


@pytest.mark.parametrize("form", ["key", "known_hosts", "fingerprint", "several"])
async def test_pins_in_every_form(asyncssh_server: AsyncSSH, form: str) -> None:
    """As ssh-keyscan prints them, as known_hosts has them, as a fingerprint, among others."""
    key = asyncssh.import_public_key(asyncssh_server.host_key)
    other = shown(asyncssh.generate_private_key("ssh-ed25519"))
    pins = {
        "key": asyncssh_server.host_key + " a comment",
        "known_hosts": f"# a comment\n[127.0.0.1]:22 {asyncssh_server.host_key}",
        "fingerprint": key.get_fingerprint(),
        "several": f"{other}\n{asyncssh_server.host_key}",
    }
    drive = SftpDrive(asyncssh_server.settings | {"host_key": pins[form]}, "", FreePacer())
    await drive.check(write=False, create=False)
    await drive.close()


@pytest.mark.parametrize("text", ["nonsense", "ssh-ed25519", "ssh-ed25519 !!!!", "@cert-authority * ssh-ed25519 AAAA"])
def test_what_is_no_pin_is_refused(text: str) -> None:
    """A pin that pins nothing would be worse than none."""
    with pytest.raises(Refused):
        read_host_keys(text)


async def test_private_keys_with_and_without_a_passphrase() -> None:
    """Opened in a thread; a wrong passphrase is told, and never quoted."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    plain = key.export_private_key("openssh").decode()
    sealed = key.export_private_key("openssh", passphrase="open sesame").decode()
    for settings in ({"private_key": plain.strip()}, {"private_key": sealed, "passphrase": "open sesame"}):
        found = await private_keys(read_private_key(settings))
        assert found is not None
        assert found[0].get_fingerprint() == key.get_fingerprint()
    for settings in ({"private_key": sealed}, {"private_key": sealed, "passphrase": "wrong"}, {"private_key": "x"}):
        with pytest.raises(Refused) as caught:
            await private_keys(read_private_key(settings))
        assert "wrong" not in f"{caught.value} {caught.value.fix}"
    assert await private_keys(read_private_key({})) is None


@pytest.mark.parametrize("given", ["nothing", "a password", "a key"])
async def test_who_is_not_let_in_learns_what_was_tried(asyncssh_server: AsyncSSH, given: str) -> None:
    """And, where nothing was given, what to give: also to somebody who has no connector to reauthorise."""
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
    login = {"nothing": {}, "a password": {"password": "wrong"}, "a key": {"private_key": key}}[given]
    drive = SftpDrive(asyncssh_server.settings | {"password": ""} | login, "", FreePacer())
    with pytest.raises(AuthLost) as caught:
        await drive.check(write=False, create=False)
    await drive.close()
    message, fix = caught.value.message, caught.value.fix
    assert "reauthorise" not in fix
    if given == "nothing":
        assert "none was given" in message
        assert "SFTP_PRIVATE_KEY" in fix and "--source-set" in fix
    else:
        assert f"refuses the {'password' if given == 'a password' else 'private key'} of haulage@127.0.0.1" in message


async def test_a_wrong_user_is_told(asyncssh_server: AsyncSSH) -> None:
    """As lost authorisation, which pauses a run."""
    drive = SftpDrive(asyncssh_server.settings | {"user": "nobody"}, "", FreePacer())
    with pytest.raises(AuthLost):
        await drive.check(write=False, create=False)
    await drive.close()
