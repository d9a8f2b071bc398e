"""The look itself, from a call or a file to what is told; the same for the API and the command.

The email is made as it would be sent, rendered, composed and signed, and judged as arrivals are
judged here. Nothing is sent, stored or charged.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from penfold.base.clock import Clock
from penfold.base.errors import SealBrokenError, UnavailableError
from penfold.base.limits import PREFLIGHT_LINKS_MAX, PREFLIGHTS_MAX
from penfold.domain.sending.caller import Caller
from penfold.domain.sending.checking import Draft, check_email
from penfold.domain.sending.checking_raw import check_raw
from penfold.domain.sending.composing import NotComposedError, compose
from penfold.domain.sending.content import Content, unpack_content
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.links import MailLinks
from penfold.domain.sending.preflight.message import (
    read_bodies,
    review_message,
    show_warning,
)
from penfold.domain.sending.preflight.receiving import authenticate, review_reception
from penfold.domain.sending.preflight.remarks import (
    Departure,
    Reception,
    Remark,
    Review,
    Severity,
)
from penfold.domain.sending.template_records import find_compiled
from penfold.domain.sending.workshop import Workshop
from penfold.ports.rendering import Job
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.emails import Email
from penfold.ports.sending.records import version_id
from penfold.proto.address import parse_address_list, parse_mailbox
from penfold.proto.templates.model import RenderError
from penfold.spec.sending.schemas import SendEmail, SendRaw

#: In place of the id that an email gets when it is accepted (RFC 9562 §5.9).
_ID: Final = "00000000-0000-0000-0000-000000000000"
#: Asks the DNS and the scanner about a message; blocks. UnavailableError when the server stops.
Receive = Callable[[Departure], Reception]


@dataclass(frozen=True, slots=True)
class Preflight:
    """sign: a message of that author domain, as it leaves; SealBrokenError. links: None where mail
    has none of its reader's own.
    """

    book: SendingBook
    workshop: Workshop
    clock: Clock
    sign: Callable[[bytes, str], bytes]
    receive: Receive
    links: MailLinks | None = None
    room: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(PREFLIGHTS_MAX)
    )

    def check(self, body: SendEmail | SendRaw, caller: Caller) -> Review:
        """Return what is found. SendingError: what would be refused, in the same words.

        UnavailableError when PREFLIGHTS_MAX are looked at: each holds a thread.
        """
        findings = Findings()
        now_ms = self.clock.now_ms()
        if isinstance(body, SendRaw):
            drafts = check_raw(body, caller, findings, now_ms=now_ms)
        else:
            drafts = check_email(body, caller, findings, now_ms=now_ms)
        findings.raise_any()
        stream = caller.find_stream(body.stream)
        many = stream is not None and stream.unsubscribe
        recipients = sum(len(one.new.addresses) for one in drafts)
        if not self.room.acquire(blocking=False):
            raise UnavailableError("too many emails are being looked at")
        try:
            return replace(self._look(drafts[0], many=many), recipients=recipients)
        finally:
            self.room.release()

    def _look(self, draft: Draft, *, many: bool) -> Review:
        remarks: list[Remark] = []
        email = draft.new.email
        # Boundaries and Message-ID are made of what an email gets when it is accepted.
        email = replace(email, id=_ID, message_id=email.message_id or f"{_ID}@{draft.domain}")
        content = self._render(email, unpack_content(draft.new.content), remarks)
        if content is None:
            return _refuse(draft, remarks)
        try:
            # Who follows a tracked link ends where the author wrote, so that is looked at as well.
            written = self._compose(replace(email, opens=False, clicks=False), content)
            raw = self._compose(email, content)
        except NotComposedError:
            message = "it makes no valid message: see that names and headers have no odd signs"
            return _refuse(draft, [*remarks, Remark("message", Severity.ERROR, "", message)])
        signed = self._sign(raw, draft.domain, remarks)
        addresses = tuple(address for address, _ in draft.new.addresses)
        reception = self.receive(Departure(_get_sender(email), addresses, signed))
        bodies = read_bodies(written)
        remarks += review_message(written, bodies, many=many)
        if raw != written:
            known = {(one.code, one.field) for one in remarks}
            more = review_message(raw, read_bodies(raw), many=many)
            remarks += [one for one in more if (one.code, one.field) not in known]
        scanned = reception.scanned
        return Review(
            len(raw),
            len(addresses),
            bodies.addresses[:PREFLIGHT_LINKS_MAX],
            _sort([*remarks, *review_reception(reception)]),
            authenticate(reception),
            scanned.opinion if scanned else None,
        )

    def _compose(self, email: Email, content: Content) -> bytes:
        """Return the message of the first recipient, whose links are of an email there is not."""
        unsubscribe = None
        if self.links and email.is_personal:
            content, unsubscribe = self.links.personalise(email, content, 0)
        return compose(email, content, unsubscribe=unsubscribe)

    def _render(self, email: Email, content: Content, remarks: list[Remark]) -> Content | None:
        """Return the content, of a template as well; None, with a remark, when it makes no mail."""
        if not content.template_id:
            return content
        key = version_id(content.template_id, content.template_version)
        compiled = self.book.read(lambda b: find_compiled(b, key, email.account_id))
        if compiled is None:
            message = "was removed just now: name another one"
            remarks.append(Remark("rendering", Severity.ERROR, "template", message))
            return None
        remarks += [show_warning(one) for one in compiled.warnings]
        with self.workshop.enter() as renderer:
            job = Job(key, compiled, content.variables)
            [made] = renderer.render_many([job], stopping=self.workshop.stopping)
        if isinstance(made, RenderError):
            message = f"cannot be rendered with these variables: {made}"
            remarks.append(Remark("rendering", Severity.ERROR, "template", message))
            return None
        return replace(content, html=made.html, text=made.text, subject=made.subject)

    def _sign(self, raw: bytes, domain: str, remarks: list[Remark]) -> bytes:
        try:
            return self.sign(raw, domain)
        except SealBrokenError:
            message = (
                f"the DKIM keys of {domain} were sealed under another master key, and its mail "
                "waits: give the server that key back"
            )
            remarks.append(Remark("dkim-sealed", Severity.ERROR, "from", message))
            return raw


def _refuse(draft: Draft, remarks: Sequence[Remark]) -> Review:
    """Return what is told of an email that makes no message."""
    return Review(0, len(draft.new.addresses), (), _sort(remarks))


def _sort(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    """Return remarks with what would fail first."""
    order = list(Severity)
    return tuple(sorted(remarks, key=lambda one: order.index(one.severity)))


def _get_sender(email: Email) -> str:
    """Return the reverse-path; with return addresses of our own it has the same domain."""
    [sender] = parse_address_list(email.sender)
    return parse_mailbox(sender.address)
