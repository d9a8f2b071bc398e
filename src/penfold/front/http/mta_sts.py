"""Our own MTA-STS policy (RFC 8461 §3.3), for who is about to send mail to one of our domains.

Answered for the hosts `mta-sts.<domain of ours>` alone, whoever asks. The policy is the same for
all domains: they have one mail server.
"""

from collections.abc import Callable, Iterable
from typing import Final

from penfold.front.http.app import Operation, Reply
from penfold.front.http.operations import for_reading
from penfold.front.http.request import Scope
from penfold.proto.mta_sts import HOST_LABEL, Policy, print_policy

_NOT_HERE: Final = Reply(404, b"There is no MTA-STS policy for this host.\n")


def make_policy_operation(policy: Policy, is_ours: Callable[[str], bool]) -> Operation:
    """Return what answers at POLICY_PATH. is_ours: whether a domain's mail is delivered here."""
    found = Reply(200, print_policy(policy))

    def answer(scope: Scope) -> Reply:
        label, _, domain = _find_host(scope["headers"]).partition(".")
        return found if label == HOST_LABEL and domain and is_ours(domain) else _NOT_HERE

    return for_reading(answer)


def _find_host(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the host a request is for, lower case, without port and final dot."""
    given = next((value for name, value in headers if name == b"host"), b"")
    return given.decode("latin-1").partition(":")[0].rstrip(".").lower()
