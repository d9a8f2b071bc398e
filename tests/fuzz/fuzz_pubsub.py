"""Mutate what Pub/Sub is sent: every body is served or refused in its own words.

python tests/fuzz/fuzz_pubsub.py --seconds 10 [--seed N]
"""

from contextlib import suppress

from looping import run

from penfold.domain.push.pubsub import Pubsub
from penfold.domain.push.pubsub_names import SUBSCRIPTIONS, TOPICS, check_name
from penfold.domain.push.subscriptions import Rules
from penfold.front.http.body import read_body
from penfold.spec import pubsub as spec
from penfold.spec.problems import ProblemError
from penfold.testing.pubsub import MemoryPubsub

TOPIC = "projects/penfold-1/topics/mail"
SUB = "projects/penfold-1/subscriptions/sub"
SEEDS = [
    b'{"topic":"projects/1/topics/mail","ackDeadlineSeconds":"10","labels":{"a":"b"}}',
    b'{"topic":"projects/penfold-1/topics/mail","messageRetentionDuration":"600.5s"}',
    b'{"topic":"projects/penfold-1/topics/mail","retryPolicy":{"minimumBackoff":"1s"}}',
    b'{"deadLetterPolicy":{"maxDeliveryAttempts":5,"deadLetterTopic":"projects/1/topics/mail2"}}',
    b'{"pushConfig":{"pushEndpoint":"https://[::1]:8080/a?b=c","oidcToken":{"audience":"x"}}}',
    b'{"subscription":{"labels":{}},"updateMask":"labels,push_config"}',
    b'{"messages":[{"data":"-_8=","attributes":{"k":"v"},"orderingKey":"o"}]}',
    b'{"ackIds":["1.1","2.1"],"ackDeadlineSeconds":0}',
    b'{"policy":{"bindings":[{"role":"roles/pubsub.publisher","members":["allUsers"]}]}}',
    b'{"maxMessages":10,"returnImmediately":"true"}',
    b"projects/penfold-1/topics/mail%20x",
]
PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"null",
    b"1e9",
    b"s",
    b"\\ud800",
    b"\xff",
    b"-",
    b"/",
]
CALLS = [
    (spec.Topic, lambda desk, body: desk.create_topic(TOPIC + "3", body)),
    (spec.Subscription, lambda desk, body: desk.create_subscription(SUB + "3", body)),
    (spec.UpdateSubscriptionRequest, lambda desk, body: desk.patch_subscription(SUB, body)),
    (spec.ModifyPushConfigRequest, lambda desk, body: desk.modify_push_config(SUB, body)),
    (spec.PublishRequest, lambda desk, body: desk.publish(TOPIC, body, now_ms=1)),
    (spec.PullRequest, lambda desk, body: desk.pull(SUB, body, now_ms=1)),
    (spec.AcknowledgeRequest, lambda desk, body: desk.acknowledge(SUB, body)),
    (
        spec.ModifyAckDeadlineRequest,
        lambda desk, body: desk.modify_ack_deadline(SUB, body, now_ms=1),
    ),
    (spec.SetIamPolicyRequest, lambda desk, body: desk.set_policy(TOPIC, body)),
]


def mutate(chance, data):
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(PIECES) + data[at:]
            case 1:
                data = data[:at] + data[at + chance.randint(1, 6) :]
            case 2:
                data = data[:at] + chance.choice(SEEDS) + data[at:]
            case _:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data[:10_000]


def make_desk():
    desk = Pubsub(MemoryPubsub(), Rules(plain=True, is_service=lambda email: email == "s@x"))
    for name in (TOPIC, TOPIC + "2"):
        desk.create_topic(name, spec.Topic())
    desk.create_subscription(SUB, spec.Subscription(topic=TOPIC))
    return desk


def try_one(data):
    for request, call in CALLS:
        desk = make_desk()
        with suppress(ProblemError):
            call(desk, read_body(data, request))
    for kind in (TOPICS, SUBSCRIPTIONS):
        with suppress(ProblemError):
            name = check_name(data.decode("utf-8", "replace"), kind)
            assert check_name(name, kind) == name


def make_case(rng):
    return mutate(rng, rng.choice(SEEDS))


if __name__ == "__main__":
    run(make_case, try_one, about=__doc__)
