"""A key somebody asks for: what it may, and that it is no more than the one that makes it may."""

import ipaddress
from collections.abc import Iterable, Sequence

from penfold.base.errors import ParseError
from penfold.base.limits import SENDING_BOUND_MAX, SENDING_NAME_MAX
from penfold.domain.sending.findings import INVALID, NOT_ALLOWED, REQUIRED, TOO_MANY, Findings
from penfold.ports.sending.records import ApiKey
from penfold.proto.address import parse_domain
from penfold.spec.sending.schemas import NewKey
from penfold.spec.sending.scopes import DEFAULT_SCOPES, EMAILS_SEND, SCOPES, allows

#: Resend's words.
FULL_ACCESS = "full_access"
SENDING_ACCESS = "sending_access"


def read_scopes(given: Iterable[str], findings: Findings) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(given))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        findings.add("scopes", INVALID, f"has none of {', '.join(SCOPES)}: {unknown[0][:40]!r}")
    return scopes


def read_domains(given: Sequence[str], findings: Findings) -> tuple[str, ...]:
    if len(given) > SENDING_BOUND_MAX:
        findings.add("domains", TOO_MANY, f"has more than {SENDING_BOUND_MAX}")
        return ()
    try:
        return tuple(parse_domain(one) for one in given)
    except ParseError:
        findings.add("domains", INVALID, "has something that is no domain")
        return ()


def read_networks(given: Sequence[str], findings: Findings) -> tuple[str, ...]:
    if len(given) > SENDING_BOUND_MAX:
        findings.add("networks", TOO_MANY, f"has more than {SENDING_BOUND_MAX}")
        return ()
    try:
        return tuple(str(ipaddress.ip_network(one, strict=False)) for one in given)
    except ValueError:
        findings.add("networks", INVALID, "has something that is no network such as 192.0.2.0/24")
        return ()


def read_streams(given: Sequence[str], findings: Findings) -> tuple[str, ...]:
    if len(given) > SENDING_BOUND_MAX:
        findings.add("streams", TOO_MANY, f"has more than {SENDING_BOUND_MAX}")
        return ()
    for at, one in enumerate(given):
        findings.check_text(f"streams[{at}]", one, SENDING_NAME_MAX)
    return tuple(given)


def read_name(name: str, findings: Findings) -> str:
    if not name.strip():
        findings.add("name", REQUIRED, "is empty")
    findings.check_text("name", name, SENDING_NAME_MAX)
    return name


def check_new_key(body: NewKey, maker: ApiKey, findings: Findings, *, expires_ms: int) -> ApiKey:
    """Return the key that is asked for, as far as nothing is found to be wrong with it."""
    key = ApiKey(
        "",
        maker.account_id,
        read_name(body.name, findings),
        0,
        body.test,
        _find_scopes(body, maker, findings),
        read_domains(body.domains, findings) or maker.domains,
        read_streams(body.streams, findings) or maker.streams,
        read_networks(body.networks, findings) or maker.networks,
        expires_ms or maker.expires_ms,
    )
    check_reach(key, maker, findings)
    return key


def _find_scopes(body: NewKey, maker: ApiKey, findings: Findings) -> tuple[str, ...]:
    if body.permission is not None and body.scopes is not None:
        findings.add("permission", INVALID, "and `scopes` say the same; give one of them")
    if body.scopes is not None:
        return read_scopes(body.scopes, findings)
    if body.permission in (None, SENDING_ACCESS):
        return DEFAULT_SCOPES if body.permission is None else (EMAILS_SEND,)
    if body.permission != FULL_ACCESS:
        findings.add("permission", INVALID, f"is one of {FULL_ACCESS}, {SENDING_ACCESS}")
    return maker.scopes


def check_reach(key: ApiKey, maker: ApiKey, findings: Findings) -> None:
    """Note all in which the key could do more than the one that makes it."""
    more = [one for one in key.scopes if one not in maker.scopes and not allows(maker.scopes, one)]
    if more:
        findings.add("scopes", NOT_ALLOWED, f"has {more[0]}, which this API key lacks")
    for field in ("domains", "streams"):
        mine, theirs = getattr(maker, field), getattr(key, field)
        if mine and not set(theirs) <= set(mine):
            findings.add(
                field, NOT_ALLOWED, f"goes beyond those of this API key: {', '.join(mine)}"
            )
    if maker.networks and not all(_is_inside(one, maker.networks) for one in key.networks):
        findings.add("networks", NOT_ALLOWED, "goes beyond those of this API key")
    if maker.test and not key.test:
        findings.add("test", NOT_ALLOWED, "is false; a test key makes test keys only")
    if maker.expires_ms and key.expires_ms > maker.expires_ms:
        findings.add("expires_at", NOT_ALLOWED, "is after the end of this API key")


def _is_inside(network: str, networks: Iterable[str]) -> bool:
    inner = ipaddress.ip_network(network)
    outer = [ipaddress.ip_network(each) for each in networks]
    return any(
        inner.version == one.version and inner.subnet_of(one)  # type: ignore[arg-type]  # the same
        for one in outer
    )
