"""What the scripts of an SMTP client have in common.

A script says commands to its session, yields the stage of the reply it waits for, and is sent that
reply. FailedError ends the session; the engine throws it into a script as well.
"""

from collections.abc import Generator
from typing import Protocol

from penfold.base.errors import PenfoldError
from penfold.proto.smtp.client.capabilities import Capabilities
from penfold.proto.smtp.client.events import Event
from penfold.proto.smtp.client.outcome import Failure, Reason, TlsFacts
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.reply_reader import ServerReply
from penfold.proto.smtp.stage import Stage

#: A part of a script, and a whole one.
Part = Generator[Stage, ServerReply, None]
Script = Generator[Stage, ServerReply, Event]


class FailedError(PenfoldError):
    """The session cannot go on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason.value)
        self.failure = failure


class Session(Protocol):
    """What a script may know of its session, and do in it."""

    profile: ClientProfile
    host: str
    port: int
    server: str
    capabilities: Capabilities
    tls: TlsFacts | None
    needs_reset: bool

    def say(self, command: bytes, *, shown: str = "") -> None: ...
    def pour(self, content: bytes, *, shown: str) -> None: ...


def demand(reply: ServerReply, stage: Stage) -> None:
    """Raise FailedError unless the reply is a positive one."""
    if reply.kind != 2:
        # RFC 5321 §4.2.1: 3yz asks for more of what only AUTH and DATA have.
        reason = Reason.NONSENSE if reply.kind == 3 else Reason.REPLY
        raise FailedError(Failure(stage, reason, reply))
