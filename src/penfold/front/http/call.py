"""One checked API request, as its handler sees it.

By the time a handler runs, the credential, parameters, scope, delegation and body have been
checked against the registry. A handler is `handler(call, box)`: `box` is a reader for methods
that only read and a writer inside an open transaction for the others (see spec.registry.Access);
it returns a value of the response schema, or None for 204, and raises ProblemError. It is
synchronous and may run twice, so its effects go through `box` or `box.after_commit`. What must be
found out before a change and takes long, such as asking another server, is a check of its own,
`check(call, mailboxes)`: it runs in a thread before the change and returns nothing.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from msgspec import Struct

from penfold.base.chance import Chance
from penfold.domain.outgoing.outbound import Outbound
from penfold.domain.quota import Quota
from penfold.domain.settings.confirming import Asking
from penfold.domain.settings.mail_servers import MailServers
from penfold.ports.directory import Account, Directory
from penfold.ports.identity import Credential
from penfold.ports.pubsub import PubsubBook
from penfold.ports.sealing import Sealer
from penfold.ports.uploads import Digest, Uploads
from penfold.spec.registry import Method


class TooSlowInline(Exception):  # noqa: N818 - not an error: the same call runs again in a thread
    """Raised by a READ handler that meets work too big for the event loop.

    The pipeline runs it again in a worker thread, where `call.inline` is False; it must not be
    raised there.
    """


P = TypeVar("P")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the product that calls need. quota: None while quotas are off."""

    directory: Directory
    outbound: Outbound
    chance: Chance
    sealer: Sealer
    pubsub: PubsubBook
    asking: Asking
    mail_servers: MailServers
    uploads: Uploads
    quota: Quota | None = None


class Call(Struct, Generic[P, B], frozen=True):
    """account: whose mailbox is addressed. params, body: values of the method's declared types.

    receipt: under which the call counts once, b"" for one that is made once. digest: the
    message, when it is large and was read already. inline: the handler runs on the event loop
    and must stay brief.
    """

    method: Method
    credential: Credential
    account: Account
    params: P
    body: B
    now_ms: int
    services: Services
    inline: bool = False
    receipt: bytes = b""
    digest: Digest | None = None

    @property
    def delegate(self) -> Account | None:
        """Who acts for the account; None when it is the account itself."""
        caller = self.credential.account
        return None if caller.id == self.account.id else caller
