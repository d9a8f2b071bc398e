"""MTA-STS (RFC 8461): what a domain says about TLS for its mail, and which hosts it names.

Reading: `find_policy_id` is a check for the TXT record, `parse_policy` reads the file that is then
fetched from `policy_url`, `is_named` compares a host with it. `choose_step` says whether to fetch:
a policy that is kept stays in force for its time, whatever happens to the record or to fetching
(§5.1).
Publishing: `print_policy` is the file, `print_sts_record` the record.
"""

import hashlib
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import STS_AGE_MAX_S, STS_NAMES_MAX, STS_POLICY_MAX_BYTES
from penfold.proto.dns import Check, Question

#: RFC 8461 §3.1: the version, then fields; `id` is 1 to 32 letters and digits.
_VERSION: Final = re.compile(rb"v=STSv1[ \t]*;[ \t]*")
_FIELD: Final = re.compile(rb"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([!-:<>-~]+)")
_BETWEEN: Final = re.compile(rb"[ \t]*;[ \t]*")
_ID: Final = re.compile(rb"[A-Za-z0-9]{1,32}")
#: RFC 8461 §3.2: `name: value` lines; ten digits for the age; a host, or one with `*.` for
#: its first label.
_LINE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:(.*)")
_AGE: Final = re.compile(r"[0-9]{1,10}")
_NAME: Final = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_NAME_MAX: Final = 255

#: §3.3: where a policy is.
HOST_LABEL: Final = "mta-sts"
POLICY_PATH: Final = "/.well-known/mta-sts.txt"


class Mode(StrEnum):
    """enforce: mail goes to hosts that are named and verified, or not at all. testing: failures
    are reported, mail goes. none: the domain has no policy any more.
    """

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class Policy(Struct, frozen=True):
    """names: hosts in lower case, `*.` in front for any one label. age_s: how long to keep it."""

    mode: Mode
    age_s: int
    names: tuple[str, ...] = ()


class Kept(Struct, frozen=True):
    """A policy as it was fetched, under the id of its record."""

    policy: Policy
    policy_id: str
    fetched_ms: int

    def is_current(self, now_ms: int) -> bool:
        return now_ms < self.fetched_ms + 1000 * self.policy.age_s


class Step(StrEnum):
    """fetch: get the file, use what is kept when that fails. keep: use what is kept. nothing:
    the domain has no policy.
    """

    FETCH = "fetch"
    KEEP = "keep"
    NOTHING = "nothing"


def policy_host(domain: str) -> str:
    """Return the host that has the policy file of a domain (§3.3)."""
    return f"{HOST_LABEL}.{domain}"


def policy_url(domain: str) -> str:
    """Return where the policy file is (§3.2). It must come by verified HTTPS, status 200, without
    redirects, as text/plain (§3.3).
    """
    return f"https://{policy_host(domain)}{POLICY_PATH}"


def make_own_policy(mode: str, age_s: int, host: str) -> Policy:
    """Return a policy that names one host. mode: of Mode; "none" names nobody, which is how a
    domain takes back what it said (§8.3).
    """
    chosen = Mode(mode)
    return Policy(chosen, age_s, () if chosen is Mode.NONE else (host,))


def print_policy(policy: Policy) -> bytes:
    """Return the policy file (§3.2)."""
    names = [f"mx: {name}" for name in policy.names]
    lines = ["version: STSv1", f"mode: {policy.mode}", *names, f"max_age: {policy.age_s}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def print_sts_record(policy: Policy) -> str:
    """Return the text of the TXT record at `_mta-sts`; its id follows from the policy, so that it
    changes when the policy does (§3.1).
    """
    return f"v=STSv1; id={find_own_id(policy)}"


def find_own_id(policy: Policy) -> str:
    """Return the id of a policy of ours: 20 of the 32 letters and digits it may have."""
    return hashlib.sha256(print_policy(policy)).hexdigest()[:20]


def find_policy_id(domain: str) -> Check[str | None]:
    """Return the id of a domain's policy, None without a usable record or without an answer."""
    answer = yield Question(f"_mta-sts.{domain}", "TXT")
    return parse_record(answer.texts)


def parse_record(texts: Sequence[bytes]) -> str | None:
    """Return the id in the TXT records at `_mta-sts`; None when there is no policy to look for.

    §3.1: what does not begin as a record of ours is passed over; one must remain. A malformed
    one says nothing, fields that are not known are passed over, of two the first counts.
    """
    records = [text for text in texts if _VERSION.match(text)]
    if len(records) != 1:
        return None
    record = records[0]
    fields: dict[bytes, bytes] = {}
    begin = _VERSION.match(record)
    at = begin.end() if begin else 0
    while at < len(record):
        field = _FIELD.match(record, at)
        if field is None:
            return None
        fields.setdefault(field[1], field[2])
        between = _BETWEEN.match(record, field.end())
        if between is None and field.end() < len(record):
            return None
        at = between.end() if between else field.end()
    policy_id = fields.get(b"id", b"")
    return policy_id.decode() if _ID.fullmatch(policy_id) else None


def parse_policy(body: bytes) -> Policy:
    """Return what a policy file says (§3.2); ParseError when it is none, so that it counts as not
    there. Lines end in CRLF or LF; of a field that is given twice the first counts.
    """
    if len(body) > STS_POLICY_MAX_BYTES:
        raise ParseError("a policy of more than 64 KiB")
    try:
        lines = body.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise ParseError("a policy that is not UTF-8") from error
    fields: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if not line.strip(" \t"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ParseError("a policy with a line that is no field")
        if parts[1] == "mx":
            names.append(_parse_pattern(parts[2].strip(" \t")))
        else:
            fields.setdefault(parts[1], parts[2].strip(" \t"))
    return _make_policy(fields, names)


def _make_policy(fields: dict[str, str], names: Sequence[str]) -> Policy:
    if fields.get("version") != "STSv1":
        raise ParseError("a policy of no known version")
    try:
        mode = Mode(fields.get("mode", ""))
    except ValueError as error:
        raise ParseError("a policy of no known mode") from error
    age = fields.get("max_age", "")
    if not _AGE.fullmatch(age):
        raise ParseError("a policy without an age")
    if len(names) > STS_NAMES_MAX:
        raise ParseError("a policy with too many names")
    if not names and mode is not Mode.NONE:
        raise ParseError("a policy that names no host")
    return Policy(mode, min(int(age), STS_AGE_MAX_S), tuple(names))


def _parse_pattern(text: str) -> str:
    name = text.lower()
    if len(name) > _NAME_MAX or not _NAME.fullmatch(name):
        raise ParseError("a policy that names what is no host")
    return name


def is_named(policy: Policy, host: str) -> bool:
    """Return whether a host is one of the policy's (§4.1). host: as in Question.name."""
    label, _, parent = host.partition(".")
    wanted = {host, f"*.{parent}"} if label and parent else {host}
    return not wanted.isdisjoint(policy.names)


def choose_step(kept: Kept | None, policy_id: str | None, *, now_ms: int) -> Step:
    """Return what to do for a message, from what is kept and what find_policy_id says now.

    §3.3, §5.1: a kept policy that is current holds without a record too; without a record there is
    nothing to fetch.
    """
    current = kept is not None and kept.is_current(now_ms)
    if policy_id is None:
        return Step.KEEP if current else Step.NOTHING
    if kept is not None and current and kept.policy_id == policy_id:
        return Step.KEEP
    return Step.FETCH
