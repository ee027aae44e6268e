"""Azure Blob Storage, and the emulator of its vendor."""

from haulage.services.azure_blob.account import whose
from haulage.services.azure_blob.drive import containers, open_drive
from haulage.services.azure_blob.traits import TRAITS
from haulage.services.declaration import Field, Service

AZURE_BLOB = Service(
    id="azure-blob",
    title="Azure Blob Storage",
    scheme="az",
    fields=(
        Field(
            "account_name",
            "Account name",
            "Name of the storage account. Left out where the endpoint or the connection string tells it.",
            env=("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"),
            endpoint=True,
        ),
        Field(
            "account_key",
            "Account key",
            "One of the two access keys. With neither key nor SAS, Entra ID is asked for a token.",
            secret=True,
            env=("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"),
            instead_of=("sas_token", "connection_string"),
        ),
        Field(
            "sas_token",
            "Shared access signature",
            "A SAS of the account or the container: r and l to read; also c and w to write.",
            secret=True,
            env=("AZURE_STORAGE_SAS_TOKEN",),
            instead_of=("account_key", "connection_string"),
        ),
        Field(
            "connection_string",
            "Connection string",
            "Taken as a whole; the other fields fill in what it leaves open. UseDevelopmentStorage=true is known.",
            secret=True,
            env=("AZURE_STORAGE_CONNECTION_STRING",),
            instead_of=("account_key", "sas_token"),
        ),
        Field(
            "endpoint_url",
            "Endpoint",
            "Address of the Blob service, where it is not https://ACCOUNT.blob.core.windows.net.",
            env=("AZURE_STORAGE_BLOB_ENDPOINT", "AZURE_STORAGE_SERVICE_ENDPOINT"),
            endpoint=True,
        ),
        Field(
            "ca_file", "Certificate authority", "A PEM file to trust instead of the system's authorities.", machine=True
        ),
    ),
    traits=TRAITS,
    open_drive=open_drive,
    roots=containers,
    account=whose,
    root_title="container",
)
