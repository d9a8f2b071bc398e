"""Streams as the API shows them."""

from penfold.domain.sending.showing import show_maybe
from penfold.domain.sending.streams import find_limit
from penfold.ports.sending.records import Stream
from penfold.spec.sending import setup
from penfold.spec.sending.schemas import Tracked
from penfold.spec.sending.streams import BUILT_IN


def show_stream(stream: Stream, now_ms: int) -> setup.Stream:
    return setup.Stream(
        object="stream",
        id=stream.name,
        name=stream.name,
        kind=stream.kind,
        ttl=stream.ttl_s,
        unsubscribe=stream.unsubscribe,
        priority=stream.priority.name.lower(),
        tracking=Tracked(opens=stream.opens, clicks=stream.clicks),
        per_hour=stream.per_hour,
        warmup_since=show_maybe(stream.warmup_ms),
        limit=find_limit(stream, now_ms),
        built_in=stream.id in BUILT_IN,
    )
