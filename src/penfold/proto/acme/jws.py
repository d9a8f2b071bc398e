"""Signed requests of ACME: a JWS in flattened JSON, signed with ES256 and nothing else.

RFC 8555 §6.2 says what the protected header holds: the algorithm, a nonce, the address the request
goes to, and the account, by its key (jwk) before the server knows it and by its address (kid)
afterwards. RFC 7518 §3.4: the signature is R and S, 32 octets each. RFC 7638: the thumbprint of a
key, by which challenges know the account.
"""

import json
from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from penfold.base.errors import ParseError
from penfold.proto.oauth import base64url

_NUMBER_BYTES: Final = 32


class AccountKey:
    """The key pair that is an account at an ACME server."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        #: RFC 7638 §3.2: the members that count, in the order of their names.
        self.jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": base64url(numbers.x.to_bytes(_NUMBER_BYTES)),
            "y": base64url(numbers.y.to_bytes(_NUMBER_BYTES)),
        }

    @property
    def thumbprint(self) -> str:
        return base64url(sha256(_compact(self.jwk)).digest())

    def sign(self, *, url: str, nonce: str, account: str, payload: bytes) -> bytes:
        """Return the body of a POST. account: its address, "" while it has none.

        An empty payload is POST-as-GET (RFC 8555 §6.3).
        """
        who = {"kid": account} if account else {"jwk": self.jwk}
        head = base64url(_compact({"alg": "ES256", "nonce": nonce, "url": url, **who}))
        body = base64url(payload)
        der = self._key.sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        signature = base64url(r.to_bytes(_NUMBER_BYTES) + s.to_bytes(_NUMBER_BYTES))
        return _compact({"protected": head, "payload": body, "signature": signature})


def make_account_key() -> bytes:
    """Return a new key as PEM; the randomness is the operating system's."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def parse_account_key(pem: bytes) -> AccountKey:
    """Return the key; ParseError for anything that is no P-256 key in PEM."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ParseError("not a private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ParseError("not a P-256 key")
    return AccountKey(key)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
