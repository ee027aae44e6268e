"""SFTP: the file transfer of SSH servers."""

from haulage.services.declaration import Field, Service
from haulage.services.links.server import at_url, whose
from haulage.services.sftp.drive import folders, open_drive
from haulage.services.sftp.traits import TRAITS

SFTP = Service(
    id="sftp",
    title="SFTP",
    scheme="sftp",
    fields=(
        Field(
            "server",
            "Server",
            "Name or address of the SSH server.",
            required=True,
            env=("SFTP_SERVER",),
            endpoint=True,
        ),
        Field("port", "Port", "Where it is not 22.", env=("SFTP_PORT",), endpoint=True),
        Field("user", "User", "The name that you log in with.", required=True, env=("SFTP_USER",)),
        Field("password", "Password", "Left out where you log in with a key.", secret=True, env=("SFTP_PASSWORD",)),
        Field(
            "private_key",
            "Private key",
            "The whole key file, as ssh-keygen writes it.",
            secret=True,
            env=("SFTP_PRIVATE_KEY",),
        ),
        Field("passphrase", "Passphrase", "That of the private key.", secret=True, env=("SFTP_PASSPHRASE",)),
        Field(
            "host_key",
            "Host key",
            "The server's own key, which is pinned: a line as ssh-keyscan prints it, or SHA256:... Left out, the "
            "first connection ends and shows the key, to be compared and given here.",
            env=("SFTP_HOST_KEY",),
        ),
        Field(
            "base_path",
            "Base path",
            "Folder of the server in which all paths begin: absolute, or below ~, the folder after login.",
            env=("SFTP_BASE_PATH",),
            default="~",
        ),
        Field(
            "proof",
            "Proof",
            "How a written file is proven: 'hash' asks for a checksum of large pieces where the server computes one "
            "(check-file, or sha256sum by its shell) and reads every byte again where not; 'read back' always reads; "
            "'size' compares only the size.",
            env=("SFTP_PROOF",),
            default="hash",
        ),
    ),
    traits=TRAITS,
    open_drive=open_drive,
    roots=folders,
    account=whose,
    at_url=at_url,
    whole_root=True,
)
