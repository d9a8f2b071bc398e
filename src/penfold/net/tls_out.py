"""TLS towards other mail servers: what is asked for as a value, what came of it as facts.

Modes, from the weakest: NoTls; Opportunistic takes any certificate (RFC 7435: against who only
listens, unauthenticated is far better than clear), Encrypted does so too, but never goes in clear;
Verify wants a chain to a known authority and
one of the names (MTA-STS, RFC 8461 §4.1; submission, RFC 8314); Dane leaves the judgement of
the chain to a function that knows the TLSA records (RFC 7672).

Never below TLS 1.2 (RFC 9325 §3.1.1). Who wants older TLS opportunistically gets none, and the
caller may then try in clear.
"""

import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from cryptography import x509
from msgspec import Struct

from penfold.base.limits import CHAIN_MAX
from penfold.proto.malformed import MALFORMED
from penfold.proto.smtp.client.outcome import TlsFacts
from penfold.proto.smtp.client.profile import TlsNeed

#: Certificates as DER, the server's own first, as it sent them: nothing about them is verified.
Chain = tuple[bytes, ...]
#: Returns "" when the chain is good, else why it is not.
ChainCheck = Callable[[Chain], str]

#: How certificates inside the ssl module are asked for DER; only Python 3.13 has a name for it.
_DER: Final = 2
#: Names of a certificate that are kept, and characters of one (RFC 1035 §2.3.4).
_NAMES_MAX: Final = 100
_NAME_MAX: Final = 255


class NoTls(Struct, frozen=True, gc=False):
    """In clear, even if TLS is offered."""


class Opportunistic(Struct, frozen=True, gc=False):
    """implicit: TLS from the first octet, as on port 465 (RFC 8314 §3)."""

    implicit: bool = False


class Encrypted(Struct, frozen=True, gc=False):
    """TLS with any certificate, or nothing at all."""

    implicit: bool = False


class Verify(Struct, frozen=True, gc=False):
    """names: the certificate must carry one of them. authorities: PEM, "" for the system's."""

    names: tuple[str, ...]
    authorities: str = ""
    implicit: bool = False


class Dane(Struct, frozen=True):
    """check is asked once the handshake is done, before anything is said; it must not raise."""

    check: ChainCheck


TlsMode = NoTls | Opportunistic | Encrypted | Verify | Dane


def find_need(mode: TlsMode) -> TlsNeed:
    if isinstance(mode, NoTls):
        return TlsNeed.NONE
    return TlsNeed.IF_OFFERED if isinstance(mode, Opportunistic) else TlsNeed.REQUIRED


def is_implicit(mode: TlsMode) -> bool:
    return isinstance(mode, Opportunistic | Encrypted | Verify) and mode.implicit


def find_context(mode: TlsMode) -> ssl.SSLContext:
    """Return the context for a handshake in this mode; the same one for the same demands."""
    if isinstance(mode, Verify):
        return _make_verifying(mode.authorities)
    return _make_accepting()


@lru_cache(maxsize=1)
def _make_accepting() -> ssl.SSLContext:
    context = _make_context()
    context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=8)
def _make_verifying(authorities: str) -> ssl.SSLContext:
    context = _make_context()
    context.verify_mode = ssl.CERT_REQUIRED
    if authorities:
        context.load_verify_locations(cadata=authorities)
    else:
        context.load_default_certs()
    return context


def _make_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Names are compared in `judge`: several may do, and OpenSSL would take one.
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def judge(mode: TlsMode, tls: ssl.SSLObject) -> TlsFacts:
    """Return what a finished handshake came to; only Verify and Dane ever find it verified."""
    chain = find_chain(tls)
    names = find_names(chain[0]) if chain else ()
    why = "any certificate is taken"
    verified = False
    if isinstance(mode, Verify):
        matched = [name for name in mode.names if any(_matches(each, name) for each in names)]
        verified, why = bool(matched), _explain(mode.names, names, matched)
    elif isinstance(mode, Dane):
        objection = mode.check(chain)
        verified, why = not objection, objection or "by DANE"
    cipher = tls.cipher()
    return TlsFacts(tls.version() or "", cipher[0] if cipher else "", verified, why, names)


def _explain(wanted: tuple[str, ...], names: tuple[str, ...], matched: list[str]) -> str:
    if matched:
        return f"for {matched[0]}"
    found = " or ".join(names[:5]) or "nobody"
    return f"the certificate is not for {' or '.join(wanted)}, but for {found}"


def find_chain(tls: ssl.SSLObject) -> Chain:
    """Return the certificates the server sent, at most CHAIN_MAX."""
    if hasattr(tls, "get_unverified_chain"):  # Python 3.13
        return tuple(tls.get_unverified_chain())[:CHAIN_MAX]
    own = tls.getpeercert(binary_form=True)
    inner: Any = getattr(tls, "_sslobj", None)
    if inner is None or not hasattr(inner, "get_unverified_chain"):
        return (own,) if own else ()
    sent = inner.get_unverified_chain() or ()
    return tuple(each.public_bytes(_DER) for each in sent)[:CHAIN_MAX]


def find_names(certificate: bytes) -> tuple[str, ...]:
    """Return the DNS names a certificate is for; () for one that cannot be read.

    RFC 9525 §6.3 knows no other place for them than subjectAltName.
    """
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.DNSName)
    except (*MALFORMED, x509.ExtensionNotFound):
        return ()
    fit = (n.lower() for n in found if n.isascii() and n.isprintable() and len(n) <= _NAME_MAX)
    return tuple(fit)[:_NAMES_MAX]


def _matches(presented: str, wanted: str) -> bool:
    """Return whether a name in a certificate means a host; "*" is one label (RFC 9525 §6.3)."""
    wanted = wanted.lower().rstrip(".")
    if presented.startswith("*."):
        _, dot, rest = wanted.partition(".")
        return bool(dot) and presented == f"*.{rest}"
    return presented == wanted
