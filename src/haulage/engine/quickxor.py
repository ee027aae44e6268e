"""quickXorHash: the one hash that every OneDrive and SharePoint library promises.

Byte number i is XORed into a register of 160 bits at bit offset 11 * i modulo 160, then the length into its last 64
bits. All bytes whose numbers differ by a multiple of 160 meet at the same place: they are folded together first, many
at a time. For the same reason two pieces of a multiple of 160 bytes can change places unnoticed, so that this hash
proves no order (learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash).
"""

import numpy as np

PERIOD = 160
ROW = 48 * PERIOD  # what is folded at a time: long rows keep the processor's vector units busy


class QuickXor:
    """Like hashlib's hashes: update() and hexdigest()."""

    def __init__(self) -> None:
        self._folded = np.zeros(PERIOD, dtype=np.uint8)
        self._length = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take in the next bytes."""
        piece = np.frombuffer(data, dtype=np.uint8)
        phase = self._length % PERIOD
        self._length += piece.size
        whole = piece.size // ROW * ROW
        sums = np.zeros(ROW, dtype=np.uint8)
        if whole:
            sums ^= np.bitwise_xor.reduce(piece[:whole].reshape(-1, ROW), axis=0)
        sums[: piece.size - whole] ^= piece[whole:]
        self._folded ^= np.roll(np.bitwise_xor.reduce(sums.reshape(-1, PERIOD), axis=0), phase)

    def hexdigest(self) -> str:
        """The hash of all bytes so far, in hex; the service writes it in base64."""
        register = self._length << 96
        for number, byte in enumerate(self._folded.tolist()):
            placed = byte << (11 * number % PERIOD)
            register ^= placed | placed >> PERIOD
        return (register & ((1 << PERIOD) - 1)).to_bytes(20, "little").hex()
