"""TLS as this server speaks it: contexts for HTTP, STARTTLS and implicit TLS, from files.

TLS 1.2 and 1.3 with forward secrecy only; no compression, no renegotiation, no client
certificates. Making the files is net/certificates.py, so that serving processes do not load
a certificate builder.

`LiveTls` follows its file: listeners hold one context for good, which gives every handshake to the
newest one. Connections in being, and handshakes in hand, keep what they began with.
"""

import ssl
from pathlib import Path
from typing import Final

#: TLS 1.2 suites: ECDHE with an AEAD (RFC 9325 §4.2). TLS 1.3 suites are all of that kind.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_HTTP: Final = "http/1.1"


def load_server_context(folder: Path, *, http: bool = False) -> ssl.SSLContext:
    """Return a context with the certificate of `folder`; http announces HTTP/1.1 by ALPN."""
    return LiveTls(folder / "server.pem", folder / "server.key", http=http).context


def load_challenge_context(path: Path, protocol: str) -> ssl.SSLContext:
    """Return a context with key and certificate of one file, for one protocol of ALPN."""
    context = _make_context()
    context.load_cert_chain(path)
    context.set_alpn_protocols([protocol])
    return context


class LiveTls:
    """A server's context whose certificate follows its file."""

    def __init__(self, certificate: Path, key: Path | None = None, *, http: bool = False) -> None:
        """key: None when it is in the certificate's file. http: announce HTTP/1.1 by ALPN."""
        self._files = (certificate, key)
        self._http = http
        self._seen = _look(certificate)
        self.context = self._current = self._load()

    def refresh(self) -> bool:
        """Take the file's certificate if the file has changed; return whether it has.

        OSError (ssl.SSLError is one) for a file that cannot be served: the certificate stays, and
        the file is not looked into again until it changes.
        """
        seen = _look(self._files[0])
        if seen == self._seen:
            return False
        self._seen = seen
        # Loading it into the context itself would leave one of another kind of key in place, and
        # clients would be shown either; half a pair would leave none.
        self._current = self._load()
        self.context.sni_callback = self._show
        return True

    def _load(self) -> ssl.SSLContext:
        context = _make_context()
        context.load_cert_chain(*self._files)
        if self._http:
            context.set_alpn_protocols([_HTTP])
        return context

    def _show(self, tls: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        """Called for each ClientHello, also for one without a name."""
        tls.context = self._current


def _make_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def _look(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced or written; None while it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
