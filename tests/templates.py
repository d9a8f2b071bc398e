"""A shop's templates, hostile ones, and what they are rendered with; for tests, fuzzer and benchmark."""

from penfold.proto.templates.model import Layout, Partial, TemplateSource

SCHEMA = {
    "type": "object",
    "required": ["name", "order"],
    "properties": {
        "name": {"type": "string"},
        "note": {"type": "string"},
        "order": {
            "type": "object",
            "required": ["number", "items"],
            "properties": {
                "number": {"type": "integer"},
                "at": {"type": "string", "format": "date-time"},
                "items": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"title": {"type": "string"}, "price": {"type": "number"}},
                    },
                },
            },
        },
    },
}
LAYOUTS = {
    "base": Layout(
        mjml="""<mjml>
<mj-head><mj-style>.lead { color: #336699 } @media (max-width:400px) { .lead { color: #000000 } }
</mj-style></mj-head>
<mj-body>{{ content }}</mj-body></mjml>""",
        text="{{ content }}\n--\nThe shop\n",
    ),
    "page": Layout(html="<html><body><h1>Shop</h1>{{ content }}</body></html>"),
}
PARTIALS = {"thanks": Partial(html="<b>Thanks, {{ who }}!</b>", text="Thanks, {{ who }}!")}
BODY = """<mj-section><mj-column>
<mj-text css-class="lead">{% render 'thanks', who: name %} Order {{ order.number }}
{% if order.at %}of {{ order.at | date: "%e %B %Y" }}{% endif %}</mj-text>
<mj-table>{% for item in order.items %}
<tr><td>{{ forloop.index }}</td><td>{{ item.title }}</td><td>{{ item.price | fixed: 2 }}</td></tr>
{% endfor %}</mj-table>
<mj-button href="https://shop.example/orders/{{ order.number }}">See it</mj-button>
{% if note %}<mj-text>{{ note | newline_to_br }}</mj-text>{% endif %}
</mj-column></mj-section>"""
ORDER = TemplateSource(
    subject="Order {{ order.number }} of {{ name }}", mjml=BODY, layout="base", schema=SCHEMA
)
VARIABLES = {
    "name": "Kim <b>&",
    "order": {
        "number": 7,
        "at": "2026-11-28T10:00:00Z",
        "items": [{"title": f"Thing <{n}>", "price": n + 0.5} for n in range(5)],
    },
}

#: Templates that want to take all time and memory, by what they do. Each is HTML and text.
HOSTILE = {
    "a-range-beyond-counting": "{% for i in (1..1000000000) %}x{% endfor %}",
    "a-range-beyond-words": "{% for i in (1..99999999999999999999999999) %}x{% endfor %}",
    "a-range-turned-around": "{% for i in (1..1000000000) reversed %}x{% endfor %}",
    "a-range-skipped": "{% for i in (1..1000000000000) offset: 999999999999 %}x{% endfor %}",
    "a-range-kept": "{% assign r = (1..1000000000) %}{{ r | join }}{{ r | size }}{{ r.size }}",
    "loops-in-loops": "{% for a in (1..1000) %}" * 5 + "x" + "{% endfor %}" * 5,
    "loops-of-nothing": "{% for a in (1..9999) %}{% for b in (1..9999) %}"
    "{% if true %}{% endif %}{% endfor %}{% endfor %}",
    "loops-one-after-another": "{% for a in (1..9999) %}{% if 1 == 2 %}{% endif %}{% endfor %}"
    * 400,
    "doubling": "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 60,
    "doubling-in-a-loop": "{% assign a = 'x' %}{% for i in (1..100) %}"
    "{% assign a = a | append: a %}{% endfor %}",
    "doubling-by-capture": "{% assign a = 'x' %}{% for i in (1..100) %}"
    "{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
    "replacing-nothing-by-much": "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..20) %}"
    "{% assign a = a | replace: '', a %}{% endfor %}",
    "joining-by-much": "{% assign a = text | append: text %}{{ a | split: '' | join: a }}",
    "splitting-much": "{% for i in (1..9999) %}{% assign a = text | split: '' %}{% endfor %}",
    "doubling-a-list": "{% assign a = list %}{% for i in (1..100) %}"
    "{% assign a = a | concat: a %}{% endfor %}",
    "squaring": "{% assign n = 99 %}{% for i in (1..100) %}{% assign n = n | times: n %}{% endfor %}",
    "digits": "{{ '" + "9" * 900 + "' | times: 2 }}{{ 1 | round: 99999999999 }}",
    "wide-dates": "{{ '2026-01-01' | date: '%999999999Y %0999999999d %^#-_9S' }}",
    "many-filters": "{{ text" + " | escape" * 80 + " }}",
    "escaping-much": "{% for i in (1..100) %}{{ angles }}{% endfor %}",
    "counting": "{% for i in (1..9999) %}{% increment n %}{% decrement n %}{% endfor %}" * 50,
    "cycling": "{% for i in (1..9999) %}{% cycle " + ", ".join(["1"] * 45) + " %}{% endfor %}",
    "a-case-of-many": "{% for i in (1..9999) %}{% case 2 %}{% when "
    + ", ".join(["1"] * 45)
    + " %}{% endcase %}{% endfor %}",
    "a-long-condition": "{% for i in (1..9999) %}{% if "
    + " and ".join(["1==1"] * 45)
    + " %}{% endif %}{% endfor %}",
    "paths-by-paths": "{{ list[list[list[list[0]]]] }}{{ deep" + ".a" * 400 + " }}",
    "an-object": "{{ deep }}",
    "a-list-of-lists": "{{ nested }}{{ nested | join }}{{ nested | uniq | sort | size }}",
    "comparing": "{% if text < 3 %}{% endif %}",
    "dividing-by-nothing": "{{ 3 | divided_by: 0 }}{{ 3 | modulo: 0 }}",
    "wrong-kinds": "{{ deep | times: deep }}{{ list | append: deep }}{{ nothing | concat: 3 }}",
    "deep-html": "<div>" * 5_000 + "<style>b{color:red}</style>",
    "open-formatting": "<style>b{color:red}</style><p>"
    + "".join(f"<b id={n}>" for n in range(250))
    + "<p>x" * 300,
    "half-tags": "<a href='x" * 2_000 + "<style>",
    "much-css": "<style>"
    + "a b c d e f g h > i + j ~ k:not(.l){color:red}" * 2_000
    + "</style><a>",
    "broken-css": "<style>@media{{{{".replace("{{", "{ {") + "a{" * 2_000 + "</style>",
}
HOSTILE_VARIABLES = {
    "text": "abcdefghij" * 1_000,
    "angles": "<" * 50_000,
    "list": list(range(1_000)),
    "nested": [[[1], [2]], [{"a": []}], None, True, 1.5, "x"] * 50,
    "deep": {"a": {"a": {"a": {}}}},
    "nothing": None,
}
