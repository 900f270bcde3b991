"""Whether a certificate, its private key and its chain belong together: read and checked, nothing stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cloudsim.core.errors import InvalidValue

Key = RSAPrivateKey | EllipticCurvePrivateKey


def fingerprint(certificate: str, key: str, password: str | None, chain: str | None, now: int) -> str:
    """The fingerprint of a certificate whose key, password and chain are its own.

    `now`: in milliseconds. Raises `InvalidValue` for what is none, is not valid now, or does not belong together.
    """
    own = _certificates("certificate", certificate)[0]
    moment = datetime.fromtimestamp(now / 1000, UTC)
    _check_valid("the certificate", own, moment)
    if _spki(_key(key, password)) != own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise InvalidValue("the private key is not that of the certificate")
    if chain is not None:
        _check_chain(own, _certificates("certchain", chain), moment)
    return own.fingerprint(SHA1()).hex(":").upper()  # noqa: S303  # how CloudStack names them, nothing is kept safe by it


def _certificates(name: str, text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise InvalidValue(f"{name} takes X.509 certificates as PEM") from None


def _check_valid(what: str, found: x509.Certificate, moment: datetime) -> None:
    if moment > found.not_valid_after_utc:
        raise InvalidValue(f"{what} expired at {found.not_valid_after_utc:%Y-%m-%d %H:%M:%S}")
    if moment < found.not_valid_before_utc:
        raise InvalidValue(f"{what} is not valid before {found.not_valid_before_utc:%Y-%m-%d %H:%M:%S}")


def _key(text: str, password: str | None) -> Key:
    try:
        key = load_pem_private_key(text.encode(), None if password is None else password.encode())
    except TypeError:
        # a password for a key without one, or none for a key with one
        hint = "it needs its password" if password is None else "it is not encrypted: leave password out"
        raise InvalidValue(f"the private key cannot be read: {hint}") from None
    except (ValueError, UnsupportedAlgorithm):
        hint = "" if password is None else ", or password is not its password"
        raise InvalidValue(f"privatekey takes a private key as PEM{hint}") from None
    if not isinstance(key, Key):
        raise InvalidValue("the private key is of another kind than RSA and elliptic curves")
    return key


def _spki(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _check_chain(own: x509.Certificate, chain: Sequence[x509.Certificate], moment: datetime) -> None:
    """Follows the issuers from the certificate to the end of the chain."""
    for number, one in enumerate(chain, 1):
        _check_valid(f"certificate {number} of the chain", one, moment)
    last, left = own, [one for one in chain if one != own]
    while True:
        issuer = next((one for one in left if _issued(one, last)), None)
        if issuer is None:
            break
        left.remove(issuer)
        last = issuer
    if last == own:
        raise InvalidValue("no certificate of the chain has issued the certificate")
    if left:
        raise InvalidValue(f"{len(left)} certificate(s) of the chain do not lead from the certificate to its root")


def _issued(issuer: x509.Certificate, found: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        found.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return True
