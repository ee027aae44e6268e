"""The Merkle tree of RFC 6962 (section 2.1) over lines that stream by: one hash that stands for all of them."""

import hashlib


class Tree:
    """Takes leaves one after the other; keeps no more than a hash for each power of two."""

    def __init__(self) -> None:
        self._left: list[tuple[int, bytes]] = []
        self.leaves = 0

    def add(self, leaf: bytes) -> None:
        """One leaf more."""
        self.leaves += 1
        size, node = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while self._left and self._left[-1][0] == size:
            node = _joined(self._left.pop()[1], node)
            size *= 2
        self._left.append((size, node))

    def root(self) -> str:
        """The hash of all leaves, hexadecimal; of none, that of nothing."""
        if not self._left:
            return hashlib.sha256(b"").hexdigest()
        nodes = [node for _, node in self._left]
        root = nodes.pop()
        while nodes:
            root = _joined(nodes.pop(), root)
        return root.hex()


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
