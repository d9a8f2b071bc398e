"""Addresses that get no mail, or none of a domain or a stream.

An address stands in lower case (proto.address.canonical). scope: `account` (value ""), `domain`
(the sender's), `stream` (its name); there is one row for each of those.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class Scope(StrEnum):
    ACCOUNT = "account"
    DOMAIN = "domain"
    STREAM = "stream"


class Reason(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


class Suppression(Struct, frozen=True, gc=False):
    """number: the order they were made in, 0 before. event: id of what caused it, "" for none.

    expires_ms: 0 for never.
    """

    id: str
    account_id: str
    address: str
    scope: Scope
    value: str
    reason: Reason
    created_ms: int
    expires_ms: int = 0
    event: str = ""
    note: str = ""
    number: int = 0


class SuppressionReader(Protocol):
    def find_suppression(self, suppression_id: str, account_id: str) -> Suppression | None: ...
    def list_suppressions(
        self,
        account_id: str,
        *,
        address: str = "",
        reason: str = "",
        older: int | None = None,
        limit: int,
    ) -> list[Suppression]:
        """Return an account's, the newest first."""
        ...

    def find_suppressed(
        self,
        account_id: str,
        addresses: Collection[str],
        *,
        domain: str,
        stream: str,
        now_ms: int,
    ) -> dict[str, Suppression]:
        """Return what keeps mail of that domain and stream from each address that has such."""
        ...


class SuppressionWriter(SuppressionReader, Protocol):
    def put_suppression(self, suppression: Suppression) -> Suppression:
        """Store it and return what stands there now.

        Of one that is there already for address and scope, id and number stay; it is told the
        rest, unless that would lift a complaint (only deleting it does).
        """
        ...

    def delete_suppression(self, suppression_id: str, account_id: str) -> bool: ...
    def expire_suppressions(self, *, now_ms: int, limit: int) -> int: ...
