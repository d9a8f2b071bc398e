"""Where links in mail lead: to the tracking host of its domain, or to this server."""

import pytest
from msgspec.structs import replace

from penfold.app.mail.sending import make_links
from penfold.app.process.launch import Launch
from penfold.app.stores import known_schema, open_stores
from penfold.base.clock import FixedClock
from penfold.domain.sending.content import Content
from penfold.ports.sending.emails import Email
from penfold.ports.sending.records import SendingDomain, domain_id
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings

EMAIL = Email(
    1, "1f5b2c3d-0000-4000-8000-000000000007", "a", "k", "Shop <al@shop.example>", "x", 0,
    domain="shop.example", unsubscribe=True, opens=True,
)  # fmt: skip
SEEN = SendingDomain(
    domain_id("shop.example"), "a", "shop.example", 0,
    tracking="links.shop.example", checks={"tracking": "verified"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("domain", "hosts", "base"),
    [
        (SEEN, ("links.shop.example",), "https://links.shop.example:8443"),
        (SEEN, (), "https://mail.example.org:8443"),
        (None, ("links.shop.example",), "https://mail.example.org:8443"),
        (replace(SEEN, checks={"tracking": "wrong"}), ("links.shop.example",), "https://mail.example.org:8443"),
    ],
    ids=["seen", "not-answered-to", "none", "wrong"],
)  # fmt: skip
def test_what_is_tracked_leads_by_the_tracking_host_and_the_rest_does_not(
    tmp_path, domain, hosts, base
):
    settings = Settings(
        data=str(tmp_path), http=Endpoint("::", 8443), hostname="mail.example.org",
        domains=("example.org",), hosts=hosts,
    )  # fmt: skip
    addresses = {"http": Endpoint("::", 8443)}
    launch = Launch(role="mail", index=0, settings=settings, addresses=addresses, sockets={})
    stores = open_stores(tmp_path, clock=FixedClock(), fatal=pytest.fail, create=known_schema())
    try:
        if domain:
            stores.sending.change(lambda writer: writer.add(domain))
        links = make_links(stores, launch.settings, launch.public_url)
        content, header = links.personalise(EMAIL, Content(html="a"), 0)
    finally:
        stores.close()
    assert content.html.startswith(f'a<img src="{base}/mail/open/')
    assert header.url.startswith("https://mail.example.org:8443/mail/unsubscribe/")
