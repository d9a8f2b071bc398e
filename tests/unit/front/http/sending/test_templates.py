"""Templates of the sending API: versions, publishing, and emails that are made of them."""

import pytest
from tests.unit.front.http.sending.desk import Desk, fields

from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.rendering import NotRenderedError, make_render
from penfold.domain.sending.template_use import choose_version
from penfold.ports.sending.records import Template
from penfold.testing.rendering import MemoryRenderer

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
}
VERSION = {
    "subject": "Hello {{ name }}",
    "html": "<p>Dear {{ name }}</p>",
    "schema": SCHEMA,
    "sample": {"name": "Kim"},
}
MAIL = {"html": None, "subject": "", "template": {"alias": "welcome"}}


@pytest.fixture
def desk():
    return Desk()


def ask(desk, verb, path, value=None, *, status=200, **more):
    reply = desk.ask(verb, path, value, **more)
    assert reply.status == status, reply.body
    return reply.json


def make(desk, alias="welcome"):
    return ask(desk, "POST", "/templates", {"name": "Welcome", "alias": alias})


def version(desk, alias="welcome", **changes):
    return ask(desk, "POST", f"/templates/{alias}/versions", VERSION | changes)


def publish(desk, alias="welcome", **body):
    return ask(desk, "POST", f"/templates/{alias}/publish", body)


@pytest.fixture
def published(desk):
    make(desk)
    version(desk)
    publish(desk)
    return desk


def made_of(desk, email_id):
    """Return what an email becomes: as the way out renders it."""
    email, packed = desk.book.read(
        lambda b: (
            one := b.find_email(email_id, desk.alice.id),
            b.find_content(one.number),
        )
    )
    render = make_render(desk.book, MemoryRenderer(), desk.workshop.stopping)
    [made] = render([(email, unpack_content(packed))])
    return made


def test_template_is_made_changed_listed_and_removed(desk):
    one = make(desk)
    assert (one["alias"], one["published"], one["latest"]) == ("welcome", 0, 0)
    ask(desk, "PATCH", "/templates/welcome", {"alias": "hello", "name": "Hi"})
    other = make(desk)
    found = ask(desk, "GET", "/templates?limit=1")
    assert (found["has_more"], [each["id"] for each in found["data"]]) == (True, [other["id"]])
    assert ask(desk, "GET", "/templates/hello")["name"] == "Hi"
    assert ask(desk, "GET", f"/templates/{one['id']}")["alias"] == "hello"
    ask(desk, "DELETE", "/templates/hello")
    ask(desk, "GET", "/templates/hello", status=404)


def test_alias_that_is_taken_or_no_name_is_refused(desk):
    make(desk)
    ask(desk, "POST", "/templates", {"name": "x", "alias": "welcome"}, status=409)
    reply = desk.ask("POST", "/templates", {"name": "x", "alias": "No way"})
    assert fields(reply) == [("alias", "invalid")]


def test_version_is_numbered_and_what_is_the_same_makes_none(desk):
    make(desk)
    assert (version(desk)["version"], version(desk)["unchanged"]) == (1, True)
    second = version(desk, html="<p>Hi {{ name }}</p>")
    assert (second["version"], second["unchanged"]) == (2, False)
    found = ask(desk, "GET", "/templates/welcome/versions")["data"]
    assert [(one["version"], one["published"]) for one in found] == [(2, False), (1, False)]
    assert ask(desk, "GET", "/templates/welcome/versions/1")["html"] == VERSION["html"]
    ask(desk, "GET", "/templates/welcome/versions/3", status=404)
    ask(desk, "GET", "/templates/welcome/versions/x", status=422)


def test_version_with_mistakes_is_refused_with_each_and_its_line(desk):
    make(desk)
    wrong = VERSION | {"html": "<p>\n{{ nmae }} {{ sum }}</p>"}
    reply = desk.ask("POST", "/templates/welcome/versions", wrong)
    assert reply.status == 422
    assert [one["field"] for one in reply.json["errors"]] == ["html", "html"]
    assert "line 2" in reply.json["errors"][0]["message"]
    assert "nmae" in reply.json["errors"][0]["message"]
    assert ask(desk, "GET", "/templates/welcome")["latest"] == 0


