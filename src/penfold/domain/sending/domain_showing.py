"""Sending domains as the API and commands show them."""

from penfold.domain.sending.domain_dns import PENDING, list_dns_records
from penfold.domain.sending.showing import show_maybe, show_time
from penfold.ports.sending.records import SendingDomain
from penfold.spec.sending import setup


def show_domain(domain: SendingDomain, hostname: str) -> setup.Domain:
    return setup.Domain(
        object="domain",
        id=domain.id,
        name=domain.name,
        status=domain.state,
        created_at=show_time(domain.created_ms),
        verified_at=show_maybe(domain.verified_ms),
        checked_at=show_maybe(domain.checked_ms),
        failing_since=show_maybe(domain.failing_ms),
        records=[
            setup.DnsRecord(
                record=one.purpose,
                name=one.name,
                type=one.kind,
                value=one.value,
                status=domain.checks.get(one.what, PENDING),
                required=one.required,
            )
            for one in list_dns_records(domain, hostname)
        ],
    )
