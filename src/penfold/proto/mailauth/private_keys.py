"""Private keys of signatures: made, written and read. What they do is in keys.py.

PKCS #8 (RFC 5958) as DER, unencrypted: whoever keeps it seals it.
"""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from penfold.base.errors import ParseError
from penfold.base.limits import DKIM_KEY_BITS
from penfold.proto.mailauth.keys import PrivateKey

RSA: Final = "rsa-sha256"
ED25519: Final = "ed25519-sha256"
#: In the order their signatures stand in a message. RFC 8463 §4: who does not know Ed25519 passes
#: over such a signature, so there is one of each.
ALGORITHMS: Final = (RSA, ED25519)
_EXPONENT: Final = 65_537


def make_private_key(algorithm: str) -> PrivateKey:
    """Return a new key; the randomness is the operating system's. RSA takes about 0.1 s."""
    if algorithm == ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(_EXPONENT, DKIM_KEY_BITS)


def print_private_key(key: PrivateKey) -> bytes:
    """Return the key as PKCS #8."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def parse_private_key(octets: bytes) -> PrivateKey:
    """Return the key in PKCS #8 that we wrote; ParseError when it is none for signatures.

    Its numbers are not checked again, which would take ten times as long as signing: the seal
    vouches for them.
    """
    try:
        key = load_der_private_key(octets, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ParseError("not a private key") from error
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise ParseError("not a private key for signatures")
    return key
