"""The certificate of an application, as a client assertion."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from haulage.model.errors import Refused
from haulage.services.authorisation import Assertion, WayId

# https://learn.microsoft.com/entra/identity-platform/certificate-credentials (2026-08): PS256 with x5t#S256
SECONDS = 600


def assertion(settings: Mapping[str, str], scopes: tuple[str, ...], way: WayId) -> Assertion:
    """What is to be signed. The certificate and its private key are one PEM text. Raises Refused."""
    pem = settings.get("certificate", "")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise Refused("the certificate is no PEM text", "Put certificate and private key in one file.") from None
    begin, end = pem.find("-----BEGIN PRIVATE KEY"), pem.find("-----END PRIVATE KEY-----")
    if begin < 0:
        begin, end = pem.find("-----BEGIN RSA PRIVATE KEY"), pem.find("-----END RSA PRIVATE KEY-----")
    if begin < 0 or end < begin:
        raise Refused("the certificate comes without its private key", "Put certificate and key in one PEM file.")
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    client = settings.get("client_id", "")
    return Assertion(
        algorithm="PS256",
        header={"typ": "JWT", "x5t#S256": urlsafe_b64encode(digest).rstrip(b"=").decode()},
        claims={"iss": client, "sub": client},
        key_pem=pem[begin : pem.index("\n", end) if "\n" in pem[end:] else len(pem)],
        seconds=SECONDS,
        as_client=True,
    )
