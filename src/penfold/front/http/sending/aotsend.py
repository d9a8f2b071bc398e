"""AOTsend's call: a template, its variables and one address, on the way every email takes.

Whatever comes of it, HTTP says 200 and the body's `code` what happened. The call names no sender:
mail is from `no-reply@` of the key's first domain, or of the installation's.
"""

import base64
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import AOTSEND_FILE_MAX_BYTES
from penfold.domain.sending.accept import Keyed, accept
from penfold.domain.sending.caller import Caller
from penfold.domain.sending.checking import Draft, check_email
from penfold.domain.sending.filling import Fill
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.metering import Price, show_money
from penfold.front.http.sending.aotsend_form import AotsendForm, read_aotsend, read_data
from penfold.front.http.sending.call import encode
from penfold.ports.sending.book import SendingBook
from penfold.proto.form_data import FormField
from penfold.proto.mime.compose import format_address
from penfold.proto.mime.model import Address
from penfold.spec.sending import aotsend, scopes
from penfold.spec.sending.problems import (
    INVALID_ACCESS,
    INVALID_API_KEY,
    QUOTA_EXCEEDED,
    VALIDATION,
    SendingError,
)
from penfold.spec.sending.schemas import SendEmail
from penfold.spec.sending.scopes import allows

#: What a wrong field of that body is called here; the rest came from the template.
_CODES: Final = {
    "to": aotsend.BAD_RECIPIENT,
    "reply_to": aotsend.BAD_REPLY_TO,
    "from": aotsend.BAD_KEY,
    "stream": aotsend.BAD_KEY,
    "attachments": aotsend.BAD_FILE,
    "variables": aotsend.BAD_DATA,
    "template": aotsend.NO_TEMPLATE,
}
_ALIAS_MAX: Final = 200


class AotsendError(Exception):
    """code: of the table, or an HTTP status where the table has none."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text or aotsend.MESSAGES[code]


class AotsendCall(Struct, frozen=True):
    """A call whose key was recognised. word: of Idempotency-Key, "" without. domain: of senders,
    for a key that is bound to none.
    """

    book: SendingBook
    caller: Caller
    price: Price
    chance: Chance
    now_ms: int
    form: AotsendForm
    word: str
    domain: str
    fill: Fill


def read_call(content_type: str, octets: bytes | bytearray) -> AotsendForm:
    """Return the fields of a call that has a key; AotsendError."""
    try:
        form = read_aotsend(content_type, octets)
    except ParseError:
        raise AotsendError(aotsend.BAD_DATA, "The call is no form and no JSON object.") from None
    if not form.app_key:
        raise AotsendError(aotsend.NO_KEY)
    return form


def send_email(call: AotsendCall) -> bytes:
    """Accept the email and return the answer; AotsendError, SendingError."""
    form, key = call.form, call.caller.key
    if not allows(key.scopes, scopes.EMAILS_SEND):
        raise AotsendError(aotsend.BAD_KEY)
    done = accept(
        call.book,
        key,
        lambda: _check(call),
        keyed=Keyed("aotsend", call.word, _digestible(form)) if call.word else None,
        price=call.price,
        now_ms=call.now_ms,
        chance=call.chance,
        make_body=lambda ids: _say(aotsend.OK, msg_id=ids[0]),
    )
    return done.body


def _check(call: AotsendCall) -> list[Draft]:
    form = call.form
    variables = read_data(form.data)
    if variables is None:
        raise AotsendError(aotsend.BAD_DATA)
    account_id = call.caller.key.account_id
    filled = call.fill(account_id, form.template_id, variables) if form.template_id else None
    if filled is None:
        raise AotsendError(aotsend.NO_TEMPLATE)
    if not form.to:
        raise AotsendError(aotsend.NO_RECIPIENT)
    findings = Findings()
    drafts = check_email(_make_body(call, filled), call.caller, findings, now_ms=call.now_ms)
    if findings:
        error = findings.errors[0]
        field = error.field.partition(".")[0].partition("[")[0]
        raise AotsendError(_CODES.get(field, aotsend.BAD_DATA), f"{error.message}.")
    return drafts


def _digestible(form: AotsendForm) -> bytes:
    return msgspec.json.encode(replace(form, app_key=""), order="deterministic")


def _make_body(call: AotsendCall, filled: dict[str, Any]) -> SendEmail:
    form, key = call.form, call.caller.key
    findings = Findings()
    if not findings.check_text("alias", form.alias, _ALIAS_MAX):
        raise AotsendError(aotsend.BAD_DATA, f"{findings.errors[0].message}.")
    domain = key.domains[0] if key.domains else call.domain
    members = {
        **filled,
        "from": format_address(Address(form.alias, f"no-reply@{domain}")),
        "to": form.to,
        "reply_to": form.reply_to or None,
        "attachments": [_attach(form.file)] if form.file else None,
    }
    if key.streams:
        members.setdefault("stream", key.streams[0])
    return msgspec.convert(members, SendEmail)


def _attach(file: FormField) -> dict[str, str]:
    extension = file.filename.lower().rpartition(".")[2]
    if len(file.value) > AOTSEND_FILE_MAX_BYTES or extension not in aotsend.EXTENSIONS:
        raise AotsendError(aotsend.BAD_FILE)
    return {"filename": file.filename, "content": base64.b64encode(file.value).decode()}


def check_account(call: AotsendCall) -> bytes:
    """Return what is left of what was prepaid; null for an account that prepays nothing."""
    key = call.caller.key
    if not allows(key.scopes, scopes.USAGE_READ):
        raise AotsendError(aotsend.BAD_KEY)
    balance = call.book.read(lambda book: book.get_balance(key.account_id))
    left = max(balance.credit_micros - balance.spent_micros, 0)
    return _say(aotsend.OK, account=show_money(left) if balance.prepaid else None)


def refusal_body(error: AotsendError | SendingError) -> bytes:
    """Return what the caller is told."""
    if isinstance(error, AotsendError):
        return _say(error.code, message=error.text)
    problem = error.problem
    if problem in (INVALID_API_KEY, INVALID_ACCESS):
        return _say(aotsend.BAD_KEY, message=error.text)
    if problem is QUOTA_EXCEEDED:
        return _say(aotsend.NO_BALANCE)
    if problem is VALIDATION:
        return _say(aotsend.BAD_DATA, message=error.text)
    return _say(problem.status, message=error.text)


def _say(code: int, message: str = "", **more: Any) -> bytes:
    return encode({"code": code, "message": message or aotsend.MESSAGES[code], **more})
