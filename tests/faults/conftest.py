"""What the fault cases share: one bucket, one container, a proxy each, and a state folder of their own."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from haulage.ledger.store import Ledger
from testbed.process import NotInstalled
from testbed.proxy import FaultProxy
from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client
from tests.conftest import fresh_name
from tests.contract.clouds import clouds
from tests.faults.clouds import CloudBed
from tests.faults.kit import Bed, MakesWorld, World

__all__ = ["clouds"]  # a fixture


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azure Blob on disk: the large files of all cells together are more than it keeps in memory."""
    server = Azurite(tmp_path_factory.mktemp("azurite"), in_memory=False)
    try:
        server.start()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def bed(
    seaweed: SeaweedFS, azurite: Azurite, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Bed:
    """One bucket and one container, of the same name; clouds when they are asked for."""
    name = fresh_name()
    s3_client(seaweed).create_bucket(Bucket=name)
    blob_client(azurite).create_container(name)
    home = tmp_path_factory.mktemp("ledger") / "home"
    Ledger.open(home / "ledger.db").close()

    @cache
    def cloud_bed() -> CloudBed:
        return CloudBed(request.getfixturevalue("clouds"), tmp_path_factory.mktemp("clouds") / "home")

    return Bed(seaweed, azurite, name, home, cloud_bed)


@pytest.fixture
def make_world(bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakesWorld]:
    """Makes a world: `make_world("s3", "local")` has its source on S3. The first that is no folder is proxied."""
    with ExitStack() as proxies:

        def make(source: str, target: str, faulty: str = "", **environment: str) -> World:
            at = next(iter(one for one in (faulty, source, target) if one and one != "local"), "s3")
            proxy = proxies.enter_context(FaultProxy(bed.endpoint(at)))
            home = bed.home(tmp_path / "home", at, proxy.url)
            known = bed.environment(home, **environment)
            for name, value in known.items():
                monkeypatch.setenv(name, value)
            sides = [
                bed.side(service, tmp_path / role, proxy.url if service == at else bed.endpoint(service))
                for role, service in (("source", source), ("target", target))
            ]
            (tmp_path / "source").mkdir()
            return World(*sides, home=home, environment=known, proxy=proxy, faulty=at)

        yield make
