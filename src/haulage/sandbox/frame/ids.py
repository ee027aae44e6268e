"""Identifiers that look like the vendors' own and follow from the seed alone."""

import base64
import hashlib


class Ids:
    """Makes identifiers from a seed and what they are for: the same for the same words, whatever came before."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big", signed=True)

    def raw(self, *words: object, size: int = 32) -> bytes:
        """`size` bytes (64 at most) for these words."""
        text = "\x1f".join(map(str, words)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=size).digest()

    def number(self, *words: object, below: int = 1 << 63) -> int:
        """A whole number from 0 to `below` - 1."""
        return int.from_bytes(self.raw(*words, size=16), "big") % below

    def digits(self, *words: object, count: int) -> str:
        """So many decimal digits, the first of them not 0."""
        low = 10 ** (count - 1)
        return str(low + self.number(*words, below=9 * low))

    def hex(self, *words: object, count: int) -> str:
        """So many lower-case hexadecimal digits (128 at most)."""
        return self.raw(*words, size=(count + 1) // 2).hex()[:count]

    def base32(self, *words: object, count: int) -> str:
        """So many characters of A-Z and 2-7 (100 at most)."""
        return base64.b32encode(self.raw(*words, size=64)).decode()[:count]

    def base64url(self, *words: object, count: int) -> str:
        """So many characters of the URL-safe base64 alphabet (85 at most)."""
        return base64.urlsafe_b64encode(self.raw(*words, size=64)).decode()[:count]

    def guid(self, *words: object) -> str:
        """A GUID in lower case, of version 4."""
        text = self.hex(*words, count=32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
