"""Small values as text in the ledger."""

from collections.abc import Mapping
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def dump(value: Any) -> str:
    """JSON text."""
    return _encoder.encode(value).decode()


def load(text: str | None) -> Any:
    """What `dump` was given; an empty object for None."""
    return _decoder.decode(text) if text else {}


def dump_hashes(hashes: Mapping[str, str]) -> str | None:
    """ "md5=0123... sha256=..."; None for none."""
    return " ".join(f"{name}={value}" for name, value in hashes.items()) or None


def load_hashes(text: str | None) -> dict[str, str]:
    """What `dump_hashes` was given."""
    return dict(pair.split("=", 1) for pair in text.split()) if text else {}
