"""Searches of scripts.toml: scripts without blanks between words, asked of the store and of messages."""

import pytest
from tests.search.table import MAILBOX, fill_mailbox, load_table

from penfold.domain.mailbox.messages import list_messages, make_query
from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.mailboxes import SqliteMailboxes
from penfold.testing.mailbox import MemoryMailboxes

TABLE = load_table("mailbox.toml", "scripts.toml")
NAMES = {mail.id: name for name, mail in TABLE.mail.items()}


def make_on_disk(folder):
    def fatal(error):
        raise AssertionError from error

    return SqliteMailboxes(folder, LocalBlobs(folder / "blobs"), fatal=fatal)


def make_in_memory(folder):
    return MemoryMailboxes()


@pytest.fixture(scope="module", params=[make_on_disk, make_in_memory])
def box(request, tmp_path_factory):
    mailboxes = request.param(tmp_path_factory.mktemp("mailboxes"))
    mailboxes.create(MAILBOX)
    mailboxes.change(MAILBOX, lambda box: fill_mailbox(box, TABLE))
    with mailboxes.open_reader(MAILBOX) as reader:
        yield reader
    mailboxes.close()


@pytest.mark.parametrize("rule", TABLE.rules, ids=lambda rule: rule.says)
def test_messages_found_are_those_of_the_table(box, rule):
    def find(q):
        facts = {"include_spam_trash": False, "max_results": 500, "now_ms": TABLE.now_ms}
        query = make_query(box, q=q, me=TABLE.me, **facts)
        return [NAMES[message_id] for message_id, _ in list_messages(box, query, "").items]

    assert {q: find(q) for q in rule.asks} == rule.asks
