"""Mail that comes in: who it is for, and into which mailboxes it goes."""

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.domain.envelope import Done, Envelope, Recipient
from penfold.ports.directory import Directory
from penfold.ports.mailbox import Mailboxes


class Inbound:
    """The decisions of the mail exchanger (see front.smtp.decisions.Decisions)."""

    def __init__(
        self,
        *,
        directory: Directory,
        mailboxes: Mailboxes,
        clock: Clock,
        chance: Chance,
        hostname: str,
    ) -> None:
        self._directory = directory
        self._mailboxes = mailboxes
        self._clock = clock
        self._chance = chance
        self._hostname = hostname

    def check_recipient(self, address: str) -> Recipient:
        raise NotImplementedError

    def accept(self, envelope: Envelope, data: bytes, done: Done) -> None:
        raise NotImplementedError
