"""All services that Haulage knows. Adding one is adding its line here."""

from importlib import import_module

from haulage.model.errors import Refused
from haulage.services.declaration import Service

PLACES = {  # id: the scheme of its URLs, and where it is declared; only what a command needs is loaded
    "s3": ("s3", "haulage.services.s3", "S3"),
    "azure-blob": ("az", "haulage.services.azure_blob", "AZURE_BLOB"),
    "gcs": ("gs", "haulage.services.gcs", "GCS"),
    "onedrive": ("onedrive", "haulage.services.microsoft", "ONEDRIVE"),
    "onedrive-business": ("onedrive-business", "haulage.services.microsoft", "ONEDRIVE_BUSINESS"),
    "office365": ("office365", "haulage.services.microsoft", "OFFICE365"),
    "google-drive": ("google-drive", "haulage.services.google", "GOOGLE_DRIVE"),
    "google-workspace": ("google-workspace", "haulage.services.google", "GOOGLE_WORKSPACE"),
    "box": ("box", "haulage.services.box", "BOX"),
    "box-enterprise": ("box-enterprise", "haulage.services.box", "BOX_ENTERPRISE"),
    "dropbox": ("dropbox", "haulage.services.dropbox", "DROPBOX"),
    "dropbox-business": ("dropbox-business", "haulage.services.dropbox", "DROPBOX_BUSINESS"),
    "egnyte": ("egnyte", "haulage.services.egnyte", "EGNYTE"),
    "sftp": ("sftp", "haulage.services.sftp", "SFTP"),
    "webdav": ("davs", "haulage.services.webdav", "WEBDAV"),
    "ftp": ("ftp", "haulage.services.ftp", "FTP"),
    "local": ("file", "haulage.services.local", "LOCAL"),
}

ALIASES: dict[str, str] = {"dav": "webdav", "ftps": "ftp"}  # more schemes: the id of their service


def services() -> dict[str, Service]:
    """Every service by its id."""
    return {service_id: service(service_id) for service_id in PLACES}


def service(service_id: str) -> Service:
    """The service of that id. Raises Refused."""
    if service_id not in PLACES:
        raise Refused(f"there is no service {service_id!r}", f"Choose one of {', '.join(PLACES)}.")
    _, module, name = PLACES[service_id]
    found: Service = getattr(import_module(module), name)
    return found


def by_scheme(scheme: str | None) -> Service | None:
    """The service of the URLs scheme://...; None if there is none."""
    if scheme in ALIASES:
        return service(ALIASES[scheme])
    ids = (service_id for service_id, place in PLACES.items() if place[0] == scheme)
    return next(map(service, ids), None)
