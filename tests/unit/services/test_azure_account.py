"""Settings of a connector, read into one account."""

import pytest

from haulage.model.errors import Refused
from haulage.services.azure_blob import AZURE_BLOB
from haulage.services.azure_blob.account import EMULATOR_KEY, read_account, sas_permissions

KEY = "c2VjcmV0LXNlY3JldA=="


def test_a_name_alone_leads_to_the_public_service() -> None:
    account = read_account({"account_name": "acct", "account_key": KEY})
    assert (account.base_url, account.identity) == ("https://acct.blob.core.windows.net", "acct")
    assert account.key == b"secret-secret"


def test_a_connection_string_is_read_whole() -> None:
    text = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn"
    account = read_account({"connection_string": text})
    assert account.base_url == "https://acct.blob.core.chinacloudapi.cn"
    assert account.identity == "acct.blob.core.chinacloudapi.cn"
    assert account.key == b"secret-secret"


def test_a_connection_string_with_endpoint_and_sas() -> None:
    text = "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=2023&sp=rl&sig=a%3D"
    account = read_account({"connection_string": text})
    assert (account.name, account.sas, account.key) == ("acct", "sv=2023&sp=rl&sig=a%3D", None)
    assert account.identity == "acct"


def test_development_storage() -> None:
    account = read_account({"connection_string": "UseDevelopmentStorage=true"})
    assert account.base_url == "http://127.0.0.1:10000/devstoreaccount1"
    assert account.identity == "127.0.0.1:10000/devstoreaccount1"
    told = "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://box"
    assert read_account({"connection_string": told}).base_url == "http://box:10000/devstoreaccount1"


def test_fields_fill_in_what_a_connection_string_leaves_open() -> None:
    text = "BlobEndpoint=http://127.0.0.1:10000/acct"
    assert read_account({"connection_string": text, "account_key": KEY}).key == b"secret-secret"


def test_credentials_of_another_source_never_mix_with_a_connection_string() -> None:
    text = "AccountName=acct;SharedAccessSignature=sp=rl&sig=x"
    account = read_account({"connection_string": text, "account_key": KEY})
    assert (account.key, account.sas) == (None, "sp=rl&sig=x")


@pytest.mark.parametrize(
    ("endpoint", "base_url"),
    [
        ("http://127.0.0.1:10000", "http://127.0.0.1:10000/acct"),
        ("http://localhost:10000/acct/", "http://localhost:10000/acct"),
        ("https://ACCT.blob.core.windows.net:443/", "https://acct.blob.core.windows.net"),
        ("https://files.example.org", "https://files.example.org"),
        ("http://[::1]:10000", "http://[::1]:10000/acct"),
    ],
)
def test_spellings_of_an_endpoint(endpoint: str, base_url: str) -> None:
    assert read_account({"account_name": "acct", "account_key": KEY, "endpoint_url": endpoint}).base_url == base_url


@pytest.mark.parametrize("endpoint", ["https://acct.blob.core.windows.net", "http://127.0.0.1:10000/acct"])
def test_the_endpoint_may_tell_the_name(endpoint: str) -> None:
    assert read_account({"endpoint_url": endpoint, "sas_token": "?sp=r"}).name == "acct"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"account_name": " "},
        {"account_name": "acct", "account_key": "not base64!"},
        {"account_name": "other", "connection_string": f"AccountName=acct;AccountKey={KEY}"},
        {"connection_string": "nonsense"},
        {"connection_string": "A=b"},
        {"account_name": "acct", "endpoint_url": "ftp://acct.example.org"},
        {"account_name": "acct", "endpoint_url": "acct.blob.core.windows.net"},
        {"account_name": "acct", "endpoint_url": "https://acct.example.org/?sp=r&sig=x"},
        {"account_name": "acct", "endpoint_url": "https://me:pass@acct.example.org"},
        {"account_name": "acct", "endpoint_url": "http://127.0.0.1:port/"},
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_any_call(settings: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        read_account(settings)
    assert not any(secret in str(caught.value) for secret in ("pass@", "sig=", "not base64!"))


def test_no_secret_shows_in_an_account_that_is_printed() -> None:
    account = read_account({"connection_string": "UseDevelopmentStorage=true"})
    shown = repr(account) + str(account) + f"{account}"
    assert EMULATOR_KEY not in shown
    assert str(account.key) not in shown
    assert "sig" not in repr(read_account({"account_name": "acct", "sas_token": "sp=r&sig=x"}))


def test_permissions_of_a_sas() -> None:
    assert sas_permissions("sv=2023&sp=racwl&sig=x") == "racwl"
    assert sas_permissions("si=policy&sig=x") is None


def test_secrets_are_declared_as_such() -> None:
    assert {field.name for field in AZURE_BLOB.fields if field.secret} == {
        "account_key",
        "sas_token",
        "connection_string",
    }
    assert [name for field in AZURE_BLOB.fields for name in field.env if not name.startswith("AZURE_STORAGE_")] == []
