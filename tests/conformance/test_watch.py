"""users.watch and users.stop, as clients see them."""

import itertools
import json
import urllib.request

import pytest
from tests.conformance.mail import NO_LABEL

from penfold.spec.problems import (
    INVALID_LABEL,
    INVALID_TOPIC_NAME,
    LABEL_ID_NOT_FOUND,
    ONE_WATCH_ONLY,
    TOPIC_FORBIDDEN,
    TOPIC_NOT_FOUND,
)

_numbers = itertools.count(1)


class Topics:
    """Pub/Sub of the server, asked as a program on the same machine may."""

    def __init__(self, server):
        self._root = f"{server.http}/pubsub/v1/"
        self.project = server.load_document("client_secret")["installed"]["project_id"]

    def ask(self, verb, path, value):
        request = urllib.request.Request(
            self._root + path,
            json.dumps(value).encode(),
            {"Content-Type": "application/json"},
            method=verb,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def make(self):
        name = f"projects/{self.project}/topics/conformance-{next(_numbers)}"
        return self.ask("PUT", name, {})["name"]


@pytest.fixture
def topics(house):
    return Topics(house.server)


def test_a_watch_answers_where_it_begins_and_when_it_ends(api, topics):
    topic = topics.make()
    answer = api.ok("watch", body={"topicName": topic, "labelIds": ["INBOX"]})
    assert answer["historyId"] == api.ok("getProfile")["historyId"]
    assert answer["expiration"].isdigit()
    assert len(answer["expiration"]) == 13
    later = api.ok("watch", body={"topicName": topic})
    assert int(later["expiration"]) >= int(answer["expiration"])
    api.fails(ONE_WATCH_ONLY, "watch", body={"topicName": topics.make()})
    api.ok("stop")
    api.ok("stop")
    api.ok("watch", body={"topicName": topics.make()})


def test_a_watch_that_makes_no_sense_is_refused(api, topics):
    topic = topics.make()
    api.fails(INVALID_TOPIC_NAME, "watch")
    api.fails(INVALID_TOPIC_NAME, "watch", body={"topicName": "projects/other/topics/mail"})
    api.fails(TOPIC_NOT_FOUND, "watch", body={"topicName": f"{topic}-absent"})
    api.fails(INVALID_LABEL, "watch", body={"topicName": topic, "labelIds": ["Receipts"]})
    api.fails(LABEL_ID_NOT_FOUND, "watch", body={"topicName": topic, "labelIds": [NO_LABEL]})
    topics.ask("POST", f"{topic}:setIamPolicy", {"policy": {}})
    api.fails(TOPIC_FORBIDDEN, "watch", body={"topicName": topic})
