"""A small OpenID Connect provider over real HTTPS that can be made to lie in one thing at a time."""

import base64
import hmac
import json
import ssl
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from tests.keys import make_key

from penfold.net.certificates import make_authority, make_server_certificate
from penfold.proto.oauth import s256

CLIENT_ID = "penfold here"
SECRET = "s3cret:/+ &"
#: Tokens are made with these: the time of the certificates is the real one, that of tokens the
#: clock's.
_KEYS = {}


def signing_key(kind="rsa", number=0):
    """Return a key of joserfc's; each (kind, number) is made once."""
    made = _KEYS.get((kind, number))
    if made is None:
        if kind == "rsa":
            raw = make_key("rsa") if number == 0 else rsa.generate_private_key(65_537, 2_048)
        else:
            raw = ec.generate_private_key(ec.SECP256R1())
        made = {"rsa": RSAKey, "ec": ECKey}[kind].import_key(raw)
        _KEYS[kind, number] = made
    return made


def public(key, **members):
    return {**key.as_dict(private=False), **members}


def unsigned(claims):
    """Return a token that says it needs no signature."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(map(_encode, parts)) + "."


def _encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class SmallProvider:
    """Signs in `person` whoever comes. What it says can be changed while it runs.

    claims: in place of the id token's, None takes one away. asked: how often each path was.
    """

    def __init__(self, folder, authority, *, now_ms, clock):
        self.clock = clock
        self.person = {"sub": "u-1", "email": "Alice@Penfold.test", "email_verified": True}
        self.metadata, self.claims, self.back, self.userinfo = {}, {}, {}, None
        self.algorithm, self.kid, self.key = "RS256", "k1", signing_key()
        self.keys = [public(self.key, kid="k1", use="sig", alg="RS256")]
        self.make_token = None
        self.broken, self.silent = {}, set()
        self.asked, self.forms, self.logins = Counter(), [], []
        self._codes, self._end = {}, threading.Event()
        pair = make_server_certificate(authority, ("localhost",), now_ms=now_ms)
        path = folder / "provider.pem"
        path.write_bytes(pair.certificate + pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.issuer = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self):
        self._end.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def sign_in(self, url):
        """Do what its pages would: return where the browser is sent back to."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.issuer
        asked = dict(parse_qsl(parts.query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(asked["scope"].split())
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer, **self.back}
        answer = {name: value for name, value in answer.items() if value is not None}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def describe(self):
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in said.items() if value is not None}

    def redeem(self, form, login):
        self.forms.append(form)
        self.logins.append(login)
        if login:
            name, _, secret = base64.b64decode(login.removeprefix("Basic ")).decode().partition(":")
            pair = unquote_plus(name), unquote_plus(secret)
        else:
            pair = form.get("client_id"), form.get("client_secret")
        if pair != (CLIENT_ID, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        if asked is None or asked["code_challenge"] != s256(form["code_verifier"]):
            return 400, {"error": "invalid_grant", "error_description": "no such code"}
        assert asked["redirect_uri"] == form["redirect_uri"]
        now_s = self.clock.now_ms() // 1000
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now_s, "exp": now_s + 300,
            "nonce": asked["nonce"], **self.person, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = (self.make_token or self.sign)(claims)
        return 200, {"token_type": "Bearer", "access_token": "at-1", "id_token": token}

    def sign(self, claims):
        header = {"alg": self.algorithm, **({"kid": self.kid} if self.kid else {})}
        return jws.serialize_compact(
            header, json.dumps(claims).encode(), self.key, algorithms=[self.algorithm]
        )

    def sign_with_public_key(self, claims):
        """Return a token with the published key as a shared secret (RFC 8725 §2.1)."""
        header = {"alg": "HS256", "kid": self.kid}
        head = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        secret = self.key.as_pem(private=False)
        return f"{head}.{_encode(hmac.digest(secret, head.encode(), 'sha256'))}"

    def answer(self, path, form, login):
        if path in self.broken:
            return self.broken[path]
        if path == "/.well-known/openid-configuration":
            return 200, self.describe()
        if path == "/keys":
            return 200, {"keys": self.keys}
        if path == "/token":
            return self.redeem(form, login)
        if path == "/userinfo" and login == "Bearer at-1":
            return 200, self.userinfo
        return 404, {}

    def _handler(provider):  # noqa: N805 - the handler's methods have the other self
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = urlsplit(self.path).path
                provider.asked[path] += 1
                if path in provider.silent:
                    provider._end.wait()
                    return
                length = int(self.headers.get("Content-Length", 0))
                form = {k: v for k, [v] in parse_qs(self.rfile.read(length).decode()).items()}
                login = self.headers.get("Authorization", "")
                status, document = provider.answer(path, form, login)
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - a name of the library

            def log_message(self, *_):
                pass

        return Handler


def make_trusted(now_ms):
    """Return an authority and what trusts it."""
    authority = make_authority(now_ms=now_ms)
    return authority, ssl.create_default_context(cadata=authority.certificate.decode())