def test_layouts_and_partials_go_into_versions_and_change_none_that_is_there(desk):
    layout = {"kind": "layout", "name": "base", "html": "<html>{{ content }}!</html>"}
    first = ask(desk, "POST", "/template-parts", layout)
    ask(desk, "POST", "/template-parts", {"kind": "partial", "name": "bye", "html": "Bye"})
    make(desk)
    body = {"html": "{% render 'bye' %} {{ name }}", "layout": "base"}
    version(desk, **body)
    again = ask(desk, "POST", "/template-parts", layout | {"html": "<html>{{ content }}?</html>"})
    assert again["id"] == first["id"]
    assert version(desk, **body)["version"] == 2
    rendered = [
        ask(desk, "POST", "/templates/welcome/render", {"version": n})["html"] for n in (1, 2)
    ]
    assert rendered == ["<html>Bye Kim!</html>", "<html>Bye Kim?</html>"]
    assert len(ask(desk, "GET", "/template-parts")["data"]) == 2
    ask(desk, "DELETE", f"/template-parts/{first['id']}")
    ask(desk, "GET", f"/template-parts/{first['id']}", status=404)
    reply = desk.ask("POST", "/templates/welcome/versions", VERSION | body)
    assert reply.status == 422


def test_partial_with_mjml_or_nothing_is_refused(desk):
    reply = desk.ask("POST", "/template-parts", {"kind": "partial", "name": "A", "mjml": "x"})
    assert fields(reply) == [("name", "invalid"), ("mjml", "not_allowed")]
    reply = desk.ask("POST", "/template-parts", {"kind": "layout", "name": "a"})
    assert fields(reply) == [("html", "required")]


def test_render_tells_subject_parts_and_warnings_and_refuses_wrong_variables(desk):
    make(desk)
    version(desk)
    got = ask(desk, "POST", "/templates/welcome/render", {"variables": {"name": "<Lee>"}})
    assert (got["subject"], got["html"]) == ("Hello <Lee>", "<p>Dear &lt;Lee&gt;</p>")
    assert (got["text"], got["version"]) == ("Dear <Lee>\n", 1)
    assert [one["code"] for one in got["warnings"]] == ["unused"]
    reply = desk.ask("POST", "/templates/welcome/render", {"variables": {"nmae": 1}})
    assert fields(reply) == [("variables.name", "missing"), ("variables.nmae", "unknown")]


def test_email_is_made_of_what_was_published_when_it_was_accepted(published):
    desk = published
    before = desk.sent(**MAIL, variables={"name": "Kim"})
    version(desk, html="<p>New {{ name }}</p>")
    assert made_of(desk, desk.sent(**MAIL, variables={"name": "Kim"})).html == "<p>Dear Kim</p>"
    publish(desk)
    after = desk.sent(**MAIL, variables={"name": "Kim"})
    assert made_of(desk, before).html == "<p>Dear Kim</p>"
    assert (made_of(desk, after).html, made_of(desk, after).subject) == (
        "<p>New Kim</p>", "Hello Kim",
    )  # fmt: skip
    publish(desk, version=1)
    assert made_of(desk, desk.sent(**MAIL, variables={"name": "Kim"})).html == "<p>Dear Kim</p>"
    one = {"template": {"alias": "welcome", "version": 2, "variables": {"name": "A"}}}
    assert made_of(desk, desk.sent(**MAIL | one)).html == "<p>New A</p>"
    assert desk.get(after)["template"]["version"] == 2


def test_wrong_variables_are_refused_by_name_and_nothing_is_stored(published):
    desk = published
    reply = desk.send(**MAIL, variables={"nmae": "Kim", "age": "x"})
    assert fields(reply) == [
        ("variables.name", "missing"), ("variables.nmae", "unknown"), ("variables.age", "type"),
    ]  # fmt: skip
    assert "did you mean name" in reply.json["errors"][1]["message"]
    assert ask(desk, "GET", "/emails")["data"] == []


