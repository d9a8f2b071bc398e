"""What the product needs to know the MTA-STS policies of others."""

from enum import StrEnum
from typing import Protocol

from penfold.base.errors import PenfoldError
from penfold.proto.mta_sts import Policy


class StsFailure(StrEnum):
    """Why there is no policy, in the words of TLS reports (RFC 8460 §4.3.2.2)."""

    FETCH = "sts-policy-fetch-error"
    INVALID = "sts-policy-invalid"
    WEBPKI = "sts-webpki-invalid"


class PolicyError(PenfoldError):
    """The policy could not be fetched, or is none. Its message is one line for the operator."""

    retry = True
    public = "The MTA-STS policy cannot be fetched"

    def __init__(self, detail: str, failure: StsFailure, **facts: object) -> None:
        super().__init__(detail, **facts)
        self.failure = failure


class PolicySource(Protocol):
    async def fetch_policy(self, domain: str) -> Policy:
        """Return the policy the domain publishes now; PolicyError when there is none to be had.

        domain: lower case, A-labels. Nothing is remembered (see proto/mta_sts.choose_step).
        """
        ...
