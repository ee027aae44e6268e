"""The servers, and what lies on them: two SeaweedFS, so that every byte streams through the client, and Azurite."""

import http.client
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.fileservers import FileServer, made, removed, tree_of
from bench.peers import End, s5cmd
from testbed import process
from testbed.dav import RcloneDav, WsgiDav
from testbed.servers import WEED_PORTS, Azurite, S3Server, SeaweedFS, blob_client, s3_client
from testbed.ssh import OpenSSH

PORTS = range(27000, 28000)
"""Away from the lower ones, where a test run beside it may have its servers."""

FOLDER_FILES = 100


class Bed:
    """Starts what is asked for, once, and removes all of it in the end."""

    def __init__(self) -> None:
        process.PORTS = PORTS
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="haulage-bench-")))
        self._made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @cached_property
    def source(self) -> SeaweedFS:
        """The S3 server that is copied from."""
        return self._stack.enter_context(SeaweedFS(self.folder / "source"))

    @cached_property
    def destination(self) -> SeaweedFS:
        """The S3 server that is copied to."""
        return self._stack.enter_context(SeaweedFS(self.folder / "destination"))

    @cached_property
    def azurite(self) -> Azurite:
        """The Azure Blob server that is copied to."""
        return self._stack.enter_context(Azurite(self.folder / "azurite"))

    @cached_property
    def openssh(self) -> OpenSSH:
        """The SSH server that is copied to and from."""
        return self._stack.enter_context(OpenSSH(self.folder / "openssh"))

    @cached_property
    def wsgidav(self) -> WsgiDav:
        """A WebDAV server in Python."""
        return self._stack.enter_context(WsgiDav(self.folder / "wsgidav"))

    @cached_property
    def rclone_dav(self) -> RcloneDav:
        """A WebDAV server in Go."""
        return self._stack.enter_context(RcloneDav(self.folder / "rclone-dav"))

    def place(self, server: FileServer, name: str) -> End:
        """A new folder on a file server."""
        self._made += 1
        folder = f"{name.lower().replace(' ', '-')}-{self._made}"
        made(server, folder)
        return End(server, "", folder)

    def slow(self, server: S3Server, seconds: float) -> str:
        """The address of a proxy before the server that adds so much to every answer, in a process of its own."""
        command = [sys.executable, "-m", "testbed.proxy", "--upstream", server.endpoint_url, "--latency", str(seconds)]
        port = process.free_ports(1)[0]
        program = process.Program([*command, "--port", str(port)], self.folder / f"proxy-{port}.log")
        self._stack.callback(program.stop)
        program.wait_until(lambda: process.ask(port, "/healthz")[0] != 0, 20)
        return f"http://127.0.0.1:{port}"

    def home(self) -> Path:
        """A new folder for Haulage's state."""
        self._made += 1
        return self.folder / f"home-{self._made}"

    def bucket(self, server: S3Server, name: str) -> End:
        """A new bucket that has been written to: SeaweedFS waits up to a second at the first write into each."""
        self._made += 1
        bucket = f"{name.lower().replace(' ', '-')}-{self._made}"
        client = s3_client(server)
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="first", Body=b"x")
        client.delete_object(Bucket=bucket, Key="first")
        return End(server, server.endpoint_url, bucket)

    def container(self, name: str) -> End:
        """A new container."""
        self._made += 1
        container = f"hau-{name.lower().replace(' ', '-')}-{self._made}"
        blob_client(self.azurite).create_container(container)
        return End(self.azurite, self.azurite.endpoint_url, container)

    def drop(self, end: End) -> None:
        """Remove what a run left, for the room on the disk."""
        if isinstance(end.server, SeaweedFS):
            link = http.client.HTTPConnection("127.0.0.1", end.server._ports[WEED_PORTS.index(("filer", ""))])
            link.request("DELETE", f"/buckets/{end.root}?recursive=true&ignoreRecursiveError=true")
            link.getresponse().read()
            link.close()
        elif isinstance(end.server, Azurite):
            blob_client(end.server).delete_container(end.root)
        elif isinstance(end.server, FileServer):
            removed(end.server, end.root)

    def held(self, end: End) -> tuple[int, int]:
        """How many files, and bytes, lie there, as the server's own SDK sees it."""
        sizes: list[int] = []
        if isinstance(end.server, S3Server):
            pages: Any = s3_client(end.server).get_paginator("list_objects_v2").paginate(Bucket=end.root)
            for page in pages:
                sizes += [one["Size"] for one in page.get("Contents", [])]
        elif isinstance(end.server, Azurite):
            blobs: Any = blob_client(end.server).get_container_client(end.root).list_blobs()
            sizes = [blob.size for blob in blobs]
        elif isinstance(end.server, FileServer):
            paths = (path for path in tree_of(end.server, end.root).rglob("*") if path.is_file())
            sizes = [path.stat().st_size for path in paths]
        return len(sizes), sum(sizes)

    def tree(self, files: int, smallest: int, largest: int) -> Path:
        """A local folder with that many files of random bytes, the same ones every time."""
        root = self.folder / f"tree-{files}-{smallest}-{largest}"
        if not root.exists():
            dice = random.Random(files)
            for number in range(files):
                folder = root / f"folder-{number // FOLDER_FILES:04}"
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / f"file-{number:06}.bin").open("wb") as file:
                    left = dice.randint(smallest, largest)
                    while left:
                        left -= file.write(dice.randbytes(min(left, 1024 * 1024)))
        return root

    def filled(self, name: str, files: int, smallest: int, largest: int) -> End:
        """A bucket of the source server that holds such a tree."""
        root, end = self.tree(files, smallest, largest), self.bucket(self.source, name)
        command, env = s5cmd(root, end)
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        return end

    def forget(self, path: Path) -> None:
        """Remove a folder of state."""
        shutil.rmtree(path, ignore_errors=True)
