"""Events: list."""

from penfold.domain.sending.findings import INVALID
from penfold.domain.sending.showing import PREFIX, show_event
from penfold.front.http.sending.call import Call, must, read_page
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.events import EventKind, OtherKind
from penfold.spec.sending import schemas
from penfold.spec.sending.problems import VALIDATION, FieldError, SendingError

_KINDS = (*EventKind, *OtherKind)


def events_list(call: Call) -> schemas.EventList:
    kinds = _read_kinds(call.query.type)

    def look(book: SendingReader) -> schemas.EventList:
        page = read_page(call.query, lambda name: book.find_event(name, call.account_id))
        email = None
        if call.query.email_id:
            email = must(book.find_email(call.query.email_id, call.account_id)).number
        found = book.list_events(
            call.account_id,
            email=email,
            kinds=kinds,
            older=page.older,
            newer=page.newer,
            limit=page.limit + 1,
        )
        items, more = page.cut(found)
        return schemas.EventList(
            object="list", has_more=more, data=[show_event(one) for one in items]
        )

    return call.book.read(look)


def _read_kinds(text: str) -> list[str]:
    """Return the kinds of `email.sent,email.bounced`; the prefix may be left out."""
    kinds = [each.strip().removeprefix(PREFIX) for each in text.split(",") if each.strip()]
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown:
        what = f"`type` has none of {', '.join(_KINDS)}: {unknown[0][:40]!r}"
        raise SendingError(VALIDATION, f"{what}.", errors=[FieldError("type", INVALID, what)])
    return list(dict.fromkeys(kinds))
