"""A hundred calls at once, as each client sends them, with failures inside."""

from tests.conformance.mail import NOWHERE, raw


def test_a_hundred_mixed_calls_are_answered_each_for_itself(api):
    ids = [api.ok("messages.insert", body={"raw": raw(f"No {n}")})["id"] for n in range(20)]
    calls = []
    for number, message_id in enumerate(ids):
        calls += [
            ("GET", f"messages/{message_id}?format=minimal&fields=id", None),
            ("POST", f"messages/{message_id}/modify", {"addLabelIds": ["STARRED"]}),
            ("GET", f"messages/{NOWHERE}", None),
            ("POST", "labels", {"name": f"Label {number}"}),
            ("POST", "labels", {"name": "Inbox"}),
        ]
    status, answers = api.batch(calls)
    assert status == 200
    assert [each[0] for each in answers] == [200, 200, 404, 200, 400] * 20
    assert [answers[n][1] for n in range(0, 100, 5)] == [{"id": each} for each in ids]
    assert all("STARRED" in answers[n][1]["labelIds"] for n in range(1, 100, 5))
    assert answers[2][1]["error"]["errors"][0]["reason"] == "notFound"
    assert answers[4][1]["error"]["message"] == "Invalid label name"
    assert len(api.ok("labels.list")["labels"]) == 15 + 20


def test_a_hundred_and_one_calls_are_refused_whole(api):
    status, answer = api.batch([("POST", "labels", {"name": f"L{n}"}) for n in range(101)])
    assert (status, answer) == (
        400,
        {
            "error": {
                "code": 400,
                "message": "Inner request count exceeds the limit. Received: 101, Limit: 100",
                "status": "INVALID_ARGUMENT",
            }
        },
    )
    assert len(api.ok("labels.list")["labels"]) == 15


def test_deleting_in_a_batch_answers_nothing(api):
    message_id = api.ok("messages.insert", body={"raw": raw()})["id"]
    assert api.batch([("DELETE", f"messages/{message_id}", None)]) == (200, [(204, None)])
