"""Links of an HTML message and what readers and filters distrust in them. Linear; never raises."""

import ipaddress
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from penfold.base.errors import ParseError
from penfold.base.limits import LINK_TEXT_MAX
from penfold.proto.address import encode_domain
from penfold.proto.mime.html import decode_references, split_markup
from penfold.proto.mime.unseen import read_attributes


class Doubt(StrEnum):
    """plain: http without TLS. address: the host is an IP address. short: a public service hides
    where it leads. other_host: its text names another host.
    """

    PLAIN = "plain"
    ADDRESS = "address"
    SHORT = "short"
    OTHER_HOST = "other_host"


class Link(NamedTuple):
    """Where it leads, and what is read on it, white space collapsed."""

    href: str
    text: str = ""


#: Services whose links lead anywhere, so that blocklists name them (SURBL, URIBL: observed).
_SHORTENERS: Final = frozenset(
    "bit.ly bl.ink buff.ly cutt.ly goo.gl is.gd lnkd.in ow.ly rb.gy rebrand.ly s.id shorturl.at "
    "t.co t.ly tiny.cc tinyurl.com v.gd".split()
)
#: URL standard §4.4: tabs and line ends within an address do not count.
_IGNORED: Final = re.compile(r"[\t\r\n]")
#: URL standard §3.5: a host whose last label is a number is an IPv4 address.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
#: A text that is an address, or the name of a host under a top level people know: no file name.
_NAMED: Final = re.compile(
    r"(?:https?://([^\s/?#:@]+)|(www\.[^\s/?#:@]+)|((?:[\w-]+\.)+"
    r"(?:com|org|net|info|biz|edu|gov|(?!(?:js|md|py|rs|sh|pl|cc|so|ps|ai)\b)[a-z]{2})))"
    r"(?:[/?#:]\S*)?",
    re.IGNORECASE,
)
#: Labels such as `co` and `com` below a country's.
_SHORT_LABEL: Final = 3


def iter_links(html: str) -> Iterator[Link]:
    """Yield the elements `a` that lead to http or https, in their order."""
    pieces = split_markup(html)
    href, said = "", [""]
    for name, attributes, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        lower = (name or "").lower()
        if lower in ("a", "/a"):
            yield from _end(href, said)
            href, said = "", [""]
            if lower == "a" and attributes:
                found = decode_references(read_attributes(attributes).get("href", ""))
                href = _IGNORED.sub("", found).strip()
        if href and len(said) < LINK_TEXT_MAX:
            said.append(text or "")
    yield from _end(href, said)


def _end(href: str, said: list[str]) -> Iterator[Link]:
    if href.lower().startswith(("http://", "https://")):
        text = " ".join(each[:LINK_TEXT_MAX] for each in said)[:LINK_TEXT_MAX]
        yield Link(href, " ".join(decode_references(text).split()))


def find_host(url: str) -> str:
    """Return the host of an address in lower case, "" without one."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def judge_link(link: Link) -> tuple[Doubt, ...]:
    """Return what is to be doubted about a link."""
    host = find_host(link.href)
    found = {
        Doubt.PLAIN: link.href.lower().startswith("http://"),
        Doubt.ADDRESS: _is_address(host),
        Doubt.SHORT: host.removeprefix("www.") in _SHORTENERS,
        Doubt.OTHER_HOST: _names_other(link.text, host),
    }
    return tuple(doubt for doubt, holds in found.items() if holds)


def _is_address(host: str) -> bool:
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _names_other(text: str, host: str) -> bool:
    named = _NAMED.fullmatch(text)
    if named is None or not host:
        return False
    said = next(filter(None, named.groups())).lower().rstrip(".")
    return _find_owner(_to_ascii(said)) != _find_owner(_to_ascii(host))


def _to_ascii(host: str) -> str:
    try:
        return host if host.isascii() else encode_domain(host)
    except ParseError:
        return host


def _find_owner(host: str) -> str:
    """Return the labels of a host that somebody registered, about: three below `co.uk`, else two.

    No list of public suffixes: what is taken for one owner by mistake is only not warned of.
    """
    labels = host.split(".")
    short = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= _SHORT_LABEL
    return ".".join(labels[-3 if short else -2 :])
