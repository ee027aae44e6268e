"""FTP, plain and over TLS."""

from haulage.services.declaration import Field, Service
from haulage.services.ftp.drive import folders, open_drive
from haulage.services.ftp.traits import TRAITS
from haulage.services.links.server import at_url as server_at_url
from haulage.services.links.server import whose


def at_url(scheme: str, root: str) -> tuple[dict[str, str], str]:
    """As for every server; ftps:// is TLS from the first byte."""
    told, left = server_at_url(scheme, root)
    return ({**told, "encryption": "implicit"} if scheme == "ftps" else told), left


FTP = Service(
    id="ftp",
    title="FTP(S)",
    scheme="ftp",
    fields=(
        Field("server", "Server", "Name or address of the server.", required=True, env=("FTP_SERVER",), endpoint=True),
        Field("port", "Port", "Where it is not 21, or 990 for implicit TLS.", env=("FTP_PORT",), endpoint=True),
        Field("user", "User", "The name that you log in with.", required=True, env=("FTP_USER",)),
        Field("password", "Password", "Its password.", secret=True, env=("FTP_PASSWORD",)),
        Field(
            "encryption",
            "Encryption",
            "'explicit' asks for TLS before the login, 'implicit' is TLS from the first byte. 'none' shows "
            "the password and all files to whoever can listen: it needs allow_unencrypted too.",
            env=("FTP_ENCRYPTION",),
            default="explicit",
        ),
        Field(
            "allow_unencrypted",
            "Allow unencrypted",
            "yes lets the password go over an unencrypted link. Only for a network that nobody else can listen to.",
            env=("FTP_ALLOW_UNENCRYPTED",),
        ),
        Field(
            "ca_file",
            "Certificate authority",
            "A PEM file to trust instead of the system's authorities.",
            env=("FTP_CA_FILE",),
            machine=True,
        ),
        Field(
            "ca_certificate",
            "Certificate authority's certificate",
            "For a server with a private one: its certificate as text, -----BEGIN to -----END; trusted instead of the "
            "system's authorities.",
            env=("FTP_CA_CERTIFICATE",),
        ),
        Field(
            "base_path",
            "Base path",
            "Folder of the server in which all paths begin: absolute, or below ~, the folder after login.",
            env=("FTP_BASE_PATH",),
            default="~",
        ),
        Field(
            "encoding",
            "Encoding of names",
            "Where it is not UTF-8: latin-1, cp1252, ...",
            env=("FTP_ENCODING",),
            default="utf-8",
        ),
        Field(
            "proof",
            "Proof",
            "How a written file is proven: 'read back' reads every byte again, 'size' compares only the size.",
            env=("FTP_PROOF",),
            default="read back",
        ),
    ),
    traits=TRAITS,
    open_drive=open_drive,
    roots=folders,
    account=whose,
    at_url=at_url,
    whole_root=True,
)
