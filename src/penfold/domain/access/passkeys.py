"""Passkeys of accounts: made, shown, and never answered twice.

A passkey always verifies its user, so it signs in by itself and is a second factor as well. Its
challenge waits sealed in the form (`domain/access/offers.py`); when it was answered rightly it is
noted as spent, in the transaction that notes the use.
"""

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import ConflictError, ParseError
from penfold.base.limits import LABEL_MAX_CHARS, PASSKEYS_MAX, SIGN_IN_STEP_S
from penfold.domain.access.offers import Offers
from penfold.ports.directory import Account
from penfold.ports.identity import IdentityBook, IdentityWriter, Passkey, SpentChallenge
from penfold.proto.oauth import digest
from penfold.proto.webauthn import (
    Place,
    check_answer,
    make_creation,
    make_request,
    parse_creation,
    parse_id,
)

_CHALLENGE_BITS = 256


class Offer(Struct, frozen=True, gc=False):
    """What a page needs: options for the browser, and the sealed challenge."""

    options: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Passkeys:
    """Makes and checks them."""

    book: IdentityBook
    offers: Offers
    clock: Clock
    chance: Chance

    def offer_new(self, place: Place, browser: str, account: Account) -> Offer:
        """Return what the browser needs to make one."""
        secret, sealed = self._challenge("new", browser, account)
        user = (account.id.encode(), account.address, account.name or account.address)
        known = [one.id for one in self.book.list_by(Passkey, account_id=account.id)]
        return Offer(make_creation(place, bytes.fromhex(secret), user=user, known=known), sealed)

    def add(
        self, place: Place, browser: str, account: Account, *, sealed: str, text: str, label: str
    ) -> bool:
        """Keep a passkey the browser made; False when it is not right, or one too many."""
        secret = self.offers.find(sealed, purpose=_purpose("new", account), browser=browser)
        if secret is None:
            return False
        try:
            new = parse_creation(text, place=place, challenge=bytes.fromhex(secret))
        except ParseError:
            return False
        key = Passkey(
            id=new.id,
            account_id=account.id,
            host=place.host,
            key=new.key,
            label=label.strip()[:LABEL_MAX_CHARS],
            counter=new.counter,
            created_ms=self.clock.now_ms(),
        )

        def add(writer: IdentityWriter) -> None:
            if len(writer.list_by(Passkey, account_id=account.id)) >= PASSKEYS_MAX:
                raise ConflictError("too many passkeys")
            self._spend(writer, secret)
            writer.add(key)

        try:
            self.book.change(add)
        except ConflictError:
            return False
        return True

    def offer_use(self, place: Place, browser: str, account: Account | None = None) -> Offer | None:
        """Return what the browser needs to show one, of this account or of any.

        None when the account has none for this host.
        """
        mine = self.book.list_by(Passkey, account_id=account.id) if account else []
        known = [one.id for one in mine if one.host == place.host]
        if account and not known:
            return None
        secret, sealed = self._challenge("use", browser, account)
        return Offer(make_request(place, bytes.fromhex(secret), known=known), sealed)

    def find_account(
        self, place: Place, browser: str, *, sealed: str, text: str, account: Account | None = None
    ) -> Account | None:
        """Return whose passkey answered the challenge; None when anything is not right.

        account: whose it has to be.
        """
        secret = self.offers.find(sealed, purpose=_purpose("use", account), browser=browser)
        if secret is None:
            return None
        try:
            key, user = parse_id(text)
            return self.book.change(
                lambda writer: self._use(writer, place, secret, text, (key, user, account))
            )
        except (ParseError, ConflictError):
            return None

    def _use(
        self,
        writer: IdentityWriter,
        place: Place,
        secret: str,
        text: str,
        said: tuple[bytes, bytes, Account | None],
    ) -> Account | None:
        key, user, account = said
        found = writer.find(Passkey, key)
        if found is None or found.host != place.host:
            return None
        if account is not None and found.account_id != account.id:
            return None
        if user and user != found.account_id.encode():  # WebAuthn §7.2 step 6
            return None
        counter = check_answer(
            text,
            place=place,
            challenge=bytes.fromhex(secret),
            key=found.key,
            counter=found.counter,
        )
        self._spend(writer, secret)
        used = msgspec.structs.replace(found, counter=counter, used_ms=self.clock.now_ms())
        writer.replace(used)
        return writer.find(Account, found.account_id)

    def _challenge(self, kind: str, browser: str, account: Account | None) -> tuple[str, str]:
        secret = f"{self.chance.getrandbits(_CHALLENGE_BITS):064x}"
        sealed = self.offers.seal(secret, purpose=_purpose(kind, account), browser=browser)
        return secret, sealed

    def _spend(self, writer: IdentityWriter, secret: str) -> None:
        """ConflictError when somebody has answered this challenge before."""
        until_ms = self.clock.now_ms() + 1000 * SIGN_IN_STEP_S
        writer.add(SpentChallenge(digest(secret), until_ms))


def _purpose(kind: str, account: Account | None) -> str:
    return f"passkey {kind} {account.id if account else 'anybody'}"
