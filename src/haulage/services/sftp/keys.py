"""Keys: the private one that we log in with, and the server's own, which is pinned."""

import asyncio
import re
from collections.abc import Mapping

import asyncssh
import msgspec

from haulage.model.errors import Refused, Unreachable

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")


class HostKeyRefused(Unreachable):
    """The server did not prove that it is the one that was pinned. Nothing was sent to it; trying again is no help."""

    default_fix = "Find out from the server's operator why its key changed. Only then give the new host key."
    retryable = False


class HostKeys(msgspec.Struct, frozen=True):
    """The pinned keys of a server: public keys as OpenSSH writes them, or their SHA-256 fingerprints."""

    texts: tuple[str, ...] = ()

    def algorithms(self) -> list[str]:
        """The types of the pinned keys, so that a server with several shows one of these; none for fingerprints."""
        return [text.split()[0] for text in self.texts if not FINGERPRINT.fullmatch(text)]

    def holds(self, key: asyncssh.SSHKey) -> bool:
        """Whether it is one of them."""
        return any(text in (shown(key), key.get_fingerprint()) for text in self.texts)


def shown(key: asyncssh.SSHKey) -> str:
    """A public key as a pin: type and key in base64, without a comment."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


def read_host_keys(text: str) -> HostKeys:
    """Pins as a person gives them: lines "ssh-ed25519 AAAA...", with or without a host before it, or fingerprints.

    Raises Refused.
    """
    pins = []
    for line in filter(None, (line.strip() for line in re.split(r"[\n,]", text))):
        if line.startswith("#"):
            continue
        if found := FINGERPRINT.search(line):
            pins.append(found[0].rstrip("="))
            continue
        words = line.split()
        at = next((at for at, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), None)
        try:
            if at is None or line.startswith("@"):
                raise asyncssh.KeyImportError
            pins.append(shown(asyncssh.import_public_key(" ".join(words[at : at + 2]))))
        except (asyncssh.KeyImportError, ValueError):
            raise Refused(
                "the host key is neither a public key nor a fingerprint",
                "Give a line like ssh-keyscan prints it, or SHA256: and 43 characters.",
            ) from None
    return HostKeys(tuple(pins))


class PrivateKey(msgspec.Struct, frozen=True):
    """What a person gave to log in with."""

    text: str
    passphrase: str

    def __repr__(self) -> str:
        """Without the secrets, for tracebacks and logs."""
        return "PrivateKey()"


def read_private_key(settings: Mapping[str, str]) -> PrivateKey:
    """The fields private_key and passphrase; empty where none is given."""
    return PrivateKey(settings.get("private_key", "").strip(), settings.get("passphrase", ""))


async def private_keys(given: PrivateKey) -> list[asyncssh.SSHKey] | None:
    """The key to log in with, opened in a thread: a passphrase is slow on purpose. None where there is none.

    Raises Refused; never quotes it.
    """
    if not given.text:
        return None
    try:
        return [await asyncio.to_thread(asyncssh.import_private_key, given.text + "\n", given.passphrase or None)]
    except asyncssh.KeyEncryptionError:
        raise Refused("the private key cannot be opened with this passphrase", "Give its passphrase.") from None
    except (asyncssh.KeyImportError, ValueError) as error:
        if "assphrase" in str(error):
            raise Refused("the private key needs a passphrase", "Give it in the field passphrase.") from None
        raise Refused(
            "the private key cannot be read", "Give the whole file, from -----BEGIN to -----END, of an OpenSSH key."
        ) from None
