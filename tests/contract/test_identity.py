"""Who a drive is: the same in every spelling, and without a secret anywhere."""

import traceback

import pytest

from haulage.model.errors import AuthLost, HaulageError
from haulage.services.contract import Drive
from haulage.services.declaration import Service
from haulage.services.registry import service

from .conftest import Limit, Opens, declared, needs_server
from .kit import Place, body_of, listed, put


async def test_the_registry_gives_this_service(place: Place) -> None:
    """Adding a service is adding one line to the registry."""
    assert isinstance(place.service, Service)
    assert service(place.service.id) is place.service


async def test_an_opened_drive_keeps_the_contract(drive: Drive) -> None:
    """All methods of the protocol are there."""
    assert isinstance(drive, Drive)


async def test_opening_makes_no_call(place: Place, make_drive: Opens) -> None:
    """Cost begins with the first question, and `open_drive` cannot fail for the network's sake."""
    drive = make_drive(place.at(place.root + "-never-asked"))
    assert sum(drive.calls.values()) == 0


async def test_calls_are_counted_by_operation(drive: Drive) -> None:
    """The proof of what was not done (T58) rests on this count."""
    await put(drive, "a.bin", b"a")
    before = dict(drive.calls)
    await listed(drive)
    assert sum(drive.calls.values()) > sum(before.values())


async def test_two_handles_are_one_identity(place: Place, make_drive: Opens) -> None:
    """The ledger finds a run's drives again by their identity."""
    assert make_drive(place).identity == make_drive(place).identity


async def test_a_trailing_slash_is_the_same_drive(place: Place, make_drive: Opens) -> None:
    """Every spelling of a location is one identity, else a second run would copy everything again."""
    assert make_drive(place.at(place.root + "/")).identity == make_drive(place).identity


@needs_server
async def test_the_endpoints_spelling_does_not_matter(place: Place, make_drive: Opens) -> None:
    """A trailing slash at the endpoint, or capitals in the scheme, name the same server."""
    spellings = list(place.spellings)
    if place.endpoint is not None:
        address = place.settings[place.endpoint].rstrip("/")
        spellings += [{place.endpoint: address + "/"}, {place.endpoint: address.replace("http://", "HTTP://")}]
    assert spellings
    same = {make_drive(place.having(**spelling)).identity for spelling in spellings}
    assert same == {make_drive(place).identity}


async def test_another_root_is_another_drive(place: Place, make_drive: Opens) -> None:
    """Two folders, one of whose names begins with the other's, are never taken for one."""
    identities = {make_drive(place.at(place.root + end)).identity for end in ("", "0", "/below")}
    assert len(identities) == 3


async def test_the_identity_names_the_scheme(place: Place, drive: Drive) -> None:
    """A reader of the ledger sees what kind of place it is."""
    assert drive.identity.startswith(place.service.scheme + "://")


async def test_no_secret_in_identity_or_repr(place: Place, drive: Drive) -> None:
    """I13: no secret in any output."""
    shown = f"{drive.identity} {drive!r} {drive} {place.service!r}"
    assert not [secret for secret in place.secrets if secret in shown]


async def test_secret_fields_are_declared(place: Place) -> None:
    """What the vault seals and forms hide is known from the declaration."""
    declared = {field.name: field.secret for field in place.service.fields}
    held = {name for name, value in place.settings.items() if value in place.secrets and name in declared}
    assert all(declared[name] for name in held)
    assert all(field.title and field.help for field in place.service.fields)
    if place.service.authorisation is None:  # else its settings are tokens, which the vault keeps apart
        assert set(place.settings) <= set(declared)


@needs_server
async def test_no_secret_in_errors(place: Place, make_drive: Opens, limit: Limit) -> None:
    """I13: an error's sentences and its traceback are shown and logged; a refused key is not in them."""
    limit("refuses wrong keys")
    drive = make_drive(place.having(**place.wrong))
    with pytest.raises(AuthLost) as caught:
        await drive.check(write=False, create=False)
    error: HaulageError = caught.value
    shown = f"{error} {error.fix} {error!r} {''.join(traceback.format_exception(error))}"
    assert not [secret for secret in place.secrets if secret in shown]
    assert not [value for value in place.wrong.values() if value in shown]


async def test_traits_are_coherent(drive: Drive) -> None:
    """The planner trusts these figures without looking at the service."""
    traits = drive.traits
    assert 0 < traits.single_put_limit <= traits.largest_file
    assert set(traits.put_hashes) <= {"sha512", "sha256", "sha1", "md5", "crc32c", "quickxor", "dropbox"}
    assert traits.part_hash in (None, "sha512", "sha256", "sha1", "md5", "crc32c", "dropbox")
    assert traits.times is None or traits.times >= 1
    assert body_of(3) != body_of(3, seed=2)


async def test_part_sizes_fit_the_largest_file(drive: Drive, place: Place) -> None:
    """A file of any size that the drive takes can be cut: 10,000 parts (S3) at most, each within what is allowed."""
    traits = drive.traits
    declared(traits.resumes, "parts that the service counts")
    for size in (traits.single_put_limit + 1, traits.single_put_limit * 100, traits.largest_file):
        part_bytes = traits.part_bytes(min(size, traits.largest_file))
        assert part_bytes >= place.least_part_bytes
        assert -(-min(size, traits.largest_file) // part_bytes) <= 50_000
