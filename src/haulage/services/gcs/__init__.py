"""Google Cloud Storage, and the emulators of it."""

from haulage.services.declaration import Field, Service
from haulage.services.gcs.credentials import whose
from haulage.services.gcs.drive import bucket_names, open_drive
from haulage.services.gcs.traits import TRAITS

GCS = Service(
    id="gcs",
    title="Google Cloud Storage",
    scheme="gs",
    fields=(
        Field(
            "service_account_key",
            "Service account key",
            "The JSON of a service account's key, whole. It needs Storage Object User on the bucket, to read a viewer.",
            secret=True,
        ),
        Field(
            "credentials_file",
            "Credentials file",
            "A file with such a JSON, or what `gcloud auth application-default login` leaves. Read when it is used.",
            env=("GOOGLE_APPLICATION_CREDENTIALS",),
            machine=True,
        ),
        Field("client_id", "OAuth client ID", "Of the client that the refresh token belongs to."),
        Field("client_secret", "OAuth client secret", "The secret of that client.", secret=True),
        Field(
            "refresh_token",
            "Refresh token",
            "Of a person who signed in with the scope devstorage.read_write. Instead of a service account.",
            secret=True,
        ),
        Field(
            "project",
            "Project",
            "The project whose buckets are listed, and to which a new bucket belongs. A key tells its own.",
            env=("GOOGLE_CLOUD_PROJECT",),
        ),
        Field(
            "endpoint_url",
            "Endpoint",
            "For an emulator: http://host:port. Empty for Google.",
            env=("STORAGE_EMULATOR_HOST",),
            endpoint=True,
        ),
        Field(
            "ca_file",
            "Certificate authorities",
            "A PEM file with the authorities to trust instead of the system's.",
            machine=True,
        ),
    ),
    traits=TRAITS,
    open_drive=open_drive,
    roots=bucket_names,
    account=whose,
    root_title="bucket",
)

__all__ = ["GCS"]
