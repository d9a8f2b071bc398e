"""Scopes as people type them."""

from collections.abc import Iterable

from penfold.front.cli.output import WrongUseError
from penfold.spec.scopes import CLOUD_PLATFORM, GMAIL_SCOPES, PUBSUB, find_scope


def parse_scopes(texts: Iterable[str]) -> frozenset[str]:
    """Return the urls of scopes; Gmail's may be named by their last part, as gmail.readonly."""
    return frozenset(map(_parse_scope, texts))


def _parse_scope(text: str) -> str:
    found = find_scope(text) or find_scope(f"https://www.googleapis.com/auth/{text}")
    if found is None:
        known = (*GMAIL_SCOPES, PUBSUB, CLOUD_PLATFORM)
        names = ", ".join(scope.url.rpartition("/")[2] or scope.url for scope in known)
        raise WrongUseError(f"{text} is not a scope of Gmail's or Pub/Sub's; these are: {names}")
    return found.url
