"""The owner of a webhook that was turned off is told: by mail, in the mailbox of the account.

Told exactly once: the message and its receipt, named after the webhook and the time, are one
transaction of the mailbox; the webhook's mark is taken away after it. What a crash leaves is found
by `sweep`.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import WEBHOOK_SWEEP
from penfold.domain.sending.owner_mail import OwnerMail
from penfold.domain.sending.showing import show_time
from penfold.ports.directory import Account
from penfold.ports.sending.book import SendingWriter
from penfold.ports.sending.records import Webhook

_TEXT: Final = """The webhook {id}

    {url}

was turned off at {at}: {why}.

It gets no more events until it is turned on again, and what waited for it was given up. Nothing is
lost: events are kept, and can be told again.

1. See what its last attempts met with:   GET   /v1/webhooks/{id}/attempts
2. Mend the receiver, turn it on again:   PATCH /v1/webhooks/{id}   {{"status": "enabled"}}
3. Have what it missed told again:        POST  /v1/webhooks/{id}/replay
                                          {{"since": "{since}"}}
"""


@dataclass(frozen=True, slots=True)
class OwnerNotices(OwnerMail):
    """Every call blocks; it is made for a worker's thread."""

    def tell(self, webhook_id: str) -> bool:
        """Tell the owner of a webhook, unless there is nothing to tell; return whether it was.

        UnavailableError when the mailbox cannot take the message now: `sweep` makes up for it.
        """
        webhook = self.book.read(lambda book: book.find_unowned(Webhook, webhook_id))
        if webhook is None or not webhook.untold:
            return False
        with suppress(NotFoundError):  # nobody is left to be told
            self._deliver(webhook, self.directory.get_account(webhook.account_id))

        def change(writer: SendingWriter) -> None:
            now = writer.find_unowned(Webhook, webhook_id)
            if now is not None and now.disabled_ms == webhook.disabled_ms:
                writer.replace(replace(now, untold=False))

        self.book.change(change)
        return True

    def sweep(self) -> int:
        """Tell every owner who was not told; return how many were."""
        after, told = "", 0
        while page := self._list(after):
            after = page[-1].id
            told += sum(self._try(one) for one in page if one.untold)
        return told

    def _list(self, after: str) -> list[Webhook]:
        return self.book.read(
            lambda book: book.list_everywhere(Webhook, after=after, limit=WEBHOOK_SWEEP)
        )

    def _try(self, webhook: Webhook) -> bool:
        try:
            return self.tell(webhook.id)
        except UnavailableError:
            return False

    def _deliver(self, webhook: Webhook, account: Account) -> None:
        text = _TEXT.format(
            id=webhook.id,
            url=webhook.url,
            at=show_time(webhook.disabled_ms),
            why=webhook.why,
            since=show_time(webhook.failing_ms or webhook.disabled_ms),
        )
        name = f"webhook\0{webhook.id}\0{webhook.disabled_ms}"
        self.deliver(account, name, "A webhook of yours was turned off", text)
