"""All looks at a domain's DNS, in the order people read what they found."""

from penfold.domain.dns_advice.author import (
    look_at_dmarc,
    look_at_helo,
    look_at_keys,
    look_at_spf,
)
from penfold.domain.dns_advice.host import (
    look_at_addresses,
    look_at_blocklists,
    look_at_mx,
    look_at_reverse,
)
from penfold.domain.dns_advice.row import Facts, Look, Row
from penfold.domain.dns_advice.transport import (
    look_at_sts,
    look_at_tls_reports,
    look_at_tlsa,
)
from penfold.proto.dns import Answer, Status, run_check


def list_looks(facts: Facts) -> list[Look]:
    """Return the looks; they are independent of each other."""
    return [
        look(facts)
        for look in (
            look_at_mx,
            look_at_addresses,
            look_at_reverse,
            look_at_spf,
            look_at_keys,
            look_at_dmarc,
            look_at_helo,
            look_at_sts,
            look_at_tls_reports,
            look_at_tlsa,
            look_at_blocklists,
        )
    ]


def list_wanted(facts: Facts) -> list[Row]:
    """Return the rows without having looked: what is wanted, and nothing found."""
    rows = [row for look in list_looks(facts) for row in run_check(look, lambda _: _UNASKED)]
    return [
        Row(what=row.what, name=row.name, ok=None, wanted=row.wanted, required=row.required)
        for row in rows
        if row.wanted
    ]


_UNASKED = Answer(Status.FAILED)
