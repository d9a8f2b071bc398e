"""Sign-in, consent, OAuth, administration and sending API: loaded when first asked for.

A worker that only serves the API never loads the web framework, the templates and the libraries
for signing keys. The first request for one of their addresses waits a fifth of a second for
them, in a thread, so that other requests do not.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from penfold.app.process.launch import Launch
from penfold.app.process.process import Core
from penfold.app.stores import Stores, make_domains, make_identity
from penfold.domain.settings.confirming import Confirmations
from penfold.domain.throttle import Throttle
from penfold.front.http.app import ASGIApp
from penfold.front.http.pace import Pace
from penfold.front.http.pipeline import Observe
from penfold.front.http.request import Receive, Scope, Send
from penfold.ports.events import EventLog
from penfold.spec.metrics import SIGN_INS

if TYPE_CHECKING:
    from penfold.domain.access.identity import Identity
    from penfold.domain.sending.workshop import Workshop
    from penfold.front.web.provider import ProviderPages


class LateApp:
    """An ASGI application that is made by the first request."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            async with self._making:
                if self._app is None:
                    self._app = await asyncio.to_thread(self._make)
        await self._app(scope, receive, send)


def make_entrance(stores: Stores, core: Core, throttle: Throttle | None = None) -> LateApp:
    """Return the pages and endpoints of sign-in."""
    launch = core.launch

    def count(shown: str, right: bool) -> None:  # noqa: FBT001 - as domain.sessions.Told
        core.counters.add(SIGN_INS, 1, shown, "accepted" if right else "refused")

    def make() -> ASGIApp:
        from penfold.app.mail.sending import make_reactions  # noqa: PLC0415 - see above
        from penfold.front.web.app import Welcome, build_web  # noqa: PLC0415 - see above
        from penfold.front.web.mail_links import LinkPages  # noqa: PLC0415 - see above

        welcome = Welcome(
            smtp=str(launch.addresses["smtp"]),
            submission=str(launch.addresses["submission"]),
            submissions=str(launch.addresses["submissions"]),
            credentials=str((launch.data / "credentials").resolve()),
        )
        identity = make_identity(stores, launch.settings, throttle, count)
        return build_web(
            identity,
            Confirmations(stores.directory, stores.mailboxes, stores.clock),
            issuer=launch.settings.issuer,
            welcome=welcome,
            provider=_make_provider_pages(identity, launch, core.log),
            links=LinkPages(make_reactions(stores, launch.settings), identity.throttle),
        )

    return LateApp(make)


def make_administration(
    stores: Stores,
    launch: Launch,
    throttle: Throttle | None = None,
    *,
    make_request_id: Callable[[], str],
    observe: Observe,
    stop: Callable[[BaseException], None],
) -> LateApp:
    """Return the administration API."""

    def make() -> ASGIApp:
        from penfold.front.http.admin.app import AdminApi  # noqa: PLC0415 - see above

        return AdminApi(
            make_identity(stores, launch.settings, throttle),
            make_domains(stores),
            stores.directory,
            clock=stores.clock,
            pace=Pace(throttle, stores.clock),
            make_request_id=make_request_id,
            observe=observe,
            stop=stop,
        )

    return LateApp(make)


def make_sending(
    stores: Stores,
    launch: Launch,
    throttle: Throttle | None = None,
    *,
    workshop: "Workshop",
    make_request_id: Callable[[], str],
    observe: Observe,
    stop: Callable[[BaseException], None],
) -> LateApp:
    """Return the sending API."""

    def make() -> ASGIApp:
        from penfold.app.mail.preflight import make_preflight  # noqa: PLC0415 - see above
        from penfold.app.mail.sending import (  # noqa: PLC0415 - see above
            make_addresses,
            make_domains,
            make_keys,
            make_price,
            make_webhooks,
        )
        from penfold.domain.sending.filling import make_fill  # noqa: PLC0415 - see above
        from penfold.front.http.sending.app import SendingApi  # noqa: PLC0415 - see above

        return SendingApi(
            stores.sending,
            make_keys(stores),
            make_webhooks(stores, local=not launch.settings.is_production),
            make_domains(stores, launch.settings),
            preflight=make_preflight(
                stores, launch.settings, workshop, public_url=launch.public_url
            ),
            is_local=stores.directory.is_local_domain,
            find_addresses=make_addresses(stores),
            fill=make_fill(stores.sending),
            price=make_price(launch.settings),
            domain=launch.settings.first_domain,
            clock=stores.clock,
            chance=stores.chance,
            throttle=throttle,
            make_request_id=make_request_id,
            observe=observe,
            stop=stop,
        )

    return LateApp(make)


def _make_provider_pages(
    identity: "Identity", launch: Launch, log: EventLog
) -> "ProviderPages | None":
    if not launch.settings.sign_in_issuer:
        return None
    from penfold.app.sign_in_provider import make_provider, tell_failure  # noqa: PLC0415 - see above
    from penfold.front.web.provider import ProviderPages  # noqa: PLC0415 - see above

    provider = make_provider(launch.settings, identity.sessions.clock)
    return ProviderPages(identity, provider, partial(tell_failure, log)) if provider else None
