"""Signing in by an OpenID Connect provider: what a browser takes along, and whose account it is.

What binds the answer to the browser travels in `state`, sealed (`domain/access/offers.py`): nothing
is stored before the provider has answered, and the answer to somebody else's question is none here
(login CSRF, RFC 6749 §10.12).

An account is found by its address, once. From then on it belongs to the one whom the provider
signed in: an address that it gives to somebody else later opens nothing.
"""

import json
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError
from penfold.base.limits import PROVIDER_GOAL_MAX_CHARS, SIGN_IN_STEP_S
from penfold.domain.access.offers import Offers
from penfold.ports.directory import Account
from penfold.ports.identity import IdentityBook, IdentityWriter, ProviderLogin, SpentChallenge
from penfold.ports.openid import Person, ProviderError, Reason, Sending
from penfold.proto.oauth import digest, make_token

_PURPOSE: Final = "provider"


class Begun(Struct, frozen=True, gc=False):
    """A sign-in that has come back to the browser it began with. goal: the page to go on to."""

    sending: Sending
    goal: str


@dataclass(frozen=True, slots=True)
class ProviderLogins:
    """Begins sign-ins and ends them at an account."""

    book: IdentityBook
    offers: Offers
    clock: Clock
    chance: Chance

    def begin(self, browser: str, *, redirect_uri: str, goal: str, hint: str = "") -> Sending:
        """Return what is sent to the provider; good for SIGN_IN_STEP_S."""
        nonce, verifier = make_token("", self.chance), make_token("", self.chance)
        goal = goal if len(goal) <= PROVIDER_GOAL_MAX_CHARS else ""
        kept = json.dumps([nonce, verifier, goal])
        state = self.offers.seal(kept, purpose=_PURPOSE, browser=browser)
        return Sending(redirect_uri, state, nonce, verifier, hint)

    def find_begun(self, browser: str, state: str, *, redirect_uri: str) -> Begun | None:
        """Return what this browser began; None for another's, an old or a made-up state."""
        kept = self.offers.find(state, purpose=_PURPOSE, browser=browser) if browser else None
        if kept is None:
            return None
        nonce, verifier, goal = json.loads(kept)
        return Begun(Sending(redirect_uri, state, nonce, verifier), goal)

    def find_account(self, person: Person, sending: Sending) -> Account:
        """Return whose account this is and note the use; ProviderError says why it is nobody's.

        Each answer counts once.
        """
        if not person.address:
            raise ProviderError(Reason.NO_ADDRESS)
        if not person.verified:
            raise ProviderError(Reason.UNVERIFIED, address=person.address)
        try:
            return self.book.change(lambda writer: self._find(writer, person, sending))
        except ConflictError as error:
            raise ProviderError(Reason.UNTRUSTED, "the answer came twice") from error

    def list_of(self, account: Account) -> list[ProviderLogin]:
        """Return by whom an account may be entered, the oldest first."""
        return self.book.list_by(ProviderLogin, account_id=account.id)

    def remove(self, account: Account, key: bytes) -> bool:
        """Forget who the account belongs to at a provider; whoever has its address there is next.

        False when there is no such login of this account.
        """

        def remove(writer: IdentityWriter) -> bool:
            found = writer.find(ProviderLogin, key)
            return bool(
                found and found.account_id == account.id and writer.delete(ProviderLogin, key)
            )

        return self.book.change(remove)

    def _find(self, writer: IdentityWriter, person: Person, sending: Sending) -> Account:
        account = _find_by_address(writer, person.address)
        if account is None:
            raise ProviderError(Reason.UNKNOWN, address=person.address)
        if account.suspended:
            raise ProviderError(Reason.SUSPENDED, address=person.address)
        now_ms = self.clock.now_ms()
        writer.add(SpentChallenge(digest(sending.nonce), now_ms + 1000 * SIGN_IN_STEP_S))
        key = digest(f"{person.issuer}\n{person.subject}")
        known = writer.find(ProviderLogin, key)
        if known is None:
            mine = writer.list_by(ProviderLogin, account_id=account.id)
            if any(one.issuer == person.issuer for one in mine):
                raise ProviderError(Reason.TAKEN, address=person.address)
            writer.add(ProviderLogin(key, account.id, person.issuer, now_ms, now_ms))
        elif known.account_id != account.id:
            raise ProviderError(Reason.ELSEWHERE, address=person.address)
        else:
            writer.replace(msgspec.structs.replace(known, used_ms=now_ms))
        return account


def _find_by_address(writer: IdentityWriter, address: str) -> Account | None:
    """Return the account with exactly this address; case does not matter in ASCII.

    Lower case of other letters is not one to one (U+212A is a k), and plus tags are not looked
    through: who owns a tag at the provider need not own the address.
    """
    if not address.isascii():
        return None
    found = writer.list_by(Account, address=address.lower())
    return found[0] if found else None
