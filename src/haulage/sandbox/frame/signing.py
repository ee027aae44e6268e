"""Key pairs, certificates and signed assertions (JWT), for services that take or give them."""

import base64
import datetime
from functools import lru_cache
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256")


class _Registry(JWSRegistry):
    max_header_length = 16_384  # client libraries send their whole certificate along (x5c)


class NotSigned(Exception):
    """An assertion that is malformed, or not signed by the key that it should be signed by."""


def new_key(passphrase: str = "") -> str:
    """A new RSA key of 2048 bits, as PKCS#8 PEM, encrypted where there is a passphrase."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    protection = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection).decode()


def locked(pem: str, passphrase: str) -> str:
    """The same private key, encrypted."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    protection = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection).decode()


def certificate_of(pem: str, name: str, now: float) -> str:
    """A self-signed certificate of a private key, valid for two years, as PEM."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("only RSA keys are certified here")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(days=2)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=730))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def thumbprint(certificate: str, algorithm: hashes.HashAlgorithm) -> str:
    """The certificate's thumbprint as base64url without padding, as the headers x5t and x5t#S256 have it."""
    digest = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(algorithm)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@lru_cache(maxsize=64)
def _key(pem: str) -> RSAKey:
    if "BEGIN CERTIFICATE" in pem:
        public = x509.load_pem_x509_certificate(pem.encode()).public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return RSAKey.import_key(pem)


def public_key(pem: str) -> str:
    """The public half of a private key, as PEM."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip


def public_jwk(pem: str) -> dict[str, Any]:
    """The public half of a key, as a JSON Web Key."""
    return dict(_key(pem).as_dict(private=False))


def sign(pem: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT, RS256 unless the header says otherwise."""
    header = {"typ": "JWT", "alg": "RS256", **header}
    return jwt.encode(header, claims, _key(pem), algorithms=[header["alg"]])


def unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of an assertion as it says itself, to find the key to check it with. Raises NotSigned."""
    try:
        parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split(".")[:2]]
        header, claims = (msgspec.json.decode(part, type=dict[str, Any]) for part in parts)
    except (ValueError, msgspec.DecodeError) as error:
        raise NotSigned(f"not a JWT: {error}") from None
    return header, claims


def verified(assertion: str, pem: str) -> dict[str, Any]:
    """The claims of an assertion that this key (or certificate) has signed. Raises NotSigned.

    Times are not looked at: each vendor allows others.
    """
    try:
        taken = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)
        return dict(jwt.decode(assertion, _key(pem), registry=taken).claims)
    except (JoseError, ValueError) as error:
        raise NotSigned(str(error)) from None
