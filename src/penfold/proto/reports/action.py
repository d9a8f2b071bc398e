"""What a delivery status notification says was done about a recipient (RFC 3464 §2.3.3)."""

from enum import StrEnum


class Action(StrEnum):
    """relayed: to a server that sends no notifications. expanded: to the members of a list."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
