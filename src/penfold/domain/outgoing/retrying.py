"""When mail that could not be delivered is tried again."""

from penfold.base.chance import Chance
from penfold.base.limits import (
    DELIVERY_DELAYS_S,
    DELIVERY_FIRST_S,
    DELIVERY_JITTER,
    DELIVERY_LIFE_S,
    DELIVERY_NAMED_MARGIN_S,
)


def find_next_attempt(
    now_ms: int,
    *,
    created_ms: int,
    tries: int,
    soon: bool,
    chance: Chance,
    named_s: int | None = None,
) -> int | None:
    """Return when to try again (epoch ms), None when the mail is given up.

    tries: how many there were. soon: nobody was reached, or a greylist answered. named_s: how
    long the server said to wait, as proto.smtp.outcomes bounds it. The last try is made when the
    time for it ends (RFC 5321 §4.5.4.1), however long the step before it.
    """
    ends_ms = created_ms + 1_000 * DELIVERY_LIFE_S
    if now_ms >= ends_ms:
        return None
    if named_s is not None:
        delay_s: float = named_s + DELIVERY_NAMED_MARGIN_S
    else:
        delays_s = (DELIVERY_FIRST_S, *DELIVERY_DELAYS_S) if soon else DELIVERY_DELAYS_S
        delay_s = delays_s[min(max(tries, 1), len(delays_s)) - 1]
        delay_s *= 1 + DELIVERY_JITTER * (chance.getrandbits(32) / 2**31 - 1)
    return min(now_ms + round(1_000 * delay_s), ends_ms)
