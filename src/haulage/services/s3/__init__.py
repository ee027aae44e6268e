"""Amazon S3, and every store that speaks its protocol."""

from haulage.services.declaration import Field, Service
from haulage.services.s3.account import named, whose
from haulage.services.s3.drive import TRAITS, S3Drive, bucket_names

S3 = Service(
    id="s3",
    title="Amazon S3",
    scheme="s3",
    fields=(
        Field(
            "access_key_id",
            "Access key ID",
            "Of an IAM user or a temporary key. Without it, the AWS credential chain is asked.",
            env=("AWS_ACCESS_KEY_ID",),
            instead_of=("session_token",),
        ),
        Field(
            "secret_access_key",
            "Secret access key",
            "The other half of the access key.",
            secret=True,
            env=("AWS_SECRET_ACCESS_KEY",),
        ),
        Field(
            "session_token",
            "Session token",
            "Only for temporary keys, which come with one.",
            secret=True,
            env=("AWS_SESSION_TOKEN",),
        ),
        Field(
            "endpoint_url",
            "Endpoint",
            "For another store than AWS: https://host or https://host:port. Empty for AWS.",
            env=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
            endpoint=True,
        ),
        Field(
            "region",
            "Region",
            "Such as eu-central-1. A wrong one is corrected by what the service says.",
            env=("AWS_REGION", "AWS_DEFAULT_REGION"),
        ),
        Field(
            "profile",
            "Profile",
            "A profile of the AWS configuration files. Given by option, it holds instead of keys in the environment.",
            env=("AWS_PROFILE",),
            machine=True,
            instead_of=("access_key_id", "secret_access_key", "session_token"),
        ),
        Field(
            "addressing",
            "Addressing",
            "auto, path (host/bucket) or virtual (bucket.host). auto: virtual at AWS, path elsewhere.",
        ),
        Field(
            "ca_file",
            "Certificate authorities",
            "A PEM file with the authorities to trust instead of the system's.",
            env=("AWS_CA_BUNDLE",),
            machine=True,
        ),
    ),
    traits=TRAITS,
    open_drive=S3Drive,
    roots=bucket_names,
    account=named,
    ask_account=whose,
    root_title="bucket",
)

__all__ = ["S3"]
