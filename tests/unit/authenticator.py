"""A security key of a few lines: makes passkeys and answers challenges, rightly or not."""

import hashlib
import json
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

from penfold.proto.oauth import base64url

UP, UV, AT = 0x01, 0x04, 0x40


class SecurityKey:
    """One credential. flags: what it says of its user; counts: its counter grows."""

    def __init__(self, *, flags=UP | UV, counts=True, identifier=b"credential-1", seed=4711):
        self.id = identifier
        self.flags = flags
        self.counter = 0
        self.counts = counts
        self._key = ec.derive_private_key(seed, ec.SECP256R1())
        self.user = b""

    def create(self, options, origin, **changed):
        options = json.loads(options)["publicKey"]
        from fido2.utils import websafe_decode

        self.user = websafe_decode(options["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self._key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(options["rp"]["id"], AT) + attested
        statement = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options, origin, changed)
        return self._answer(clientDataJSON=client, attestationObject=statement)

    def get(self, options, origin, *, user=None, **changed):
        options = json.loads(options)["publicKey"]
        data = self._data(options["rpId"], 0)
        client = self._client("webauthn.get", options, origin, changed)
        signed = data + hashlib.sha256(client).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=self.user if user is None else user,
        )

    def _data(self, host, more):
        self.counter += self.counts
        flags = self.flags | more
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client(self, kind, options, origin, changed):
        said = {"type": kind, "challenge": options["challenge"], "origin": origin, **changed}
        return json.dumps(said).encode()

    def _answer(self, **response):
        name = base64url(self.id)
        spelt = {key: base64url(octets) for key, octets in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": spelt})
