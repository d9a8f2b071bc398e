"""How suspicious a message is, in points, by what is known of who sent it.

The table is all there is: each row that applies adds its points, and a message with
Policy.spam_points or more is spam. Nothing is read of the text. One sign alone is never enough for
the default of 5, two bad ones are; what speaks for a message makes up for one.

RFC 9989 §5.4: a policy of `none` must not change what happens to mail, so DMARC counts only for
domains that ask for something.

The points are assumed: a starting point, to be changed when there is mail to measure them by.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penfold.base.limits import BLOCKLISTS_COUNTED_MAX
from penfold.domain.incoming.evidence import Evidence


class Reason(Struct, frozen=True, gc=False):
    """name: of a sign or a rule. points: 0 for a rule. detail: what it was found by, or ""."""

    name: str
    points: int = 0
    detail: str = ""


class Sign(Struct, frozen=True, gc=False):
    """times: how often it applies. detail: for the log."""

    name: str
    points: int
    times: Callable[[Evidence], int]
    detail: Callable[[Evidence], str] = lambda _: ""


def _spf(result: str) -> Callable[[Evidence], int]:
    return lambda found: found.spf == result


def _spf_domain(found: Evidence) -> str:
    return found.spf_domain


def _client(found: Evidence) -> str:
    return found.client


#: Name, points, when. More than 0 speaks against a message.
SIGNS: Final = (
    Sign("author_authentic", -3, lambda found: is_vouched(found), lambda f: f.author.domain),
    Sign("signature_passes", -1, lambda found: bool(found.dkim_passed)),
    Sign("spf_passes", -1, _spf("pass"), _spf_domain),
    Sign("chain_trusted", -2, lambda found: found.chain_trusted),
    Sign("author_known", -5, lambda found: found.known, lambda f: f.author.domain),
    Sign("signature_broken", 1, lambda found: found.dkim_failed and not found.dkim_passed),
    Sign("spf_fail", 3, _spf("fail"), _spf_domain),
    Sign("spf_softfail", 2, _spf("softfail"), _spf_domain),
    Sign("spf_permerror", 1, _spf("permerror"), _spf_domain),
    Sign("spf_none", 1, _spf("none"), _spf_domain),
    Sign("unauthenticated", 2, lambda found: not found.is_authenticated),
    Sign("no_ptr", 3, lambda found: found.iprev == "permerror", _client),
    Sign("ptr_elsewhere", 2, lambda found: found.iprev == "fail", _client),
    Sign("author_unclear", 3, lambda found: found.author.problem is not None),
    Sign(
        "listed",
        4,
        lambda found: min(len(found.listed), BLOCKLISTS_COUNTED_MAX),
        lambda found: " ".join(found.listed[:BLOCKLISTS_COUNTED_MAX]),
    ),
)


def is_vouched(found: Evidence) -> bool:
    """Say whether DMARC passes for a domain that asks for something."""
    return found.dmarc.result == "pass" and found.dmarc.policy != "none"


def weigh(found: Evidence) -> tuple[Reason, ...]:
    """Return the signs that apply, in the order of the table; their points add up to the score."""
    counted = ((sign, int(sign.times(found))) for sign in SIGNS)
    return tuple(
        Reason(sign.name, sign.points * times, sign.detail(found))
        for sign, times in counted
        if times
    )
