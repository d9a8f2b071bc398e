"""Every search of the table, asked in every way there is to ask in one process.

The store (SQLite) and its memory twin are asked as messages.list, threads.list and drafts.list do;
filters' evaluator is asked of one message after the other. tests/search/test_served.py asks a server.
"""

import pytest
from tests.search.table import MAILBOX, fill_mailbox, is_hidden, load_table

from penfold.domain.mailbox.drafts import list_drafts
from penfold.domain.mailbox.messages import list_messages, make_query
from penfold.domain.mailbox.threads import list_threads
from penfold.proto.mime.summary import read_message
from penfold.proto.search.document import make_document
from penfold.proto.search.match import matches
from penfold.proto.search.parse import parse_query
from penfold.proto.search.tree import mentions_hidden
from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.mailboxes import SqliteMailboxes
from penfold.testing.mailbox import MemoryMailboxes

TABLE = load_table("mailbox.toml", "queries.toml")
NAMES = {mail.id: name for name, mail in TABLE.mail.items()}
every_rule = pytest.mark.parametrize("rule", TABLE.rules, ids=lambda rule: rule.says)


def fill(mailboxes):
    mailboxes.create(MAILBOX)
    mailboxes.change(MAILBOX, lambda box: fill_mailbox(box, TABLE))
    return mailboxes


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    def fatal(error):
        raise AssertionError from error

    folder = tmp_path_factory.mktemp("mailboxes")
    mailboxes = fill(SqliteMailboxes(folder, LocalBlobs(folder / "blobs"), fatal=fatal))
    with mailboxes.open_reader(MAILBOX) as reader:
        yield reader
    mailboxes.close()


@pytest.fixture(scope="module")
def in_memory():
    with fill(MemoryMailboxes()).open_reader(MAILBOX) as reader:
        yield reader


@pytest.fixture(scope="module")
def documents():
    """What an evaluator of single messages is given: a document of each, and the labels."""
    numbers = MemoryMailboxes()
    numbers.create(MAILBOX)
    keys = numbers.change(MAILBOX, lambda box: fill_mailbox(box, TABLE))
    made = {}
    for name, mail in TABLE.mail.items():
        _, summary = read_message(mail.raw)
        labels = TABLE.labels_of(name, keys)
        made[name] = make_document(summary, labels=labels, indexed_ms=mail.ms, size=len(mail.raw))
    return made, keys


def ask(box, q, **facts):
    query = {
        "include_spam_trash": False,
        "max_results": 500,
        "now_ms": TABLE.now_ms,
        "me": TABLE.me,
    }
    return make_query(box, q=q, **{**query, **facts})


def names_of(page):
    return [NAMES[message_id] for message_id, _ in page.items]


@every_rule
def test_messages_found_in_the_store_are_those_of_the_table(on_disk, rule):
    pages = {q: list_messages(on_disk, ask(on_disk, q), "") for q in rule.asks}
    assert {q: names_of(page) for q, page in pages.items()} == rule.asks
    assert {q: page.estimate for q, page in pages.items()} == {
        q: len(n) for q, n in rule.asks.items()
    }


@every_rule
def test_messages_found_in_memory_are_those_of_the_table(in_memory, rule):
    """Two queries of each rule: memory knows no index, and asks the evaluator of the next test."""
    asked = [*rule.asks][:: max(1, len(rule.asks) - 1)]
    found = {q: names_of(list_messages(in_memory, ask(in_memory, q), "")) for q in asked}
    assert found == {q: rule.asks[q] for q in asked}


@every_rule
def test_single_messages_that_match_are_those_of_the_table(documents, rule):
    made, keys = documents

    def find(q):
        tree = parse_query(q, now_ms=TABLE.now_ms)
        shown = {n: d for n, d in made.items() if mentions_hidden(tree) or not is_hidden(d.labels)}
        found = [n for n, d in shown.items() if matches(tree, d, me=TABLE.me, label_numbers=keys)]
        return found[::-1]

    assert {q: find(q) for q in rule.asks} == rule.asks


@every_rule
def test_threads_found_are_those_of_the_messages_found(on_disk, rule):
    """A thread stands where its newest message that matches does."""

    def expect(names):
        newest = {}
        for name in names:
            newest.setdefault(TABLE.thread_of(name), name)
        return [*newest]

    def find(q):
        page = list_threads(on_disk, ask(on_disk, q), "")
        return [thread.id for thread in page.items]

    assert {q: find(q) for q in rule.asks} == {q: expect(names) for q, names in rule.asks.items()}


@every_rule
def test_drafts_found_are_the_drafts_among_the_messages_found(on_disk, rule):
    def find(q):
        page = list_drafts(on_disk, ask(on_disk, q), "")
        return [NAMES[draft.message_id] for draft in page.items]

    assert {q: find(q) for q in rule.asks} == {
        q: [name for name in names if "DRAFT" in TABLE.mail[name].label_names]
        for q, names in rule.asks.items()
    }


@every_rule
def test_pages_of_a_search_are_the_whole_of_it_in_pieces(on_disk, rule):
    def find(q, size):
        page = list_messages(on_disk, ask(on_disk, q, max_results=size), "")
        found = names_of(page)
        while page.next_token:
            page = list_messages(on_disk, ask(on_disk, q, max_results=size), page.next_token)
            found += names_of(page)
        return found

    assert {q: find(q, max(1, len(names) // 3)) for q, names in rule.asks.items()} == rule.asks


@pytest.mark.parametrize("q", ["place", "-place", "from:prince", "", "label:work"])
def test_include_spam_trash_finds_what_in_anywhere_does(on_disk, q):
    anywhere = list_messages(on_disk, ask(on_disk, f"in:anywhere {q}"), "")
    included = list_messages(on_disk, ask(on_disk, q, include_spam_trash=True), "")
    assert included.items == anywhere.items
    assert any(is_hidden(on_disk.find_message(number).labels) for number, _ in included.items)


@pytest.mark.parametrize("wanted", [["INBOX"], ["INBOX", "UNREAD"], ["SPAM"], ["TRASH"]])
@pytest.mark.parametrize("q", ["place", "-work", "in:drafts OR from:prince"])
def test_label_ids_and_query_must_both_be_fulfilled(on_disk, q, wanted):
    """A label id of SPAM or TRASH asks for it, as naming it in the query does."""
    page = list_messages(on_disk, ask(on_disk, q, label_ids=wanted), "")
    named = " ".join(f"in:{label.lower()}" for label in wanted)
    assert page.items == list_messages(on_disk, ask(on_disk, f"({q}) {named}"), "").items


def test_a_hundred_and_fifty_message_ids_are_asked_for_at_once(on_disk):
    names = [name for name in TABLE.mail if name.startswith(("gazette-", "backup-", "choir-"))]
    q = " OR ".join(f"rfc822msgid:<{name}@table.example>" for name in names)
    assert len(names) > 150
    assert len(q) > 5_000
    assert names_of(list_messages(on_disk, ask(on_disk, q), "")) == names[::-1]


def test_table_is_large_enough_to_mean_something():
    assert len(TABLE.mail) >= 300
    assert sum(len(rule.asks) for rule in TABLE.rules) >= 400
