"""A DMARC policy record (RFC 9989 §4.7, §4.8): what a domain asks receivers to do.

Tags that are unknown, or no longer known (pct, rf, ri), are passed over; a value that does not
follow its grammar counts as absent. Two questions the text leaves open:
* assumed: of two tags with one name the first counts;
* assumed: a record without `p` asks for none (§4.7), whereas one with a `p`, `sp` or `np` that says
  nothing known follows §4.10.1: none if it names an address for reports, otherwise not usable.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import unquote

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import DMARC_REPORT_URIS_MAX
from penfold.proto.address import parse_mailbox

Policy = Literal["none", "quarantine", "reject"]

#: RFC 9989 §4.8: the name `v` in any case, the value as it stands, nothing before.
_VERSION = re.compile(r"[vV][ \t]*+=[ \t]*+DMARC1[ \t]*+(?:;|\Z)")
_TAG = re.compile(r"[ \t]*+([A-Za-z]++)[ \t]*+=[ \t]*+([ -~]++)[ \t]*+")
#: RFC 3986 §2, §3: a scheme, and characters of which `,` `;` and `!` are to be encoded here.
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*+:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})++"
)
#: RFC 9989 §4.8, obs-dmarc-report-size: to be passed over.
_SIZE = re.compile(r"![0-9]++[kmgtKMGT]?\Z")
_FAILURES: Final = frozenset("01ds")
_POLICIES: Final[dict[str, Policy]] = {
    "none": "none",
    "quarantine": "quarantine",
    "reject": "reject",
}


class DmarcRecord(Struct, frozen=True, gc=False):
    """Named as the tags. p, sp, np: None when not published, as reports tell it.

    adkim, aspf: strict. t: testing. psd: "y" a public suffix, "n" the organizational domain, "u"
    to be found out. fo: when failure reports are wanted; "" without ruf. rua, ruf: URIs; see
    report_addresses. usable: False says that DMARC is not to be applied (RFC 9989 §4.10.1).
    """

    p: Policy = "none"
    sp: Policy | None = None
    np: Policy | None = None
    adkim: bool = False
    aspf: bool = False
    t: bool = False
    psd: str = "u"
    fo: str = ""
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    usable: bool = True

    def policy_below(self, *, exists: bool) -> Policy:
        """Return what is asked for a subdomain: sp, or np when there is no such name."""
        inherited = self.p if self.sp is None else self.sp
        return inherited if exists or self.np is None else self.np


def parse_record(text: bytes) -> DmarcRecord:
    """Return the record; ParseError when the text does not begin as a DMARC record."""
    line = text.decode("latin_1")
    version = _VERSION.match(line)
    if version is None:
        raise ParseError("no DMARC record")
    return _make_record(_read_tags(line[version.end() :]))


def find_record(texts: Sequence[bytes]) -> DmarcRecord | None:
    """Return the one DMARC record among TXT records; RFC 9989 §4.10: of several none counts."""
    found = [text for text in texts if _VERSION.match(text.decode("latin_1"))]
    return parse_record(found[0]) if len(found) == 1 else None


def _read_tags(text: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in text.split(";"):
        match = _TAG.fullmatch(part)
        if match is not None:
            tags.setdefault(match[1].lower(), match[2].strip(" \t"))
    return tags


def _make_record(tags: dict[str, str]) -> DmarcRecord:
    rua = _read_uris(tags.get("rua", ""))
    ruf = _read_uris(tags.get("ruf", ""))
    asked = {name: tags[name].lower() for name in ("p", "sp", "np") if name in tags}
    known = {name: _POLICIES[value] for name, value in asked.items() if value in _POLICIES}
    sound = len(known) == len(asked)
    if not sound:
        known = {}  # RFC 9989 §4.10.1: act as if p=none were published, if at all
    return DmarcRecord(
        p=known.get("p", "none"),
        sp=known.get("sp"),
        np=known.get("np"),
        adkim=tags.get("adkim", "").lower() == "s",
        aspf=tags.get("aspf", "").lower() == "s",
        t=tags.get("t", "").lower() == "y",
        psd=_read_psd(tags.get("psd", "")),
        # RFC 9989 §4.7: fo means nothing without ruf.
        fo=_read_failures(tags.get("fo", "0")) if ruf else "",
        rua=rua,
        ruf=ruf,
        usable=sound or bool(rua),
    )


def _read_psd(value: str) -> str:
    psd = value.lower()
    return psd if psd in {"y", "n"} else "u"


def _read_failures(value: str) -> str:
    """Return the options in the order they are registered, without colons; "0" by default."""
    options = [option.strip(" \t") for option in value.lower().split(":")]
    wrong = not _FAILURES.issuperset(options) or len(set(options)) != len(options)
    if wrong or {"0", "1"} <= set(options):
        return "0"
    return "".join(sorted(options))


def _read_uris(value: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in value.split(","):
        uri = _SIZE.sub("", part.strip(" \t"))
        if _URI.fullmatch(uri) and (not _is_mailto(uri) or _find_address(uri)):
            found[uri] = None
        if len(found) == DMARC_REPORT_URIS_MAX:
            break
    return tuple(found)


def _is_mailto(uri: str) -> bool:
    return uri[:7].lower() == "mailto:"


def _find_address(uri: str) -> str:
    """Return the address of a mailto URI; "" when it has none or several, or is no address."""
    try:
        return parse_mailbox(unquote(uri[7:].partition("?")[0]))
    except ParseError:
        return ""


def report_addresses(uris: Sequence[str]) -> tuple[str, ...]:
    """Return the mail addresses among report URIs; other schemes are passed over (RFC 9989 §4.7).

    Whether an address outside the domain agrees is for the sender of reports to find out.
    """
    found = [_find_address(uri) for uri in uris if _is_mailto(uri)]
    return tuple(dict.fromkeys(address for address in found if address))
