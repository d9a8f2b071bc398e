"""Threads: messages that belong together, seen and changed as one.

A thread is its messages; it is there as long as one of them is, and keeps the id of the message
that started it even when that one is deleted. Who belongs to it is domain.threading's affair.
"""

from penfold.domain.mailbox.messages import parse_id
from penfold.domain.mailbox.paging import Lister, Page, list_page
from penfold.ports.mailbox import MailboxReader, MessageRow, Query, ThreadRow
from penfold.spec.problems import NOT_FOUND, ProblemError


def get_thread(box: MailboxReader, text: str) -> list[MessageRow]:
    """Return a thread's messages, oldest first. The id of a later message names no thread."""
    rows = box.list_thread(parse_id(text))
    if not rows:
        raise ProblemError(NOT_FOUND)
    return rows


def list_matches(box: MailboxReader, query: Query, token: str) -> Page[tuple[int, int]]:
    """Return the page of list_threads as (id of the newest matching message, thread id)."""
    lister = Lister(
        kind="threads",
        fetch=box.list_threads,
        position=lambda pair: pair[0],
        moves=True,
    )
    return list_page(box, lister, query, token)


def list_threads(box: MailboxReader, query: Query, token: str) -> Page[ThreadRow]:
    """Return one page of threads of which some single message satisfies the whole query."""
    page = list_matches(box, query, token)
    rows = box.get_threads([thread_id for _, thread_id in page.items])
    return Page(rows, page.next_token, page.estimate)
