"""Whose keys a side is reached with, where options and the environment name several."""

from pathlib import Path

import pytest

from haulage.ledger.store import Ledger
from haulage.operations.locations import Given, resolve

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "first", "AWS_SESSION_TOKEN": "token"}
AZURE = {"AZURE_STORAGE_ACCOUNT": "one", "AZURE_STORAGE_KEY": "a2V5"}
OTHER = {"HAULAGE_DESTINATION_AWS_ACCESS_KEY_ID": "AKIA2", "HAULAGE_DESTINATION_AWS_SECRET_ACCESS_KEY": "second"}


@pytest.mark.parametrize(
    ("location", "options", "environment", "wanted"),
    [
        ("s3://b", (), KEYS, {"access_key_id": "AKIA1", "secret_access_key": "first", "session_token": "token"}),
        ("s3://b", ("profile=archive",), KEYS, {"profile": "archive"}),
        ("s3://b", (), {**KEYS, "HAULAGE_DESTINATION_AWS_PROFILE": "archive"}, {"profile": "archive"}),
        ("s3://b", (), {**KEYS, **OTHER}, {"access_key_id": "AKIA2", "secret_access_key": "second"}),
        (
            "s3://b",
            ("secret_access_key=env:MINE",),
            {"AWS_ACCESS_KEY_ID": "AKIA1", "MINE": "mine"},
            {"access_key_id": "AKIA1", "secret_access_key": "mine"},
        ),
        ("az://c", (), AZURE, {"account_name": "one", "account_key": "a2V5"}),
        ("az://c", ("sas_token=env:SAS",), {**AZURE, "SAS": "sv=1"}, {"account_name": "one", "sas_token": "sv=1"}),
        (
            "az://c",
            ("account_key=env:KEY", "account_name=two"),
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=one;AccountKey=a2V5", "KEY": "b3RoZXI="},
            {"account_name": "two", "account_key": "b3RoZXI="},
        ),
    ],
)
def test_what_is_nearer_holds(
    tmp_path: Path, location: str, options: tuple[str, ...], environment: dict[str, str], wanted: dict[str, str]
) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    try:
        assert resolve(ledger, Given(location, "destination", options), environment)[2] == wanted
    finally:
        ledger.close()
