"""TLS as this server speaks it: contexts for HTTP, STARTTLS and implicit TLS, from two files.

TLS 1.2 and 1.3 with forward secrecy only; no compression, no renegotiation, no client
certificates. Making the files is net/certificates.py, so that serving processes do not load
a certificate builder.
"""

import ssl
from pathlib import Path
from typing import Final

#: TLS 1.2 suites: ECDHE with an AEAD (RFC 9325 §4.2). TLS 1.3 suites are all of that kind.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


def load_server_context(folder: Path, *, http: bool = False) -> ssl.SSLContext:
    """Return a context with the certificate of `folder`; http announces HTTP/1.1 by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if http:
        context.set_alpn_protocols(["http/1.1"])
    return context