def test_an_integer_that_cannot_be_kept_is_refused(published):
    reply = published.send(**MAIL, variables={"name": "Kim", "age": 10**30})
    assert fields(reply) == [("variables", "value")]


def test_each_of_recipients_has_its_own_variables_and_is_named_when_they_are_wrong(published):
    desk = published
    people = [
        {"email": "a@x.example", "variables": {"name": "Ann"}},
        {"email": "b@x.example", "variables": {"age": 7}},
    ]
    changes = MAIL | {"to": None, "recipients": people}
    assert fields(desk.send(**changes)) == [("recipients[1].variables.name", "missing")]
    reply = desk.send(**changes, variables={"name": "You"})
    assert [made_of(desk, one).html for one in reply.json["ids"]] == [
        "<p>Dear Ann</p>", "<p>Dear You</p>",
    ]  # fmt: skip


def test_in_a_batch_the_place_of_wrong_variables_is_named(published):
    desk = published
    email = {"from": "shop@penfold.test", "to": "kim@x.example", "template": {"id": "welcome"}}
    good, bad = email | {"variables": {"name": "K"}}, email | {"variables": {}}
    assert fields(desk.ask("POST", "/emails/batch", [good, bad])) == [
        ("[1].variables.name", "missing")
    ]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"html": "x"}, ("html", "not_allowed")),
        ({"template": {}}, ("template.id", "required")),
        ({"template": {"id": "a", "alias": "b"}}, ("template.alias", "invalid")),
        ({"template": {"id": "gone"}}, ("template", "invalid")),
        ({"template": {"id": "welcome", "version": 9}}, ("template.version", "invalid")),
        ({"template": {"id": "welcome", "variables": {}}, "variables": {}}, ("variables", "invalid")),
        ({"template": None, "text": "x", "subject": "x"}, ("variables", "invalid")),
    ],
)  # fmt: skip
def test_template_that_cannot_be_used_so_is_refused(published, changes, wrong):
    reply = published.send(**{**MAIL, "variables": {"name": "x"}, **changes})
    assert wrong in fields(reply)


def test_template_without_a_published_version_is_refused(desk):
    make(desk)
    version(desk)
    assert fields(desk.send(**MAIL, variables={"name": "x"})) == [("template", "invalid")]


def test_on_missing_blank_lets_variables_be_missing(desk):
    make(desk)
    version(desk, on_missing="blank")
    publish(desk)
    assert made_of(desk, desk.sent(**MAIL)).html == "<p>Dear </p>"
    assert fields(desk.send(**MAIL, variables={"x": 1})) == [("variables.x", "unknown")]


def test_template_of_streams_is_for_those_alone(desk):
    make(desk)
    version(desk, streams=["otp"])
    publish(desk)
    assert fields(desk.send(**MAIL, variables={"name": "x"})) == [("stream", "not_allowed")]
    desk.sent(**MAIL, variables={"name": "x"}, stream="otp")


def test_templates_of_another_account_are_not_there(published):
    other = published.make_key(owner=published.bob)
    ask(published, "GET", "/templates/welcome", status=404, key=other)
    reply = published.send(**MAIL, variables={"name": "x"}, key=other)
    assert fields(reply) == [("template", "invalid")]


def test_key_without_the_scope_makes_no_version(published):
    reader = published.make_key(scopes=("templates:read",))
    ask(published, "GET", "/templates/welcome", key=reader)
    ask(published, "POST", "/templates/welcome/render", {}, key=reader)
    ask(published, "POST", "/templates/welcome/versions", VERSION, key=reader, status=401)


def test_mail_to_try_it_goes_to_the_account_alone(published):
    desk = published
    reply = desk.ask("POST", "/templates/welcome/test", {"to": "kim@elsewhere.example"})
    assert fields(reply) == [("to", "not_allowed")]
    sent = ask(desk, "POST", "/templates/welcome/test", {})
    assert desk.get(sent["id"])["to"] == ["alice@penfold.test"]
    assert made_of(desk, sent["id"]).subject == "Hello Kim"


