"""What a message goes through on its way into a mailbox, in the transaction that stores it.

1. filters choose its labels and may want it forwarded     domain.filtering
2. those who get a copy are chosen, and its disposition    domain.forwarding
3. it is stored with its history                           domain.messages
4. copies are put into the outbox                          domain.forwarding
5. the vacation reply is put into the outbox               domain.vacation
6. a report for a sender who asked for it is put there     domain.delivered

What was put into the outbox is handed over after the commit. A mailbox that has set nothing pays
one read.
"""

from collections.abc import Callable

from penfold.base.chance import Chance
from penfold.base.labels import SPAM
from penfold.domain.access.aliases import list_own_aliases
from penfold.domain.incoming.judging import ARRIVAL_LABELS
from penfold.domain.mailbox.arrival import Arrival
from penfold.domain.mailbox.filtering import apply_filters
from penfold.domain.mailbox.messages import Letter, add_letter
from penfold.domain.outgoing.bounces import Note
from penfold.domain.outgoing.delivered import Delivered, add_report
from penfold.domain.outgoing.return_paths import ReturnPaths
from penfold.domain.settings.forwarding import (
    apply_disposition,
    choose_targets,
    find_auto_target,
    forward,
)
from penfold.domain.settings.senders import make_sender
from penfold.domain.settings.vacation import answer
from penfold.ports.directory import Directory
from penfold.ports.mailbox import MailboxWriter, MessageRow
from penfold.spec.schemas import AutoForwarding, Filter, VacationSettings


class Arriving:
    """The one way by which mail from anybody comes into a mailbox.

    returns: reads the return addresses that our mail left with; set where there is a queue to find
    them in.
    """

    returns: ReturnPaths | None = None

    def __init__(
        self,
        *,
        directory: Directory,
        chance: Chance,
        hand_over: Callable[[str], None],
        note: Callable[[str, Note], None],
    ) -> None:
        """hand_over: has the outbox of a mailbox moved on. note(mailbox id, note): has noted what
        came in about mail that left. Called after a commit, they never block.
        """
        self._directory = directory
        self._chance = chance
        self._hand_over = hand_over
        self.note = note

    def report(
        self, box: MailboxWriter, mailbox_id: str, delivered: Delivered, *, now_ms: int
    ) -> None:
        """Tell the sender of a message that it was delivered, in the transaction that stores it."""
        add_report(box, delivered, now_ms=now_ms, chance=self._chance)
        box.after_commit(lambda: self._hand_over(mailbox_id))

    def take_notice(
        self,
        box: MailboxWriter,
        mailbox_id: str,
        key: bytes,
        letter: Letter,
        *,
        thread_id: int | None,
        now_ms: int,
    ) -> None:
        """Store a message of this server's own, with the null reverse-path; once for each key."""
        if box.find_receipt(key) is not None:
            return
        stored = self.take(
            box,
            mailbox_id,
            letter,
            sender="",
            labels=ARRIVAL_LABELS,
            thread_id=thread_id,
            now_ms=now_ms,
        )
        box.add_receipt(key, stored.id, now_ms=now_ms)

    def take(
        self,
        box: MailboxWriter,
        mailbox_id: str,
        letter: Letter,
        *,
        sender: str,
        labels: frozenset[int],
        thread_id: int | None,
        now_ms: int,
    ) -> MessageRow:
        """Store an arriving message and do what the account set. sender: the envelope's."""
        rules = box.list_settings(Filter, AutoForwarding, VacationSettings)

        def add(labels: frozenset[int]) -> MessageRow:
            return add_letter(
                box,
                letter,
                labels=labels,
                thread_id=thread_id,
                internal_ms=now_ms,
                now_ms=now_ms,
                chance=self._chance,
            )

        if not rules:
            return add(labels)
        filters = [rule for rule in rules if isinstance(rule, Filter)]
        auto = next((rule for rule in rules if isinstance(rule, AutoForwarding)), None)
        vacation = next((rule for rule in rules if isinstance(rule, VacationSettings)), None)
        account = self._directory.get_account(mailbox_id)
        me = make_sender(box, account, list_own_aliases(self._directory, account))
        own = me.find(account.address)
        arrival = Arrival(
            letter=letter,
            sender=sender,
            labels=labels,
            own=tuple(dict.fromkeys((account.address, *me.addresses))),
            name=own.name if own else account.name,
            now_ms=now_ms,
        )
        outcome = apply_filters(box, filters, arrival)
        # Gmail (assumed, documented of auto-forwarding): spam is sent on by nothing.
        by_filter = () if SPAM in outcome.labels else outcome.forward
        wanted = [*by_filter, *find_auto_target(auto, outcome.labels)]
        targets = choose_targets(box, wanted, arrival)
        settled = apply_disposition(outcome.labels, auto, targets)
        row = add(settled)
        forward(box, targets, arrival)
        answered = answer(box, vacation, arrival, labels=settled, chance=self._chance)
        if targets or answered:
            box.after_commit(lambda: self._hand_over(mailbox_id))
        return row
