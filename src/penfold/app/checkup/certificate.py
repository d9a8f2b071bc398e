"""The certificate in use: its end, its names, and how renewing it went."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from penfold.app.checkup.patient import Patient
from penfold.app.tls.tls_files import FOLDER, AcmeFiles, find_serving, load_octets, load_operators
from penfold.base.errors import ParseError
from penfold.base.limits import TLS_WARN_DAYS
from penfold.domain.health import Finding, error, fine, warning
from penfold.proto.served_certificate import parse_served

_DAY_MS: Final = 86_400_000
_WHY: Final = "Programs and other mail servers refuse to talk to this one."


def check_certificate(patient: Patient) -> Iterator[Finding]:
    """What is shown is for our name and in its time."""
    settings = patient.settings
    names = [settings.hostname] if settings.is_production else []
    chain, key = find_serving(settings)
    if not chain.exists() and not patient.running:
        yield fine("certificate", "None yet; the server makes one when it starts.")
        return
    try:
        served = parse_served(
            load_octets(chain), load_octets(key or chain), names=names, now_ms=patient.now_ms
        )
    except ParseError as trouble:
        mend = "give a working one (docs/tls.md); the server takes it within a minute"
        yield error("certificate", f"{trouble}.", why=_WHY, mend=mend)
        return
    days = (served.expires_ms - patient.now_ms) // _DAY_MS
    ends = datetime.fromtimestamp(served.expires_ms / 1000, UTC)
    what = f"For {', '.join(served.names[:3])}, by {served.issuer}, until {ends:%Y-%m-%d}."
    if settings.names_certificate and days < TLS_WARN_DAYS:
        yield warning(
            "certificate", f"{what} That is in {days} days.", why=_WHY, mend=_renew(patient)
        )
    elif settings.is_production and not settings.names_certificate:
        yield warning(
            "certificate",
            f"{what} Nobody else knows that authority.",
            why="People and programs are warned, and mail servers under MTA-STS stay away.",
            mend="set acme_directory, or tls_certificate and tls_key; docs/tls.md",
        )
    else:
        yield fine("certificate", what)


def _renew(patient: Patient) -> str:
    if patient.settings.tls_certificate:
        return f"renew {patient.settings.tls_certificate}; the server takes the new one by itself"
    return "see what the ACME server said, below and in the log (certificate_failed)"


def check_operators(patient: Patient) -> Iterator[Finding]:
    """The files that the settings name can be used."""
    if not patient.settings.tls_certificate:
        return
    try:
        load_operators(patient.settings, now_ms=patient.now_ms)
    except ParseError as trouble:
        mend = "put a certificate and the key that belongs to it there"
        yield error(
            "certificate", f"{trouble}.", why="It is not taken; the old one ends.", mend=mend
        )


def check_renewal(patient: Patient) -> Iterator[Finding]:
    """The last talk with the ACME server ended well."""
    if not patient.settings.acme_directory:
        return
    plan = AcmeFiles(patient.data / FOLDER).load_plan()
    if plan is not None and plan.failures:
        yield error(
            "certificate",
            f"The ACME server was asked {plan.failures} times in vain: {plan.problem}",
            why="The certificate in use ends one day.",
            mend="docs/tls.md lists what has to lead where; a restart asks again soon",
        )