def test_email_whose_template_was_removed_is_not_rendered_and_others_are(published):
    desk = published
    gone = desk.sent(**MAIL, variables={"name": "x"})
    ask(desk, "DELETE", "/templates/welcome")
    made = made_of(desk, gone)
    assert isinstance(made, NotRenderedError)
    assert "removed" in str(made)


def test_versions_are_compared_by_weight_and_a_recipient_always_gets_the_same(published):
    desk = published
    version(desk, html="<p>B {{ name }}</p>")
    weights = [{"version": 1, "weight": 3}, {"version": 2, "weight": 1}]
    assert publish(desk, weights=weights)["weights"] == weights
    to = [f"kim{n}@x.example" for n in range(8)]
    template = Template("t", "a", "a", "a", 0, weights=((1, 3), (2, 1)))
    many = [choose_version(template, f"kim{n}@x.example") for n in range(4_000)]
    assert 900 < many.count(2) < 1_100
    first, second = (
        [
            desk.get(desk.sent(**MAIL | {"to": one}, variables={"name": "x"}))["template"]
            for one in to
        ]
        for _ in range(2)
    )
    assert first == second
    assert publish(desk, version=2)["weights"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weights": []}, "weights"),
        ({"weights": [{"version": 1, "weight": 0}]}, "weights[0].weight"),
        ({"weights": [{"version": 1, "weight": 1}] * 2}, "weights"),
        ({"version": 1, "weights": [{"version": 1, "weight": 1}]}, "version"),
    ],
)
def test_weights_that_make_no_sense_are_refused(published, body, field):
    reply = published.ask("POST", "/templates/welcome/publish", body)
    assert (reply.status, fields(reply)[0][0]) == (422, field)


def test_publishing_is_told_unless_it_changes_nothing(published):
    hook = {"endpoint": "https://shop.example/hook", "events": ["template.published"]}
    hook_id = ask(published, "POST", "/webhooks", hook)["id"]
    publish(published)
    version(published, subject="Hi {{ name }}")
    publish(published, weights=[{"version": 1, "weight": 1}, {"version": 2, "weight": 3}])
    second, first = ask(published, "GET", "/events?type=template.published")["data"]
    assert (first["data"]["alias"], first["data"]["version"]) == ("welcome", 1)
    assert second["data"]["version"] == 2
    assert second["data"]["weights"][1] == {"version": 2, "weight": 3}
    [told] = ask(published, "GET", f"/webhooks/{hook_id}/attempts")["data"]
    assert told["event_id"] == second["id"]


def test_version_there_is_not_cannot_be_published(published):
    ask(published, "POST", "/templates/welcome/publish", {"version": 7}, status=409)


def test_calls_that_would_wait_are_told_to_come_again(published):
    desk = published
    while desk.workshop.room.acquire(blocking=False):
        pass
    reply = desk.ask("POST", "/templates/welcome/render", {})
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


def test_a_template_has_where_to_unsubscribe_in_such_streams_and_nothing_in_others(published):
    html = '{% if unsubscribe_url %}<a href="{{ unsubscribe_url }}">no more</a>{% endif %}'
    version(published, html=html)
    publish(published)
    asked = MAIL | {"variables": {"name": "Kim"}}
    news = made_of(published, published.sent(**asked, stream="broadcast"))
    assert '<a href="{{ unsubscribe_url }}">' in news.html
    assert "no more" not in made_of(published, published.sent(**asked)).html


def test_a_variable_of_ones_own_with_that_name_counts(published):
    schema = SCHEMA | {"properties": {**SCHEMA["properties"], "unsubscribe_url": {}}}
    version(published, html="{{ unsubscribe_url }}", schema=schema)
    publish(published)
    variables = {"name": "Kim", "unsubscribe_url": "https://shop.example/no"}
    sent = published.sent(**MAIL, variables=variables, stream="broadcast")
    assert made_of(published, sent).html == "https://shop.example/no"
