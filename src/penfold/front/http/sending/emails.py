"""Emails: send, batch, raw, list, get, reschedule, cancel."""

from collections.abc import Callable, Sequence
from itertools import islice

from msgspec import UNSET

from penfold.base.limits import SENDING_BATCH_MAX, SENDING_EVENTS_SHOWN
from penfold.domain.sending.accept import accept, make_id
from penfold.domain.sending.checking import Draft, check_email
from penfold.domain.sending.checking_raw import check_raw
from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.findings import (
    INVALID,
    REQUIRED,
    TOO_MANY,
    Findings,
    make_refusal,
)
from penfold.domain.sending.parts import read_schedule
from penfold.domain.sending.showing import show_email
from penfold.domain.sending.template_use import check_together
from penfold.front.http.sending.call import Call, Reply, encode, must, read_page
from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.emails import EmailState
from penfold.ports.sending.events import EventKind, NewEvent
from penfold.spec.sending import schemas
from penfold.spec.sending.problems import NOT_NOW, FieldError, SendingError


def emails_send(call: Call) -> Reply:
    return _accept_one(call, check_email)


def emails_raw(call: Call) -> Reply:
    return _accept_one(call, check_raw)


def _accept_one(call: Call, check: Callable[..., list[Draft]]) -> Reply:
    def make() -> list[Draft]:
        findings = Findings()
        drafts = check(call.body, call.caller, findings, now_ms=call.now_ms)
        findings.raise_any()
        return drafts

    return _accept(call, make, make_sent)


def emails_batch(call: Call) -> Reply:
    """Strict: one wrong email, and none is accepted. Permissive: the others are."""
    counts: list[int] = []
    wrong: list[schemas.ItemError] = []

    def make_body(ids: list[str]) -> bytes:
        left = iter(ids)
        data = [_sent(list(islice(left, count))) for count in counts]
        return encode(schemas.SentBatch(data=data, errors=wrong if call.permissive else UNSET))

    return _accept(call, lambda: _check_batch(call, counts, wrong), make_body)


def _check_batch(call: Call, counts: list[int], wrong: list[schemas.ItemError]) -> list[Draft]:
    """Return the emails that can be accepted.

    counts: gets how many messages each makes. wrong: gets what is wrong with the others.
    """
    bodies: Sequence[schemas.SendEmail] = call.body
    if not 1 <= len(bodies) <= SENDING_BATCH_MAX:
        what = f"a batch has 1 to {SENDING_BATCH_MAX} emails"
        raise make_refusal([FieldError("", TOO_MANY if bodies else REQUIRED, what)])
    drafts: list[Draft] = []
    errors: list[FieldError] = []
    for at, body in enumerate(bodies):
        findings = Findings(f"[{at}].")
        if body.recipients is not None:
            findings.add("recipients", INVALID, "cannot be used in a batch")
        made = check_email(body, call.caller, findings, now_ms=call.now_ms)
        drafts += made
        if not findings:
            counts.append(len(made))
        else:
            errors += findings.errors
            refusal = make_refusal(findings.errors)
            wrong.append(
                schemas.ItemError(index=at, message=refusal.text, name=refusal.problem.name)
            )
    if errors and not call.permissive:
        raise make_refusal(errors)
    findings = Findings()
    check_together(sum(len(one.new.content) for one in drafts), findings)
    findings.raise_any()
    return drafts


def _accept(
    call: Call, check: Callable[[], list[Draft]], make_body: Callable[[list[str]], bytes]
) -> Reply:
    done = accept(
        call.book,
        call.key,
        check,
        keyed=call.keyed,
        price=call.price,
        now_ms=call.now_ms,
        chance=call.chance,
        make_body=make_body,
    )
    return Reply(done.body, done.replayed)


def make_sent(ids: list[str]) -> bytes:
    """Return the answer to what was accepted."""
    return encode(_sent(ids))


def _sent(ids: list[str]) -> schemas.Sent:
    return schemas.Sent(id=ids[0], ids=ids if len(ids) > 1 else UNSET)


def emails_list(call: Call) -> schemas.EmailList:
    def look(book: SendingReader) -> schemas.EmailList:
        page = read_page(call.query, lambda name: book.find_email(name, call.account_id))
        found = book.list_emails(
            call.account_id, older=page.older, newer=page.newer, limit=page.limit + 1
        )
        items, more = page.cut(found)
        return schemas.EmailList(
            object="list", has_more=more, data=[show_email(one) for one in items]
        )

    return call.book.read(look)


def emails_get(call: Call) -> schemas.Email:
    def look(book: SendingReader) -> schemas.Email:
        email = must(book.find_email(call.id, call.account_id))
        packed = book.find_content(email.number)
        events = book.list_events(call.account_id, email=email.number, limit=SENDING_EVENTS_SHOWN)
        return show_email(
            email,
            content=unpack_content(packed) if packed is not None else None,
            recipients=book.list_recipients(email.number),
            events=events,
        )

    return call.book.read(look)


def emails_reschedule(call: Call) -> schemas.Reference:
    findings = Findings()
    at_ms = read_schedule(call.body.scheduled_at, findings, now_ms=call.now_ms)
    findings.raise_any()

    def change(writer: SendingWriter) -> None:
        email = must(writer.find_email(call.id, call.account_id))
        to_ms = at_ms or call.now_ms
        if email.expires_ms and to_ms >= email.expires_ms:
            findings.add("scheduled_at", INVALID, "is after the email expires")
            findings.raise_any()
        if not writer.reschedule(email.number, to_ms):
            raise SendingError(NOT_NOW, "Only an email that is scheduled can be moved.")

    call.book.change(change)
    return schemas.Reference(object="email", id=call.id)


def emails_cancel(call: Call) -> schemas.Reference:
    def change(writer: SendingWriter) -> None:
        email = must(writer.find_email(call.id, call.account_id))
        if email.state is EmailState.CANCELLED:
            return  # a repeat, whose first answer was lost
        if not writer.cancel(email.number):
            raise SendingError(NOT_NOW, "The email is on its way already, or it has ended.")
        for one in writer.list_recipients(email.number):
            if not one.final:
                cause = f"cancel:{email.number}:{one.position}"
                writer.add_event(
                    NewEvent(
                        *(make_id(call.chance), call.account_id, email.number, one.position),
                        *(EventKind.CANCELLED.value, call.now_ms, cause),
                    )
                )

    call.book.change(change)
    return schemas.Reference(object="email", id=call.id)
