"""A folder of this machine, or a file share that is mounted on it."""

from haulage.services.declaration import Service
from haulage.services.local.drive import TRAITS, open_drive, top_folders

LOCAL = Service(
    id="local",
    title="File share / local folder",
    scheme="file",
    fields=(),
    traits=TRAITS,
    open_drive=open_drive,
    roots=top_folders,
)
