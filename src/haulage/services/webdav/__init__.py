"""WebDAV: plain servers, Nextcloud and ownCloud."""

from haulage.services.declaration import Field, Service
from haulage.services.webdav.drive import folders_at_the_top, open_drive
from haulage.services.webdav.place import at_url, whose
from haulage.services.webdav.traits import PLAIN

WEBDAV = Service(
    id="webdav",
    title="WebDAV",
    scheme="davs",
    fields=(
        Field(
            "url",
            "Address",
            "https://host/path of the tree; for Nextcloud https://HOST/remote.php/dav/files/USER.",
            required=True,
            endpoint=True,
        ),
        Field("username", "User name", "As you sign in.", env=("WEBDAV_USERNAME",)),
        Field(
            "password",
            "Password",
            "Of that user. Nextcloud and ownCloud with a second factor: an app password of its security settings.",
            secret=True,
            env=("WEBDAV_PASSWORD",),
        ),
        Field(
            "server",
            "Kind of server",
            "auto, plain, nextcloud or owncloud. auto: nextcloud where the address has remote.php in it, else plain.",
            env=("WEBDAV_SERVER",),
        ),
        Field(
            "auth",
            "Way to sign in",
            "auto, basic or digest. auto: what the server asks for, and over an open link Digest where it may be had.",
            env=("WEBDAV_AUTH",),
        ),
        Field(
            "allow_http",
            "Allow http",
            "yes lets the password go over an unencrypted link. Only for a network that nobody else can listen to.",
            env=("WEBDAV_ALLOW_HTTP",),
        ),
        Field(
            "ca_file",
            "Certificate authorities",
            "A PEM file with the authorities to trust instead of the system's, for a server with a private one.",
            env=("WEBDAV_CA_FILE",),
            machine=True,
        ),
        Field(
            "ca_certificate",
            "Certificate authority",
            "For a server with a private one: its certificate as text, -----BEGIN to -----END; trusted instead of the "
            "system's authorities.",
            env=("WEBDAV_CA_CERTIFICATE",),
        ),
    ),
    traits=PLAIN,
    open_drive=open_drive,
    roots=folders_at_the_top,
    account=whose,
    root_title="folder",
    at_url=at_url,
    whole_root=True,
)

__all__ = ["WEBDAV"]
