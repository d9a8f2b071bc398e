"""Who is signed in with a browser.

A browser is known by one random cookie, of which only the digest is kept; several accounts may
be signed in with it. Signing in changes the cookie, so a cookie somebody planted beforehand is
worth nothing (session fixation).

An account with a second factor is signed in in two steps. Between them there is a `HalfSignIn`
of the browser, good for SIGN_IN_STEP_S, which opens nothing but the page for the second one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from penfold.base.addresses import canonical_address
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import (
    AGENT_MAX_CHARS,
    PROVEN_S,
    SESSION_DAYS,
    SESSION_USED_MS,
    SIGN_IN_STEP_S,
)
from penfold.domain.access.accounts import Accounts
from penfold.domain.access.denials import note_failed_sign_in
from penfold.domain.access.second_factors import SecondFactors
from penfold.domain.throttle import Throttle
from penfold.ports.directory import Account
from penfold.ports.identity import HalfSignIn, IdentityBook, IdentityWriter, Session
from penfold.proto.oauth import digest, make_token
from penfold.spec.rates import SECOND_FACTOR_ACCOUNT, SIGN_IN_ACCOUNT, SIGN_IN_NETWORK, Limit

_DAY_MS = 86_400_000


#: Told of what was shown (spec.metrics.PAGE_DOORS) and whether it was right. From any thread.
Told = Callable[[str, bool], None]


class SignedIn(Struct, frozen=True, gc=False):
    """A session and its account."""

    session: Session
    account: Account


@dataclass(frozen=True, slots=True)
class Sessions:
    """Signs browsers in and out."""

    book: IdentityBook
    accounts: Accounts
    factors: SecondFactors
    clock: Clock
    chance: Chance
    throttle: Throttle
    told: Told | None = None

    def make_browser(self) -> str:
        """Return the cookie of a browser seen for the first time; nothing is stored."""
        return make_token("", self.chance)

    # --- who is there --------------------------------------------------------------

    def list_signed_in(self, browser: str) -> list[SignedIn]:
        """Return the sessions of this browser that are good, the first one first."""
        now_ms = self.clock.now_ms()
        found = self.book.list_by(Session, browser=digest(browser)) if browser else []
        live = [session for session in found if session.expires_ms > now_ms]
        pairs = ((session, self.book.find(Account, session.account_id)) for session in live)
        return [SignedIn(one, who) for one, who in pairs if who is not None and not who.suspended]

    def list_accounts(self, browser: str) -> list[Account]:
        """Return the accounts signed in with this browser, the first one first."""
        return [one.account for one in self.list_signed_in(browser)]

    def list_of(self, account: Account) -> list[Session]:
        """Return the sessions of an account in every browser, the oldest first."""
        now_ms = self.clock.now_ms()
        found = self.book.list_by(Session, account_id=account.id)
        return [session for session in found if session.expires_ms > now_ms]

    def is_proven(self, session: Session) -> bool:
        """Return whether the person showed who it is a moment ago."""
        return self.clock.now_ms() < session.proven_ms + 1000 * PROVEN_S

    def note_use(self, session: Session) -> None:
        """Note that the session is in use, now and then."""
        now_ms = self.clock.now_ms()
        if now_ms >= session.used_ms + SESSION_USED_MS:
            self._replace(session, used_ms=now_ms)

    # --- signing in ----------------------------------------------------------------

    def sign_in(
        self, browser: str, address: str, password: str, *, client: str, agent: str = ""
    ) -> str | None:
        """Return the browser's new cookie when the password is right.

        With a second factor that is half the way: `find_half` knows the account then.
        client: the network address. TooManyError when there were too many failures before.
        """
        name = canonical_address(address)
        account = self._counted(
            "password",
            lambda: self.accounts.find_sign_in(address, password),
            (SIGN_IN_NETWORK, client),
            (SIGN_IN_ACCOUNT, name),
        )
        if account is None:
            return None
        if self.factors.list_of(account):
            # What failed before still counts: who knows the password may not guess codes for ever.
            return self._begin_half(browser, account)
        self.throttle.forget(SIGN_IN_ACCOUNT, name)
        return self.enter(browser, account, client=client, agent=agent)

    def find_half(self, browser: str) -> Account | None:
        """Return the account whose second factor this browser still owes."""
        half = self.book.find(HalfSignIn, digest(browser)) if browser else None
        if half is None or half.expires_ms <= self.clock.now_ms():
            return None
        account = self.book.find(Account, half.account_id)
        return account if account is not None and not account.suspended else None

    def sign_in_by_code(
        self, browser: str, code: str, *, client: str, agent: str = ""
    ) -> str | None:
        """Return the new cookie when this is the second factor the browser owes.

        TooManyError when there were too many failures before.
        """
        account = self.find_half(browser)
        if account is None:
            return None
        fits = self._counted(
            "code",
            lambda: account if self.factors.check_code(account, code) else None,
            (SIGN_IN_NETWORK, client),
            (SECOND_FACTOR_ACCOUNT, account.address),
        )
        if fits is None:
            return None
        self.throttle.forget(SECOND_FACTOR_ACCOUNT, account.address)
        self.throttle.forget(SIGN_IN_ACCOUNT, account.address)
        return self.enter(browser, account, client=client, agent=agent)

    def sign_in_by(
        self,
        browser: str,
        ask: Callable[[], Account | None],
        *,
        shown: str,
        client: str,
        agent: str = "",
        proven_ms: int | None = None,
    ) -> str | None:
        """Return the new cookie when `ask` finds whose browser this is, by what was shown: passkey,
        or provider.

        proven_ms: when the person showed who it is, if that was not now. Failures count for the
        client only; TooManyError when there were too many.
        """

        def find() -> Account | None:
            account = ask()
            return account if account is not None and not account.suspended else None

        account = self._counted(shown, find, (SIGN_IN_NETWORK, client))
        if account is None:
            return None
        return self.enter(browser, account, client=client, agent=agent, proven_ms=proven_ms)

    def prove(self, one: SignedIn, password: str, *, client: str) -> bool:
        """Note that the person has shown the password again; TooManyError as for signing in."""
        address = one.account.address
        found = self._counted(
            "password",
            lambda: self.accounts.find_sign_in(address, password),
            (SIGN_IN_NETWORK, client),
            (SIGN_IN_ACCOUNT, address),
        )
        if found is not None:
            self.throttle.forget(SIGN_IN_ACCOUNT, address)
            self._replace(one.session, proven_ms=self.clock.now_ms())
        return found is not None

    def enter(
        self,
        browser: str,
        account: Account,
        *,
        client: str,
        agent: str,
        proven_ms: int | None = None,
    ) -> str:
        """Sign the account in, whoever has checked that it may; return the new cookie."""
        now_ms = self.clock.now_ms()
        session = Session(
            id=f"{self.chance.getrandbits(80):020x}",
            browser=b"",
            account_id=account.id,
            created_ms=now_ms,
            expires_ms=now_ms + SESSION_DAYS * _DAY_MS,
            address=client,
            agent=agent[:AGENT_MAX_CHARS],
            used_ms=now_ms,
            proven_ms=now_ms if proven_ms is None else proven_ms,
        )
        return self._renew(browser, session)

    # --- signing out ---------------------------------------------------------------

    def sign_out(self, browser: str) -> None:
        """End every session of the browser."""

        def end(writer: IdentityWriter) -> None:
            for session in writer.list_by(Session, browser=digest(browser)):
                writer.delete(Session, session.id)

        self.book.change(end)

    def end(self, account: Account, session_id: str) -> bool:
        """End one session if it is of this account."""

        def end(writer: IdentityWriter) -> bool:
            found = writer.find(Session, session_id)
            return bool(
                found and found.account_id == account.id and writer.delete(Session, session_id)
            )

        return self.book.change(end)

    def end_all(self, account: Account, *, but: str = "") -> int:
        """End the sessions of an account except for one; return how many ended."""

        def end(writer: IdentityWriter) -> int:
            found = writer.list_by(Session, account_id=account.id)
            return sum(writer.delete(Session, one.id) for one in found if one.id != but)

        return self.book.change(end)

    # --- parts ---------------------------------------------------------------------

    def _counted(
        self, shown: str, ask: Callable[[], Account | None], *pairs: tuple[Limit, str]
    ) -> Account | None:
        """Ask, unless there were too many failures; a failure counts for each of the pairs."""
        self.throttle.take_each(*pairs)
        found = ask()
        if self.told:
            self.told(shown, found is not None)
        if found is not None:
            for limit, whose in pairs:
                self.throttle.give_back(limit, whose)
        else:
            self._note_failure([whose for limit, whose in pairs if limit is not SIGN_IN_NETWORK])
        return found

    def _note_failure(self, addresses: list[str]) -> None:
        """Write down that somebody did not get in; what they typed may be a password, and stays
        out when it is no address of ours.
        """
        found = [self.book.find_account(address) for address in addresses]
        account_id = found[0].id if found and found[0] else ""
        note_failed_sign_in(self.book, account_id, now_ms=self.clock.now_ms())

    def _begin_half(self, browser: str, account: Account) -> str:
        until_ms = self.clock.now_ms() + 1000 * SIGN_IN_STEP_S
        return self._renew(browser, HalfSignIn(b"", account.id, until_ms))

    def _renew(self, browser: str, new: Session | HalfSignIn) -> str:
        """Give the browser a new cookie with all it had and the new record."""
        cookie, now_ms = make_token("", self.chance), self.clock.now_ms()
        record = msgspec.structs.replace(new, browser=digest(cookie))
        whole = isinstance(new, Session)

        def renew(writer: IdentityWriter) -> None:
            for session in writer.list_by(Session, browser=digest(browser)):
                again = whole and session.account_id == new.account_id
                if again or session.expires_ms <= now_ms:
                    writer.delete(Session, session.id)
                else:
                    writer.replace(msgspec.structs.replace(session, browser=record.browser))
            writer.delete(HalfSignIn, digest(browser))
            writer.add(record)

        self.book.change(renew)
        return cookie

    def _replace(self, session: Session, **changed: int) -> None:
        def replace(writer: IdentityWriter) -> None:
            found = writer.find(Session, session.id)
            if found is not None:
                writer.replace(msgspec.structs.replace(found, **changed))

        self.book.change(replace)
