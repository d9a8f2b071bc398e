"""Scopes as people type them."""

from collections.abc import Iterable

from penfold.front.cli.output import WrongUseError
from penfold.spec.scopes import (
    ADMIN,
    ADMIN_READONLY,
    CLOUD_PLATFORM,
    GMAIL_SCOPES,
    PUBSUB,
    find_scope,
)


def parse_scopes(texts: Iterable[str]) -> frozenset[str]:
    """Return the urls of scopes; most may be named by their last part, as gmail.readonly."""
    return frozenset(map(_parse_scope, texts))


def _parse_scope(text: str) -> str:
    roots = ("", "https://www.googleapis.com/auth/", "https://penfold/auth/")
    found = next(filter(None, (find_scope(root + text) for root in roots)), None)
    if found is None:
        known = (*GMAIL_SCOPES, PUBSUB, CLOUD_PLATFORM, ADMIN, ADMIN_READONLY)
        names = ", ".join(scope.url.rpartition("/")[2] or scope.url for scope in known)
        raise WrongUseError(f"{text} is not a scope of this server; these are: {names}")
    return found.url
