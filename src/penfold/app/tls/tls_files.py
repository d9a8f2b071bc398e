"""The files of <data>/tls and who reads and writes them.

    ca.pem, ca.key          Penfold's own authority       server.pem, server.key   its certificate
    serving.pem             what is shown, key and chain, when the settings name a certificate
    acme.pem                the last certificate of the ACME server, key and chain
    acme-account.key        the account there             acme.json      when it is asked next
    challenges.json         what the ACME server may ask just now; alpn-N.pem are part of it

Whoever brings a certificate (the operator's files, the ACME server) has it checked and put into
serving.pem in one step; the serving processes follow that file alone. So nobody ever sees a key
without its certificate, and what is damaged never gets there.
"""

import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from penfold.base.clock import Clock
from penfold.base.errors import ParseError
from penfold.base.limits import TLS_FILE_MAX_BYTES
from penfold.domain.outgoing.renewal import Plan
from penfold.net.tls import load_challenge_context
from penfold.proto.acme.jws import AccountKey, make_account_key, parse_account_key
from penfold.proto.acme.proofs import (
    ALPN,
    HTTP_01,
    TLS_ALPN_01,
    Proof,
    make_challenge_certificate,
)
from penfold.proto.served_certificate import Served, parse_served
from penfold.spec.settings import Settings
from penfold.store.durable import write_file

FOLDER: Final = "tls"
SERVING: Final = "serving.pem"
ACME: Final = "acme.pem"
_ACCOUNT: Final = "acme-account.key"
_PLAN: Final = "acme.json"


def find_serving(settings: Settings) -> tuple[Path, Path | None]:
    """Return where the certificate in use is, and its key unless that is in the same file."""
    folder = Path(settings.data) / FOLDER
    if settings.names_certificate:
        return folder / SERVING, None
    return folder / "server.pem", folder / "server.key"


def load_octets(path: Path) -> bytes:
    """Return a file; ParseError, which says why, for one that cannot be used."""
    try:
        with path.open("rb") as file:
            octets = file.read(TLS_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise ParseError(f"{path}: {error.strerror}") from error
    if len(octets) > TLS_FILE_MAX_BYTES:
        raise ParseError(f"{path}: larger than {TLS_FILE_MAX_BYTES} octets")
    return octets


def load_operators(settings: Settings, *, now_ms: int) -> Served:
    """Return the certificate of the operator's files; ParseError, which names them, if unfit."""
    chain, key = Path(settings.tls_certificate), Path(settings.tls_key or settings.tls_certificate)
    octets, secret = load_octets(chain), load_octets(key)
    try:
        return parse_served(octets, secret, names=[settings.hostname], now_ms=now_ms)
    except ParseError as error:
        named = f"{chain}" if chain == key else f"{chain} with {key}"
        raise ParseError(f"{named}: {error}") from None


def look_at_operators(settings: Settings) -> tuple[object, ...]:
    """Return what changes when one of the operator's files does, or who may read it."""
    found: list[object] = []
    for name in (settings.tls_certificate, settings.tls_key):
        with suppress(OSError):
            seen = Path(name).stat() if name else None
            # ctime: one that could not be read is mended by chown, which changes nothing else.
            found.append(seen and (name, seen.st_ino, seen.st_ctime_ns, seen.st_size))
    return tuple(found)


def load_served(path: Path, names: Sequence[str], *, now_ms: int) -> Served | None:
    """Return key and chain of a file of ours; None when it is not there or cannot be served."""
    try:
        octets = load_octets(path)
        return parse_served(octets, octets, names=names, now_ms=now_ms)
    except ParseError:
        return None


def save_served(folder: Path, served: Served) -> None:
    """Have this certificate shown from now on."""
    path = folder / SERVING
    if not path.exists() or path.read_bytes() != served.pem:
        write_file(path, served.pem)


class AcmeFiles:
    """What is kept for the ACME server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_account(self) -> AccountKey:
        """Return the account's key, a new one if there is none. ParseError for a damaged one."""
        path = self._folder / _ACCOUNT
        if not path.exists():
            write_file(path, make_account_key())
        try:
            return parse_account_key(load_octets(path))
        except ParseError as error:
            raise ParseError(f"{path}: {error}; remove it to get a new account") from error

    def load_kept_key(self) -> bytes:
        """Return what holds the key to certify: the last certificate, or else the one in use.

        TLSA records name the key (RFC 7672 §3.1.1): under another one, servers that heed DANE would
        keep their mail until somebody has changed the record. b"" when neither is there.
        """
        for name in (ACME, SERVING):
            with suppress(ParseError):
                return load_octets(self._folder / name)
        return b""

    def load_plan(self) -> Plan | None:
        try:
            return msgspec.json.decode((self._folder / _PLAN).read_bytes(), type=Plan)
        except (OSError, msgspec.MsgspecError):
            return None  # without a plan it is asked at once

    def save_plan(self, plan: Plan) -> None:
        write_file(self._folder / _PLAN, msgspec.json.encode(plan))

    def save_certificate(self, served: Served) -> None:
        write_file(self._folder / ACME, served.pem)
        save_served(self._folder, served)


class Challenges:
    """What is to be answered just now, for every process: written by one, read by all.

    The file is read whenever somebody asks, which is rare, so an answer is there when `publish`
    returns.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._file = folder / "challenges.json"
        self._clock = clock

    def publish(self, proofs: tuple[Proof, ...]) -> None:
        """Answer these from now on and no others."""
        if not proofs:
            self._file.unlink(missing_ok=True)
            for path in self._folder.glob("alpn-*.pem"):
                path.unlink(missing_ok=True)
            return
        for number, proof in enumerate(proofs):
            if proof.kind == TLS_ALPN_01:
                pem = make_challenge_certificate(proof, now_ms=self._clock.now_ms())
                write_file(self._folder / f"alpn-{number}.pem", pem)
        http = {proof.token: proof.answer for proof in proofs if proof.kind == HTTP_01}
        tls = {p.name: f"alpn-{n}.pem" for n, p in enumerate(proofs) if p.kind == TLS_ALPN_01}
        write_file(self._file, msgspec.json.encode({HTTP_01: http, TLS_ALPN_01: tls}))

    def find_answer(self, token: str) -> bytes | None:
        """Return what http-01 is answered for a token."""
        answer = self._load(HTTP_01).get(token)
        return None if answer is None else answer.encode()

    def is_waiting(self) -> bool:
        """Return whether anything is to be answered by TLS."""
        return self._file.exists()

    def find_context(self, name: str) -> ssl.SSLContext | None:
        """Return the context of tls-alpn-01 for a name."""
        file = self._load(TLS_ALPN_01).get(name)
        if file is None:
            return None
        try:
            return load_challenge_context(self._folder / file, ALPN)
        except OSError:
            return None  # taken back meanwhile

    def _load(self, kind: str) -> Mapping[str, str]:
        try:
            document = msgspec.json.decode(self._file.read_bytes(), type=dict[str, dict[str, str]])
        except (OSError, msgspec.MsgspecError):
            return {}
        return document.get(kind, {})
