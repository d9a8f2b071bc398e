"""What a bounce or a complaint means for mail to come: the address is suppressed, or not yet.

Only faults of the address count, by the class of what was said (proto.smtp.outcomes): one bounce
for an address that is not there, several in some days for one that may come back. Called in the
transaction of the event.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.limits import SENDING_BOUNCES_LOOKED_AT
from penfold.domain.sending.accept import make_id
from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.emails import Email
from penfold.ports.sending.events import EventKind, NewEvent
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.proto.address import canonical, domain_of, parse_address_list
from penfold.proto.mime.model import Address
from penfold.proto.smtp.outcomes.classify import Suppression as SuppressAfter
from penfold.proto.smtp.outcomes.classify import find_suppression
from penfold.proto.smtp.outcomes.rule import Kind

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_KINDS = {kind.value: kind for kind in Kind}


def find_suppressed(
    reader: SendingReader, email: Email, addresses: Sequence[str], *, now_ms: int
) -> dict[str, Suppression]:
    """Return what keeps an email from each address, in canonical form, that has such."""
    [sender] = parse_address_list(email.sender)[:1] or [Address("", "")]
    return reader.find_suppressed(
        email.account_id,
        [canonical(address) for address in addresses],
        domain=domain_of(sender.address).lower(),
        stream=email.stream,
        now_ms=now_ms,
    )


def suppress_bounced(writer: SendingWriter, address: str, bounce: NewEvent, chance: Chance) -> None:
    """Suppress an address for its account, if its bounces are reason to."""
    kind = _KINDS.get(str(bounce.data.get("class")))
    when = find_suppression(kind) if kind else None
    if when is None or not _is_time(writer, address, bounce, when):
        return
    made = make_suppression(bounce, address, Reason.BOUNCE, chance)
    writer.put_suppression(made)


def suppress_complained(
    writer: SendingWriter, email: Email, address: str, complaint: NewEvent, chance: Chance
) -> None:
    """Suppress an address for the stream it complained of: who wants no news may want receipts."""
    made = make_suppression(complaint, address, Reason.COMPLAINT, chance)
    writer.put_suppression(replace(made, scope=Scope.STREAM, value=email.stream))


def _is_time(writer: SendingWriter, address: str, bounce: NewEvent, when: SuppressAfter) -> bool:
    if when.times <= 1:
        return True
    found = writer.list_heard(
        bounce.account_id,
        address,
        kind=EventKind.BOUNCED,
        since_ms=bounce.at_ms - when.days * _DAY_MS,
        limit=SENDING_BOUNCES_LOOKED_AT,
    )
    alike = [one.at_ms for one in found if one.data.get("class") == bounce.data["class"]]
    apart_ms = max(alike, default=0) - min(alike, default=0)
    return len(alike) >= when.times and apart_ms >= when.hours * _HOUR_MS


def make_suppression(event: NewEvent, address: str, reason: Reason, chance: Chance) -> Suppression:
    """Return the suppression of an address for its account that an event is reason to."""
    return Suppression(
        make_id(chance),
        event.account_id,
        canonical(address),
        Scope.ACCOUNT,
        "",
        reason,
        event.at_ms,
        event=event.id,
        note=str(event.data.get("response") or "")[:200],
    )
