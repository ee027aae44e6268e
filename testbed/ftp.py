"""FTP servers on 127.0.0.1 that neither of us wrote: pyftpdlib, and Debian's vsftpd, as root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from testbed.process import NotInstalled, Program, Server, free_ports
from testbed.ssh import answers

VSFTPD = "/usr/sbin/vsftpd"


class FtpServer(Server):
    """A server with one user; `root` is what it shows as "/"."""

    user = "haulage"
    password = "secret-of-this-server"  # noqa: S105 - of a server that lives for one test
    encryption = "none"

    @property
    def root(self) -> Path:
        """The folder of this machine that it shows."""
        return self.folder / "data"

    @property
    def certificate(self) -> Path:
        """Key and certificate in one file, made when it is asked for first; it is its own authority."""
        path = self.folder / "certificate.pem"
        if not path.exists():
            openssl = shutil.which("openssl")
            if openssl is None:
                raise NotInstalled("openssl is not installed (Debian: openssl)")
            key, cert = self.folder / "key.pem", self.folder / "cert.pem"
            names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
            made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext")
            command = [openssl, *made, names, "-keyout", str(key), "-out", str(cert)]
            subprocess.run(command, check=True, capture_output=True)
            path.write_text(key.read_text() + cert.read_text())
        return path

    @property
    def settings(self) -> dict[str, str]:
        """What a connector to it has."""
        where = {"server": "127.0.0.1", "port": str(self.port), "base_path": "/"}
        login = {"user": self.user, "password": self.password}
        if self.encryption == "none":
            return {**where, **login, "encryption": "none", "allow_unencrypted": "yes"}
        return {**where, **login, "encryption": self.encryption, "ca_file": str(self.certificate)}

    def ready(self) -> bool:
        """It greets."""
        return answers(self.port, b"220")


class Pyftpdlib(FtpServer):
    """pyftpdlib: MLSD, MFMT, EPSV, UTF-8; encryption as asked for (explicit or none)."""

    title = "pyftpdlib"

    def __init__(self, folder: Path, encryption: str = "none", more: str = ""):
        """more: further options of its handler, as "name=value name=value" of plain words and numbers."""
        super().__init__(folder)
        self.encryption = encryption
        self._more = more

    def launch(self) -> Program:
        """This module as a program."""
        self.root.mkdir(exist_ok=True)
        certificate = str(self.certificate) if self.encryption != "none" else ""
        command = [sys.executable, "-m", "testbed.ftp", str(self.port), certificate, str(self.root)]
        return Program([*command, self.user, self.password, self._more], self.log)


class Vsftpd(FtpServer):
    """Debian's vsftpd: no MLSD; every data connection has to resume the TLS session of the control connection.

    Only root can start it. Everybody logs in as `ftp`, without a password that is looked at, and may write.
    """

    title = "vsftpd"
    user = "ftp"
    encryption = "explicit"

    def launch(self) -> Program:
        """With a configuration of its own."""
        if not Path(VSFTPD).exists():
            raise NotInstalled("vsftpd is not installed: run `make setup` as root (Debian: vsftpd)")
        if os.geteuid() != 0:
            raise NotInstalled("vsftpd needs root")
        self.root.mkdir(exist_ok=True)
        data = self.root / "data"
        data.mkdir(exist_ok=True)
        for folder in (self.folder, *self.folder.parents):
            folder.chmod(folder.stat().st_mode | 0o011) if folder.owner() == "root" else None
        shutil.chown(data, "ftp")
        low = free_ports(1)[0]
        lines = (
            "listen=YES",
            f"listen_port={self.port}",
            "listen_address=127.0.0.1",
            "background=NO",
            "anonymous_enable=YES",
            "no_anon_password=YES",
            f"anon_root={self.root}",
            "anon_upload_enable=YES",
            "anon_mkdir_write_enable=YES",
            "anon_other_write_enable=YES",
            "anon_world_readable_only=NO",
            "anon_umask=022",
            "write_enable=YES",
            "mdtm_write=YES",
            "ssl_enable=YES",
            "allow_anon_ssl=YES",
            "force_anon_logins_ssl=YES",
            "force_anon_data_ssl=YES",
            "require_ssl_reuse=YES",
            f"rsa_cert_file={self.certificate}",
            f"pasv_min_port={low}",
            f"pasv_max_port={low + 200}",
            "seccomp_sandbox=NO",
            "max_per_ip=0",
        )
        config = self.folder / "vsftpd.conf"
        config.write_text("\n".join(lines) + "\n")
        return Program([VSFTPD, str(config)], self.log)


def main() -> None:
    """Serve: PORT CERTIFICATE ROOT USER PASSWORD MORE."""
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import FTPServer

    port, certificate, root, user, password, more = sys.argv[1:]
    users = DummyAuthorizer()
    users.add_user(user, password, root, perm="elradfmwMT")
    kind = TLS_FTPHandler if certificate else FTPHandler
    handler: Any = type("Handler", (kind,), {"authorizer": users, "certfile": certificate or None, "banner": "ready"})
    if certificate:
        handler.tls_control_required = handler.tls_data_required = True
    for pair in more.split():
        name, _, value = pair.partition("=")
        setattr(handler, name, int(value) if value.isdigit() else value)
    server = FTPServer(("127.0.0.1", int(port)), handler)
    server.max_cons = server.max_cons_per_ip = 200
    server.serve_forever()


if __name__ == "__main__":
    main()
