"""What MAIL and RCPT ask for beside an address: their parameters, parsed strictly.

One table per command says which EHLO keyword a parameter belongs to and how its value is read; a
parameter whose keyword was not offered is not recognized (RFC 5321 §4.1.1.11). Pure; raises
RefusedError with the reply the client gets.
"""

import re
from collections.abc import Callable, Collection
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import RefusedError, Reply
from penfold.proto.smtp.xtext import (
    OriginalRecipient,
    escape_address,
    parse_envid,
    parse_orcpt,
    unescape_address,
)

T = TypeVar("T")
V = TypeVar("V", bound=Struct)
Body = Literal["", "7BIT", "8BITMIME", "BINARYMIME"]
Ret = Literal["", "FULL", "HDRS"]
Notify = Literal["NEVER", "SUCCESS", "FAILURE", "DELAY"]

_PARAMETER: Final = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")
#: RFC 1870 §4: size-value = 1*20DIGIT.
_SIZE: Final = re.compile(rb"[0-9]{1,20}")
_BODIES: Final[dict[bytes, Body]] = {
    b"7BIT": "7BIT",
    b"8BITMIME": "8BITMIME",
    b"BINARYMIME": "BINARYMIME",
}
_RETS: Final[dict[bytes, Ret]] = {b"FULL": "FULL", b"HDRS": "HDRS"}
_NOTIFIES: Final[tuple[Notify, ...]] = ("NEVER", "SUCCESS", "FAILURE", "DELAY")


class MailOptions(Struct, frozen=True, gc=False):
    """How a message wants to be handled, "" and False where nothing was said.

    ret: how much of it a report of failure returns; envid: what its sender calls it (RFC 3461
    §4.3, §4.4; decoded, printable ASCII). require_tls: RFC 8689, no hop without verified TLS.
    until_ms: it is not delivered from then on (epoch ms); nobody says so over SMTP.
    """

    body: Body = ""
    utf8: bool = False
    require_tls: bool = False
    ret: Ret = ""
    envid: str = ""
    until_ms: int = 0


class ReportRequest(Struct, frozen=True, gc=False):
    r"""What one recipient's delivery is reported for (RFC 3461 §4.1, §4.2).

    notify is empty where nothing was said: then failures, and delays at our choice. original is
    whom the first sender named, of the kind `original_type` ("rfc822" as a rule), printable
    ASCII and decoded; one of the kind "utf-8" keeps its `\x{...}` (RFC 6533 §3). Empty when it
    was not said.
    """

    notify: tuple[Notify, ...] = ()
    original_type: str = ""
    original: str = ""

    def find_original(self) -> OriginalRecipient | None:
        """Return whom the first sender named, decoded; None when nothing usable was said."""
        if not self.original_type:
            return None
        try:
            return unescape_address(self.original_type, self.original)
        except ParseError:  # of a row that was kept before such escapes were refused
            return None


class MailParameters(Struct, frozen=True, gc=False):
    """size: octets, 0 when not announced."""

    size: int = 0
    options: MailOptions = MailOptions()


#: The MAIL of most clients, made once.
NO_PARAMETERS: Final = MailParameters()
NO_OPTIONS: Final = NO_PARAMETERS.options
NO_REQUEST: Final = ReportRequest()


def parse_mail_parameters(tail: bytes, offered: Collection[str]) -> MailParameters:
    return _parse(tail, offered, _MAIL, NO_PARAMETERS)


def parse_rcpt_parameters(tail: bytes, offered: Collection[str]) -> ReportRequest:
    return _parse(tail, offered, _RCPT, NO_REQUEST)


def _parse(
    tail: bytes,
    offered: Collection[str],
    table: "dict[bytes, tuple[str, Callable[[Any, bytes | None], V]]]",
    value: V,
) -> V:
    for name, text in _split(tail).items():
        keyword, read = table.get(name, ("", None))
        if read is None or keyword not in offered:
            raise RefusedError(_MISSING.get(keyword, replies.UNKNOWN_PARAMETER))
        value = read(value, text)
    if isinstance(value, MailParameters):
        _check_body(value.options, offered)
    return value


