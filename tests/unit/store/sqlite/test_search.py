"""The compiled statement finds what the naive evaluator finds, in order, from an index."""

import os
from pathlib import Path
from random import Random

import apsw
import pytest
from msgspec import structs

from penfold.base.labels import INBOX, SPAM, STARRED, TRASH, UNREAD
from penfold.ports.mailbox import Query
from penfold.proto.search.document import COLUMNS, make_texts
from penfold.proto.search.match import matches
from penfold.proto.search.parse import parse_query
from penfold.proto.search.print import print_query
from penfold.proto.search.tree import And, mentions_hidden
from penfold.store.sqlite import search, search_order
from penfold.store.sqlite.content import list_postings
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.search_streams import Sizes
from penfold.testing.queries import ME, USER_LABELS, make_mail, make_query_text, make_tree
from penfold.testing.search_table import load_search_table, make_mail_document

TABLE = load_search_table(Path(__file__).parents[3] / "corpus/search.toml")

#: Random searches of one run; a nightly run asks for more.
CASES = int(os.environ.get("PENFOLD_SEARCH_CASES", "2000"))
CASES_EACH = 100


class AnySizes(Sizes):
    """Sizes that have nothing to do with the mailbox, so that every plan is chosen at times."""

    def __init__(self, rng):
        self._rng = rng

    def _guess(self, *_):
        return self._rng.choice((0, 1, 40, 2_000, 90_000, 1_000_000))

    count_all = count_labelled = count_matches = _guess


def make_mailbox(mails, user_labels):
    """Return a connection to a mailbox in memory that holds these messages."""
    connection = apsw.Connection(":memory:")
    migrate(connection, "mailbox")
    search_order.register(connection)
    connection.executemany(
        "INSERT INTO label (number, name, key) VALUES (?, ?, ?)",
        [(number, key, key) for key, number in user_labels.items()],
    )
    with connection:  # one segment of the index in place of one for each message
        for number, mail in enumerate(mails):
            add_mail(connection, mail, draft=number if number % 5 == 0 else None)
    return connection


def add_mail(connection, mail, *, draft):
    summary = mail.summary
    connection.execute(
        "INSERT INTO message VALUES (?, ?, 1, ?, ?, ?, ?, ?, 0, '')",
        (
            mail.id, mail.thread_id, mail.id >> 20, mail.size, int(summary.has_attachment),
            " ".join(map(str, sorted(mail.labels))),
            hash63(summary.message_id) if summary.message_id else 0,
        ),
    )  # fmt: skip
    connection.execute(
        f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})",
        (mail.id, *make_texts(summary, mail.size)),
    )
    connection.executemany(
        "INSERT INTO posting VALUES (?, ?, ?)",
        [(label, mail.id, mail.thread_id) for label in list_postings(frozenset(mail.labels))],
    )
    if draft is not None:
        connection.execute("INSERT INTO draft VALUES (?, ?)", (draft, mail.id))


def make_documents(mails):
    """Return what the naive evaluator reads: (mail, document), newest first."""
    return [(mail, make_mail_document(mail)) for mail in sorted(mails, key=lambda mail: -mail.id)]


def newest_of_each(found):
    """Return the first (newest) message of each thread."""
    first = {}
    for message_id, thread_id in found:
        first.setdefault(thread_id, message_id)
    return [(message_id, thread_id) for thread_id, message_id in first.items()]


def expect(documents, query, user_labels):
    """Return all (id, thread id) that match, newest first, by the naive evaluator."""
    found = []
    for mail, document in documents:
        if not query.labels <= mail.labels or (not query.hidden and mail.labels & {SPAM, TRASH}):
            continue
        if query.tree is None or matches(
            query.tree, document, me=query.me, label_numbers=user_labels
        ):
            found.append((mail.id, mail.thread_id))
    return found


def check(connection, mails, documents, query, sizes):
    """Compare all three statements with the naive evaluator; return the messages and threads."""
    said = f"{query} {print_query(query.tree) if query.tree else ''}"
    found = expect(documents, query, USER_LABELS)
    threads = newest_of_each(found)
    shown = [each for each in found if query.newest is None or each[0] <= query.newest]
    page = [each for each in found if query.before is None or each[0] < query.before]
    drafts = [mail.id for number, mail in enumerate(mails) if number % 5 == 0]

    def run(statement):
        return list(connection.execute(*statement))

    assert run(search.compile_messages(query, sizes)) == page[: query.limit], said
    older = [
        each for each in newest_of_each(shown) if query.before is None or each[0] < query.before
    ]
    rows = connection.execute(*search.compile_threads(query, sizes))
    assert search.take_threads(rows, query.limit) == older[: query.limit], said
    assert [row[1:] for row in run(search.compile_drafts(query))] == [
        each for each in page if each[0] in drafts
    ][: query.limit], said
    return found, threads


