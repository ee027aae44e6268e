"""Storage servers to rehearse on: `python -m testbed.serve [FOLDER]`, until Ctrl-C.

Starts an S3 server and, where it is installed, an Azure Blob server on 127.0.0.1, with an S3 bucket and a container
called "rehearsal", and writes the variables with which Haulage reaches them to FOLDER/env, to be sourced by a shell.
What is stored stays in FOLDER (default .testbed/serve) until that is deleted.
"""

import argparse
import shlex
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from testbed.demo_sides import s3_variables
from testbed.process import ROOT, DidNotStart, NotInstalled
from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client

NAME = "rehearsal"


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def serve(folder: Path) -> None:
    """Start, write FOLDER/env, tell, and wait. Raises NotInstalled, DidNotStart."""
    with ExitStack() as stack:
        seaweed = stack.enter_context(SeaweedFS(folder / "seaweedfs"))
        _make_bucket(s3_client(seaweed))
        variables = s3_variables(seaweed)
        told = [f"S3: s3://{NAME} at {seaweed.endpoint_url}"]
        try:
            azurite = stack.enter_context(Azurite(folder / "azurite", in_memory=False))
        except NotInstalled as missing:
            told.append(f"No Azure Blob server: {missing}")
        else:
            _make_container(blob_client(azurite))
            told.append(f"Azure Blob: az://{NAME} at {azurite.endpoint_url}")
            variables["AZURE_STORAGE_ACCOUNT"] = azurite.account_name
            variables["AZURE_STORAGE_KEY"] = azurite.account_key
            variables["AZURE_STORAGE_BLOB_ENDPOINT"] = azurite.endpoint_url
        env = folder / "env"
        stack.callback(env.unlink, missing_ok=True)
        draft = env.with_name("env.new")
        draft.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
        draft.replace(env)
        print("\n".join([*told, f"In another terminal: . {env}", "Ctrl-C stops the servers."]), flush=True)
        signal.pause()


def _make_bucket(client: Any) -> None:
    if NAME not in [found["Name"] for found in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=NAME)


def _make_container(client: Any) -> None:
    if not client.get_container_client(NAME).exists():
        client.create_container(NAME)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="testbed.serve", description="Storage servers on loopback to rehearse on.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".testbed" / "serve", help="for their data")
    folder: Path = parser.parse_args().folder
    signal.signal(signal.SIGTERM, _stop)
    try:
        serve(folder)
    except (NotInstalled, DidNotStart) as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
