"""Who is signed in with a browser.

A browser is known by one random cookie, of which only the digest is kept; several accounts may
be signed in with it. Signing in changes the cookie, so a cookie somebody planted beforehand is
worth nothing (session fixation).
"""

from dataclasses import dataclass

import msgspec

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import SESSION_DAYS
from penfold.domain.accounts import Accounts
from penfold.domain.throttle import Throttle
from penfold.ports.directory import Account
from penfold.ports.identity import IdentityBook, IdentityWriter, Session
from penfold.proto.oauth import digest, make_token
from penfold.spec.rates import SIGN_IN_ACCOUNT, SIGN_IN_NETWORK

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Sessions:
    """Signs browsers in and out."""

    book: IdentityBook
    accounts: Accounts
    clock: Clock
    chance: Chance
    throttle: Throttle

    def make_browser(self) -> str:
        """Return the cookie of a browser seen for the first time; nothing is stored."""
        return make_token("", self.chance)

    def list_accounts(self, browser: str) -> list[Account]:
        """Return the accounts signed in with this browser, the first one first."""
        now_ms = self.clock.now_ms()
        found = self.book.list_by(Session, browser=digest(browser)) if browser else []
        live = [session for session in found if session.expires_ms > now_ms]
        accounts = (self.book.find(Account, session.account_id) for session in live)
        return [one for one in accounts if one is not None and not one.suspended]

    def sign_in(self, browser: str, address: str, password: str, *, client: str) -> str | None:
        """Return the browser's new cookie when the password is right.

        client: the network address. TooManyError when there were too many failures before.
        """
        name = canonical_address(address)
        self.throttle.take_each((SIGN_IN_NETWORK, client), (SIGN_IN_ACCOUNT, name))
        account = self.accounts.find_sign_in(address, password)
        if account is None:
            return None
        self.throttle.give_back(SIGN_IN_NETWORK, client)
        self.throttle.forget(SIGN_IN_ACCOUNT, name)
        return self._renew(browser, account)

    def sign_out(self, browser: str) -> None:
        """End every session of the browser."""

        def end(writer: IdentityWriter) -> None:
            for session in writer.list_by(Session, browser=digest(browser)):
                writer.delete(Session, session.id)

        self.book.change(end)

    def _renew(self, browser: str, account: Account) -> str:
        cookie, now_ms = make_token("", self.chance), self.clock.now_ms()
        name = f"{self.chance.getrandbits(80):020x}"
        new = Session(name, digest(cookie), account.id, now_ms, now_ms + SESSION_DAYS * _DAY_MS)

        def renew(writer: IdentityWriter) -> None:
            for session in writer.list_by(Session, browser=digest(browser)):
                if session.account_id == account.id or session.expires_ms <= now_ms:
                    writer.delete(Session, session.id)
                else:
                    writer.replace(msgspec.structs.replace(session, browser=new.browser))
            writer.add(new)

        self.book.change(renew)
        return cookie