def walk(connection, query, sizes):
    """Return all messages and threads, page by page as the domain asks for them."""
    lists = []
    for rows_of in (
        lambda query: list(connection.execute(*search.compile_messages(query, sizes))),
        lambda query: search.take_threads(
            connection.execute(*search.compile_threads(query, sizes)), query.limit
        ),
    ):
        page = rows_of(structs.replace(query, limit=7, before=None, newest=None))
        lists.append(list(page))
        newest = page[0][0] if page else None
        while len(page) == 7:
            query = structs.replace(query, limit=7, before=page[-1][0], newest=newest)
            page = rows_of(query)
            lists[-1] += page
    return lists


@pytest.fixture(scope="module")
def table_mailbox():
    return make_mailbox(TABLE.mail.values(), TABLE.user_labels)


@pytest.mark.parametrize(("q", "finds"), TABLE.queries, ids=[q for q, _ in TABLE.queries])
def test_messages_found_are_those_of_the_table(table_mailbox, q, finds):
    tree = parse_query(q, now_ms=TABLE.now_ms)
    query = Query(limit=500, tree=tree, hidden=mentions_hidden(tree), me=TABLE.me)
    sizes = Sizes(table_mailbox.execute)
    found = table_mailbox.execute(*search.compile_messages(query, sizes))
    assert [message_id & 0xFFFFF for message_id, _ in found] == finds