def _split(tail: bytes) -> dict[bytes, bytes | None]:
    parameters: dict[bytes, bytes | None] = {}
    for word in tail.split():
        match = _PARAMETER.fullmatch(word)
        if not match or match[1].upper() in parameters:
            raise RefusedError(replies.BAD_PARAMETER)
        parameters[match[1].upper()] = match[2]
    return parameters


def _check_body(options: MailOptions, offered: Collection[str]) -> None:
    if options.body == "BINARYMIME" and "BINARYMIME" not in offered:
        raise RefusedError(replies.BAD_PARAMETER)


# --- MAIL ------------------------------------------------------------------------------------
def _size(value: MailParameters, text: bytes | None) -> MailParameters:
    if text is None or not _SIZE.fullmatch(text):
        raise RefusedError(replies.BAD_PARAMETER)
    return replace(value, size=int(text))


def _set(value: MailParameters, **changes: Any) -> MailParameters:
    return replace(value, options=replace(value.options, **changes))


def _body(value: MailParameters, text: bytes | None) -> MailParameters:
    # RFC 6152 §3: the message is kept octet for octet whichever is said.
    body = _BODIES.get((text or b"").upper())
    if body is None:
        raise RefusedError(replies.BAD_PARAMETER)
    return _set(value, body=body)


def _utf8(value: MailParameters, text: bytes | None) -> MailParameters:
    _refuse_value(text, replies.BAD_PARAMETER)
    return _set(value, utf8=True)


def _auth(value: MailParameters, text: bytes | None) -> MailParameters:
    if text is None:
        raise RefusedError(replies.BAD_PARAMETER)
    return value  # RFC 4954 §5: a server that does not trust the client takes it as AUTH=<>


def _require_tls(value: MailParameters, text: bytes | None) -> MailParameters:
    _refuse_value(text, replies.BAD_PARAMETER)
    return _set(value, require_tls=True)


def _ret(value: MailParameters, text: bytes | None) -> MailParameters:
    ret = _RETS.get((text or b"").upper())
    if ret is None:
        raise RefusedError(replies.BAD_RET)
    return _set(value, ret=ret)


def _envid(value: MailParameters, text: bytes | None) -> MailParameters:
    return _set(value, envid=_parse_text(parse_envid, text, replies.BAD_ENVID))


# --- RCPT ------------------------------------------------------------------------------------
def _notify(value: ReportRequest, text: bytes | None) -> ReportRequest:
    said = set((text or b"").upper().decode("latin-1").split(","))
    notify = tuple(each for each in _NOTIFIES if each in said)
    if said - set(notify) or ("NEVER" in said and len(said) > 1):
        raise RefusedError(replies.BAD_NOTIFY)
    return replace(value, notify=notify)


def _orcpt(value: ReportRequest, text: bytes | None) -> ReportRequest:
    original = _parse_text(parse_orcpt, text, replies.BAD_ORCPT)
    return replace(value, original_type=original.kind, original=escape_address(original))


def _parse_text(parse: Callable[[str], T], text: bytes | None, refusal: Reply) -> T:
    try:
        return parse((text or b"").decode("utf-8"))
    except (ParseError, UnicodeDecodeError) as error:
        raise RefusedError(refusal) from error


def _refuse_value(text: bytes | None, refusal: Reply) -> None:
    if text is not None:
        raise RefusedError(refusal)


#: Parameter: the keyword that offers it, and its reader.
_MAIL: Final[dict[bytes, tuple[str, Callable[[MailParameters, bytes | None], MailParameters]]]] = {
    b"SIZE": ("SIZE", _size),
    b"BODY": ("8BITMIME", _body),
    b"SMTPUTF8": ("SMTPUTF8", _utf8),
    # Clients that logged in before TLS send it, offered or not.
    b"AUTH": ("SIZE", _auth),
    b"REQUIRETLS": ("REQUIRETLS", _require_tls),
    b"RET": ("DSN", _ret),
    b"ENVID": ("DSN", _envid),
}
_RCPT: Final[dict[bytes, tuple[str, Callable[[ReportRequest, bytes | None], ReportRequest]]]] = {
    b"NOTIFY": ("DSN", _notify),
    b"ORCPT": ("DSN", _orcpt),
}
#: RFC 8689 §3: REQUIRETLS is offered over TLS only; whoever asks without it is told why.
_MISSING: Final = {"REQUIRETLS": replies.REQUIRETLS_NEEDS_TLS}
