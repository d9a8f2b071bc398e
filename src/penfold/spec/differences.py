"""Where our discovery document differs from Google's of the same revision, and why.

The only list of its kind: tests/unit/spec/test_discovery.py compares the two documents member by
member, and fails on a difference that is not here as well as on an entry that is no longer needed.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Difference:
    """path: a JSON pointer; `**` stands for any number of its segments."""

    path: str
    reason: str


DIFFERENCES: Final = (
    Difference("/rootUrl", "Clients follow it to reach us."),
    Difference("/baseUrl", "Clients follow it to reach us."),
    Difference("/mtlsRootUrl", "There is no second host for mutual TLS."),
    Difference("/icons", "Google's logos are Google's."),
    Difference("/documentationLink", "Google's pages do not describe this server."),
    Difference("/ownerDomain", "Google does not own this server."),
    Difference("/ownerName", "Google does not own this server."),
    Difference("**/description", "Descriptions are in our own words."),
    Difference("**/enumDescriptions", "Values explain themselves or are in the description."),
)