@pytest.mark.parametrize("part", range(CASES // CASES_EACH))
def test_random_search_finds_what_the_naive_evaluator_finds(part):
    rng = Random(part)
    mails = make_mail(rng, rng.choice((1, 25, 25, 25, 60)))
    documents = make_documents(mails)
    connection = make_mailbox(mails, USER_LABELS)
    for case in range(CASES_EACH):
        if case % 4:
            tree = make_tree(rng, rng.randrange(6))
        else:
            tree = parse_query(make_query_text(rng, 15), now_ms=1_701_000_000_000)
        newest, before = sorted(rng.choices(mails, k=2), key=lambda mail: -mail.id)
        paged = rng.random() < 0.5
        query = Query(
            limit=rng.choice((1, 4, 500)),
            labels=frozenset(
                rng.sample((INBOX, UNREAD, SPAM, 100, 102), rng.choice((0, 0, 0, 1, 2)))
            ),
            tree=rng.choice((tree, tree, tree, tree, None)),
            hidden=rng.random() < 0.5,
            before=before.id if paged else None,
            newest=newest.id if paged and rng.random() < 0.5 else None,
            me=rng.choice((ME, ())),
        )
        sizes = AnySizes(rng)
        found, threads = check(connection, mails, documents, query, sizes)
        if not case % 10:
            said = print_query(query.tree or And(()))
            assert walk(connection, query, sizes) == [found, threads], said


@pytest.mark.parametrize(
    "q",
    [
        pytest.param("(" * 4_000 + "a OR -b" + ")" * 4_000, id="brackets"),
        pytest.param("-(a {" * 1_600, id="open groups"),
        pytest.param("a OR b -(" * 800, id="alternatives and exclusions"),
        pytest.param("(alpha a OR " * 20 + "b " * 500, id="more groups than FTS5's parser takes"),
        pytest.param("(a OR in:inbox " * 540, id="mixed alternatives, deep"),
        pytest.param(
            "in:sent OR (" + " ".join(f"{{-a{n} in:inbox}}" for n in range(40)) + ")",
            id="alternatives that multiply",
        ),
        pytest.param(
            " OR ".join(f"w{n}" for n in range(150)) + " OR in:inbox",
            id="many alternatives and a label",
        ),
        pytest.param("(-a {in:sent " * 620, id="mixed exclusions, deep"),
        pytest.param("w " * 4_096, id="many words"),
        pytest.param(" OR ".join(f"w{n}" for n in range(900)), id="many alternatives"),
        pytest.param(" -".join(f"w{n}" for n in range(900)), id="many exclusions"),
        pytest.param('"' + "w " * 4_080 + '"', id="long phrase"),
        pytest.param("from:me " * 1_000, id="many own addresses"),
        pytest.param("a AROUND 1000 b " * 500, id="many distances"),
        pytest.param('"a AROUND 9 b" OR -"b AROUND 9 a" ' * 200, id="many orders"),
        pytest.param("(-label:x larger:5) OR " * 350, id="many facts"),
        pytest.param("after:999999999999999 before:-999999999999999", id="far times"),
        pytest.param("larger:999999999999999M", id="huge size"),
        pytest.param(" -label:x" * 800, id="many labels excluded"),
        pytest.param(" ".join(f"-in:x{n}" for n in range(900)), id="many different ones excluded"),
        pytest.param(" ".join(f"{{in:x{n} is:read}}" for n in range(500)), id="many pairs"),
        pytest.param("label:x&y " * 800, id="many labels"),
        pytest.param("\0 \ud800 label:\ud800 rfc822msgid:\udfff", id="no valid text"),
        pytest.param("AND OR NOT NEAR(a b) a* ^a col:a {a}:b", id="words FTS5 knows"),
        pytest.param("'; DROP TABLE words; --", id="SQL"),
    ],
)
def test_hard_query_is_answered_as_the_naive_evaluator_does(q):
    mails = make_mail(Random(1), 25)
    connection = make_mailbox(mails, USER_LABELS)
    tree = parse_query(q, now_ms=0)
    query = Query(limit=10, tree=tree, me=ME)
    found, _ = check(connection, mails, make_documents(mails), query, Sizes(connection.execute))
    statement = search.compile_messages(query, AnySizes(Random(1)))
    assert connection.execute(*statement).fetchall() == found[:10]


#: A million messages: `common` is in half of them, `rare` in 20, other words in 5,000.
class LargeMailbox(Sizes):
    def __init__(self):
        self.asked = 0

    def count_all(self):
        return 1_000_000

    def count_labelled(self, node):
        self.asked += 1
        return {INBOX: 300_000, STARRED: 100, 0: 990_000}.get(getattr(node, "number", None), 9_000)

    def count_matches(self, expression, within):
        self.asked += 1
        return 20 if "rare" in expression else 500_000 if "common" in expression else 5_000


@pytest.mark.parametrize(
    ("q", "steps"),
    [
        pytest.param("", ["SEARCH posting"], id="listing"),
        pytest.param("in:inbox", ["SEARCH p", "SEARCH posting"], id="label"),
        pytest.param("dinner", ["SCAN w", "SEARCH posting"], id="word"),
        pytest.param("rare in:inbox", ["SCAN w", "SEARCH posting"], id="rare word, large label"),
        pytest.param("common is:starred", ["SEARCH p USING"], id="small label leads"),
        pytest.param("dinner label:x", ["CO-ROUTINE s", "MERGE (INTERSECT)"], id="both medium"),
        pytest.param("dinner -common", ["SCAN w"], id="words are one expression"),
        pytest.param("common -in:inbox", ["CO-ROUTINE s", "MERGE (EXCEPT)"], id="word, no label"),
        pytest.param("rfc822msgid:a@b in:inbox", ["SEARCH m USING"], id="Message-ID"),
        pytest.param("-dinner", ["CO-ROUTINE s", "MERGE (EXCEPT)"], id="exclusion"),
        pytest.param("dinner OR in:inbox", ["CO-ROUTINE s", "MERGE (UNION)"], id="alternatives"),
        pytest.param("-dinner OR label:x", ["CO-ROUTINE s", "MERGE (UNION)"], id="one excluded"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "hidden too"])
def test_listing_streams_from_indexes(table_mailbox, q, steps, hidden):
    tree = parse_query(q, now_ms=0) if q else None
    query = Query(limit=100, tree=tree, hidden=hidden, before=2**62)
    for compiled in (search.compile_messages, search.compile_threads):
        sql, parameters = compiled(query, LargeMailbox())
        plan = [row[3] for row in table_mailbox.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        assert not any("TEMP B-TREE" in step or "MATERIALIZE" in step for step in plan), plan
        if not hidden:
            assert all(a.startswith(b) for a, b in zip(plan, steps, strict=False)), plan


def test_what_one_index_answers_asks_for_no_sizes():
    sizes = LargeMailbox()
    for q in ("dinner", "in:inbox", "from:ann"):
        search.compile_messages(Query(limit=1, tree=parse_query(q, now_ms=0)), sizes)
    assert not sizes.asked


def test_hash_of_a_text_is_positive_and_stable():
    assert hash63("a@b") == 2_138_789_349_258_719_544
    assert 0 < hash63("") < 2**63
    assert 0 < hash63("\ud800") < 2**63
