"""Hashes as headers and documents carry them (base64), and as the model does (hex)."""

import binascii


def base64_of(digest: str) -> str:
    """A hash in hex as headers carry it."""
    return binascii.b2a_base64(bytes.fromhex(digest), newline=False).decode()


def hex_of(text: str) -> str | None:
    """A hash as headers carry it, in hex; None where it is none."""
    try:
        return binascii.a2b_base64(text, strict_mode=True).hex() or None
    except (binascii.Error, ValueError):
        return None
