"""An ACME server in memory, to be asked by proto/acme: it may refuse, dawdle or talk nonsense."""

import base64
import json
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from tests.keys import DAY, NOW, make_key, named

from penfold.proto.acme.documents import PROBLEM
from penfold.proto.acme.issuing import Ask, Pause, Prove, Reply

BASE = "https://acme.example"
KINDS = ("dns-01", "http-01", "tls-alpn-01")


def unpack(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(body):
    """Return the protected header and payload of a JWS whose signature is good."""
    jws = json.loads(body)
    head = json.loads(unpack(jws["protected"]))
    signature = unpack(jws["signature"])
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    signed = f"{jws['protected']}.{jws['payload']}".encode()
    return head, unpack(jws["payload"]), signed, encode_dss_signature(r, s)


class Authority:
    """status: of authorizations at the beginning. replies: by path, said instead, once each.

    polls: how often an object is pending before it is decided. refused: the error of a challenge.
    """

    def __init__(self, *, status="pending", polls=1, bad_nonces=0, refused=None, meta=None):
        self.status, self.polls, self.bad_nonces = status, polls, bad_nonces
        self.refused, self.meta = refused, meta or {}
        self.replies, self.asked, self.pauses, self.proofs = {}, [], [], ()
        self.answers = {}
        self.account = None
        self.nonces = set()
        self.names, self.chain, self.looked = [], b"", 0

    def run(self, steps):
        """Do what the steps say and return what they do."""
        reply = None
        try:
            while True:
                reply = self.do(steps.send(reply))
        except StopIteration as end:
            return end.value

    def do(self, step):
        if isinstance(step, Ask):
            return self.answer(step)
        if isinstance(step, Pause):
            self.pauses.append(step.seconds)
        elif isinstance(step, Prove):
            self.proofs = step.proofs
        return None

    def answer(self, ask):
        assert ask.url.startswith(BASE)
        path = ask.url.removeprefix(BASE)
        self.asked.append((ask.method, path))
        if self.replies.get(path):
            return self.replies[path].pop(0)
        if path == "/dir":
            paths = {"newNonce": "/nonce", "newAccount": "/account", "newOrder": "/order"}
            urls = {name: BASE + path for name, path in paths.items()}
            return self.say(200, urls | {"meta": self.meta})
        if path == "/nonce":
            return self.say(200, {})
        return self.answer_signed(ask, path)

    def answer_signed(self, ask, path):
        head, payload, signed, signature = verify(ask.body)
        assert (head["alg"], head["url"], ask.method) == ("ES256", ask.url, "POST")
        if head["nonce"] not in self.nonces or self.bad_nonces > 0:
            self.bad_nonces -= 1
            return self.say(400, {"type": f"{PROBLEM}badNonce", "detail": "try again"})
        self.nonces.discard(head["nonce"])
        if path == "/account":
            self.account = head["jwk"]
            self.contact = json.loads(payload).get("contact")
        else:
            assert head["kid"] == f"{BASE}/me"
            assert "jwk" not in head
        x, y = (int.from_bytes(unpack(self.account[name])) for name in "xy")
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        return getattr(self, f"on_{path.split('/')[1]}")(path, payload, ask)

    def say(self, status, document, **headers):
        nonce = base64.urlsafe_b64encode(sha256(b"%d" % len(self.asked)).digest()[:16]).decode()
        nonce = nonce.rstrip("=")
        self.nonces.add(nonce)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status, {"replay-nonce": nonce} | names, body)

    def on_account(self, _path, payload, _ask):
        assert json.loads(payload)["termsOfServiceAgreed"] is True
        return self.say(201, {"status": "valid"}, location=f"{BASE}/me")

    def on_order(self, _path, payload, _ask):
        if payload and not self.names:
            self.names = [each["value"] for each in json.loads(payload)["identifiers"]]
            return self.say(201, self.order(), location=f"{BASE}/order/1")
        assert payload == b""
        return self.say(200, self.order())

    def order(self):
        states = [self.judge(name) for name in self.names]
        if "invalid" in states:
            status = "invalid"
        elif "pending" in states:
            status = "pending"
        else:
            status = "valid" if self.chain else "ready"
        return {
            "status": status,
            "authorizations": [f"{BASE}/authz/{name}" for name in self.names],
            "finalize": f"{BASE}/finalize",
            "certificate": f"{BASE}/cert",
        }

    def judge(self, name):
        if self.status != "pending" or name not in self.answers:
            return self.status
        return "invalid" if self.refused else "valid"

    def on_authz(self, path, payload, _ask):
        assert payload == b""
        name = path.split("/")[2]
        state = self.judge(name)
        if state != "pending" and name in self.answers:
            self.looked += 1
            if self.looked <= self.polls:
                state = "pending"
        kinds = [
            {
                "type": kind,
                "url": f"{BASE}/chall/{name}/{kind}",
                "token": sha256(f"{name} {kind}".encode()).hexdigest()[:43],
                "status": state,
                **({"error": self.refused} if state == "invalid" else {}),
            }
            for kind in KINDS
        ]
        identifier = {"type": "dns", "value": name}
        return self.say(200, {"status": state, "identifier": identifier, "challenges": kinds})

    def on_chall(self, path, payload, _ask):
        assert payload == b"{}"
        _, _, name, kind = path.split("/")
        [proof] = [proof for proof in self.proofs if proof.name == name]
        assert proof.kind == kind
        self.answers[name] = proof
        return self.say(200, {"type": kind, "status": "processing"})

    def on_finalize(self, _path, payload, _ask):
        csr = x509.load_der_x509_csr(unpack(json.loads(payload)["csr"]))
        assert csr.is_signature_valid
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(names.get_values_for_type(x509.DNSName)) == sorted(self.names)
        self.chain = certify(csr.public_key(), names).public_bytes(Encoding.PEM)
        return self.say(200, self.order())

    def on_cert(self, _path, payload, ask):
        assert payload == b""
        assert ask.accept == "application/pem-certificate-chain"
        return self.say(200, self.chain)


def certify(public_key, names, *, starts=NOW - DAY, ends=NOW + 89 * DAY):
    """Return a certificate for a key; names: a SubjectAlternativeName, or host names."""
    if not isinstance(names, x509.SubjectAlternativeName):
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(named("Test Authority"))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(names, critical=True)
        .sign(make_key("rsa"), hashes.SHA256())
    )
