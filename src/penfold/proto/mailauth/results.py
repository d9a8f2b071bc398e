"""Authentication-Results and Received-SPF as we write them: the shape and words of Gmail's.

    Authentication-Results: mx.penfold.test;
           dkim=pass header.i=@x.example header.s=sel header.b=abcdefgh;
           spf=pass (mx.penfold.test: domain of a@x.example designates 192.0.2.1 as
           permitted sender) smtp.mailfrom=a@x.example;
           dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=x.example

Everything in it may come from a stranger, so every value is a token, an address or a quoted-string
(RFC 8601 §2.2), every comment is escaped, and controls are gone: a value cannot end its result,
its field or its line. Lines are folded at 78 characters where a blank allows it. Text beyond ASCII
stays UTF-8 (RFC 6532 §3.2), which only SMTPUTF8 mail brings.

Gmail (observed in public archives, 2014 to 2026): order, words and folding. Gmail leaves out what
was not found (no signature, no policy), and so do we.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from penfold.base.limits import RESULTS_WORD_MAX
from penfold.proto.mailauth.dmarc import DmarcResult
from penfold.proto.mime.words import quote

#: RFC 5322 §2.1.1: characters a line should have at most, without its end.
_LINE: Final = 78
#: Gmail (observed): what a continued line begins with.
_INDENT: Final = " " * 7
#: Gmail (observed): characters of b= that tell one signature from another (RFC 6008 §4: 8 or more).
_SIGNATURE_CHARS: Final = 8

#: RFC 2045 §5.1: token.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]++")
#: RFC 8601 §2.2, pvalue: an address or `@domain`, of what is in a token.
_ADDRESS = re.compile(
    r"(?:[A-Za-z0-9!#$%&'*+^_`{|}~-]++(?:\.[A-Za-z0-9!#$%&'*+^_`{|}~-]++)*+)?@[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)*+"
)
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COMMENT_SPECIAL = re.compile(r"([\\()])")

#: Gmail (observed): what its comment says of each result. who: the address SPF was asked about.
_SPF_TEXTS: Final = {
    "pass": "domain of {who} designates {client} as permitted sender",
    "fail": "domain of {who} does not designate {client} as permitted sender",
    "softfail": "domain of transitioning {who} does not designate {client} as permitted sender",
    "neutral": "{client} is neither permitted nor denied by domain of {who}",
    "none": "{who} does not designate permitted sender hosts",
    "temperror": "error in processing during lookup of {who}: {reason}",
    "permerror": "permanent error in processing during lookup of {who}: {reason}",
}


class SpfInfo(Struct, frozen=True, gc=False, kw_only=True):
    """result: as in RFC 8601 §2.7.2. client: the peer's IP address. sender: of MAIL FROM, "" for
    the null sender, for which helo was checked (RFC 7208 §2.4). reason: what went wrong.
    """

    result: str
    client: str
    sender: str
    helo: str
    reason: str = ""


class DkimInfo(Struct, frozen=True, gc=False, kw_only=True):
    """One signature. domain, selector, identity, signature: its d=, s=, i= and b=.

    reason: why it did not pass; a comment.
    """

    result: str
    domain: str
    selector: str
    identity: str = ""
    signature: str = ""
    reason: str = ""


class ArcInfo(Struct, frozen=True, gc=False, kw_only=True):
    """The chain. instance: of its last set; the domains: what passed where that was made, or ""."""

    result: str
    instance: int = 0
    spf_domain: str = ""
    dkim_domain: str = ""
    from_domain: str = ""
    reason: str = ""


def format_authentication_results(
    authserv_id: str,
    *,
    dkim: Sequence[DkimInfo] = (),
    arc: ArcInfo | None = None,
    spf: SpfInfo | None = None,
    dmarc: DmarcResult | None = None,
) -> str:
    """Return the whole field with its line end (CRLF), to stand before the message."""
    results = [list(_dkim_words(each)) for each in dkim]
    if arc is not None:
        results.append(list(_arc_words(arc)))
    if spf is not None:
        results.append(list(_spf_words(authserv_id, spf)))
    if dmarc is not None and dmarc.record is not None:
        results.append(list(_dmarc_words(dmarc)))
    # RFC 8601 §2.2: a field without any result says so.
    results = results or [["none"]]
    lines = [[_value(authserv_id)], *results]
    for words in lines[:-1]:
        words[-1] += ";"
    return _fold("Authentication-Results: ", lines)


def format_received_spf(authserv_id: str, spf: SpfInfo) -> str:
    """Return the whole field with its line end (RFC 7208 §9.1).

    Deviates (SHOULD): as Gmail, of the keys only client-ip is written.
    """
    words = [_value(spf.result), *_comment(f"{authserv_id}: {_spf_text(spf)}")]
    return _fold("Received-SPF: ", [[*words, f"client-ip={_client(spf.client)};"]])


def _dkim_words(info: DkimInfo) -> Iterator[str]:
    yield f"dkim={_value(info.result)}"
    yield from _comment(info.reason)
    yield f"header.i={_value(info.identity or f'@{info.domain}')}"
    yield f"header.s={_value(info.selector)}"
    if info.signature:
        yield f"header.b={_value(''.join(info.signature.split())[:_SIGNATURE_CHARS])}"


def _arc_words(info: ArcInfo) -> Iterator[str]:
    yield f"arc={_value(info.result)}"
    said = [f"i={info.instance}"] if info.instance else []
    for method, name, domain in (
        ("spf", "spfdomain", info.spf_domain),
        ("dkim", "dkdomain", info.dkim_domain),
        ("dmarc", "fromdomain", info.from_domain),
    ):
        said += [f"{method}=pass", f"{name}={domain}"] if domain else []
    yield from _comment(" ".join(said) if info.result == "pass" else info.reason)


def _spf_words(authserv_id: str, info: SpfInfo) -> Iterator[str]:
    yield f"spf={_value(info.result)}"
    yield from _comment(f"{authserv_id}: {_spf_text(info)}")
    # RFC 8601 §2.7.2; Gmail (observed): smtp.helo for the null sender.
    yield (
        f"smtp.mailfrom={_value(info.sender)}" if info.sender else f"smtp.helo={_value(info.helo)}"
    )


def _spf_text(info: SpfInfo) -> str:
    who = info.sender or f"postmaster@{info.helo}"
    text = _SPF_TEXTS.get(info.result, "{who}: {reason}")
    # Gmail (observed): `DNS error` when no more is known.
    reason = info.reason or "DNS error"
    return text.format(who=who, client=_client(info.client), reason=reason)


def _client(text: str) -> str:
    """Return an IP address as it is; RFC 7208 §9.1 would quote IPv6, Gmail does not."""
    return text if re.fullmatch(r"[0-9A-Fa-f.:]{2,45}", text) else _value(text)


def _dmarc_words(result: DmarcResult) -> Iterator[str]:
    """Gmail (observed): sp is shown as it applies, so p when none is published."""
    record = result.record
    yield f"dmarc={result.result}"
    if record is not None:
        below = record.policy_below(exists=True).upper()
        said = f"p={record.p.upper()} sp={below} dis={result.disposition.upper()}"
        yield from _comment(said)
    yield f"header.from={_value(result.author_domain)}"


# --- words -----------------------------------------------------------------------------


def _clean(text: str) -> str:
    return _UNSAFE.sub("?", text[:RESULTS_WORD_MAX])


def _value(text: str) -> str:
    text = _clean(text)
    safe = _TOKEN.fullmatch(text) or _ADDRESS.fullmatch(text)
    return text if safe else quote(text)


def _comment(text: str) -> Iterator[str]:
    """Yield the words of a comment, brackets included; nothing for no text."""
    words = _COMMENT_SPECIAL.sub(r"\\\1", _clean(text)).split()
    if words:
        yield from f"({' '.join(words)})".split(" ")


def _fold(name: str, lines: list[list[str]]) -> str:
    """Return the field: each of the lines begins one, and goes on in another when it is long."""
    out = []
    for number, words in enumerate(lines):
        line = f"{name}{words[0]}" if number == 0 else f"{_INDENT}{words[0]}"
        for word in words[1:]:
            if len(line) + 1 + len(word) > _LINE:
                out.append(line)
                line = f"{_INDENT}{word}"
            else:
                line += f" {word}"
        out.append(line)
    return "\r\n".join(out) + "\r\n"
