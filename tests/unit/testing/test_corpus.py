"""Generated years of mail have the shares that are promised and can be read."""

import math
import random
import statistics
from collections import Counter
from itertools import islice

import pytest

from penfold.proto.mime.summary import read_message
from penfold.testing import corpus
from penfold.testing.corpus import Corpus
from penfold.testing.vocabulary import OWN, TOPICS, WORDS, Vocabulary

COUNT = 2_000


@pytest.fixture(scope="module")
def mails():
    return list(Corpus(COUNT))


@pytest.fixture(scope="module")
def summaries(mails):
    return [read_message(mail.raw)[1] for mail in mails[::4]]


def is_about(share, wanted, count=COUNT):
    """Say whether a share is within three standard deviations of the one wanted."""
    return abs(share - wanted) < 3 * math.sqrt(wanted * (1 - wanted) / count)


def test_the_same_seed_makes_the_same_mail_and_another_does_not(mails):
    assert list(islice(Corpus(COUNT), 100)) == mails[:100]
    others = islice(Corpus(COUNT, seed=2), 100)
    assert not {mail.raw for mail in others} & {mail.raw for mail in mails}


def test_every_message_is_read_as_it_was_meant(mails, summaries):
    for mail, summary in zip(mails[::4], summaries, strict=True):
        assert summary.message_id == mail.message_id
        assert summary.date_ms == mail.date_ms
        assert summary.subject
        assert summary.sender[0].address.count("@") == 1
        assert 60 <= len(summary.body.split()) <= 401  # one more: the link of a page


def test_message_ids_are_all_different(mails):
    assert len({mail.message_id for mail in mails}) == COUNT


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("INBOX", corpus.INBOX),
        ("UNREAD", corpus.UNREAD),
        ("STARRED", corpus.STARRED),
        ("SENT", corpus.SENT),
        ("SPAM", corpus.SPAM),
        ("TRASH", corpus.TRASH),
        *zip(corpus.USER_LABELS[:8], corpus.LABEL_SHARES[:8], strict=True),
    ],
)
def test_labels_are_as_frequent_as_promised(mails, label, wanted):
    assert is_about(sum(label in mail.labels for mail in mails) / COUNT, wanted)


def test_user_labels_go_from_a_tenth_to_one_in_ten_thousand():
    assert len(corpus.LABEL_SHARES) == 30
    assert corpus.LABEL_SHARES[0] == 0.1
    assert corpus.LABEL_SHARES[-1] == pytest.approx(0.0001, rel=0.05)


def test_no_message_is_in_two_of_inbox_spam_trash_and_sent(mails):
    shut_out = {"INBOX", "SPAM", "TRASH", "SENT"}
    assert all(len(shut_out & {*mail.labels}) <= 1 for mail in mails)


def test_shapes_are_as_frequent_as_promised(mails, summaries):
    count = len(summaries)
    assert is_about(sum(s.has_attachment for s in summaries) / count, corpus.ATTACHED, count)
    assert is_about(sum(bool(s.list_id) for s in summaries) / count, corpus.LISTED, count)
    alternatives = sum(b"multipart/alternative" in mail.raw for mail in mails) / COUNT
    assert is_about(alternatives, corpus.ALTERNATIVE)
    html = sum(b"text/html" in mail.raw for mail in mails) / COUNT
    assert is_about(html, corpus.ALTERNATIVE + corpus.HTML)


def test_bodies_have_the_length_of_mail(summaries):
    lengths = [len(summary.body.split()) for summary in summaries]
    assert 110 < statistics.median(lengths) < 135


def test_dates_span_the_years_nearly_in_order(mails):
    dates = [mail.date_ms // 1_000 for mail in mails]
    assert dates[-1] - dates[0] == pytest.approx(corpus.YEARS * 365 * 86_400, rel=0.01)
    assert dates != sorted(dates)
    newest = 0
    for date in dates:
        newest = max(newest, date)
        assert newest - date < 4 * 86_400


def test_replies_refer_to_a_message_before_with_the_same_subject(summaries, mails):
    subjects = {}
    for mail in mails:
        summary = read_message(mail.raw)[1]
        for reference in summary.references:
            assert subjects[reference] == summary.subject_key
        subjects[mail.message_id] = summary.subject_key
    replies = sum(bool(summary.references) for summary in summaries) / len(summaries)
    assert 0.35 < replies < 0.5


def test_a_word_is_drawn_as_often_as_its_rank_says(mails):
    vocabulary = Vocabulary(1)
    assert len({*vocabulary.words}) == WORDS
    drawn = Counter(vocabulary.draw(random.Random(1), 200_000))
    harmonic = math.log(WORDS) + 0.577
    for rank in (1, 2, 10, 100):
        share = drawn[vocabulary.words[rank - 1]] / 200_000
        assert is_about(share, 1 / (rank * harmonic), 200_000)
    everywhere = vocabulary.words[0].encode()
    assert sum(everywhere in mail.raw.lower() for mail in mails) / COUNT > 0.99


def test_words_of_one_topic_stand_in_no_other():
    vocabulary = Vocabulary(1)
    own = {word for words in vocabulary.own for word in words}
    assert len(own) == TOPICS * OWN
    assert not own & {*vocabulary.words}
    drawn = {*vocabulary.draw_of(3, random.Random(1), 20_000)}
    assert drawn & own == {*vocabulary.own[3]}
