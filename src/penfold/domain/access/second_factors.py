"""What somebody shows besides the password: a code by time, a recovery code, or a passkey.

The secret of an authenticator app is sealed, recovery codes are kept as digests. A code by time
is good once: the step it belongs to is noted in the transaction that accepts it, so of two
processes asked with the same code one refuses. A recovery code is deleted by its use.
"""

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import RECOVERY_CODES
from penfold.ports.directory import Account
from penfold.ports.identity import IdentityBook, IdentityWriter, Passkey, RecoveryCode, Totp
from penfold.ports.sealing import Sealer
from penfold.proto.oauth import app_password_digest, make_app_password
from penfold.proto.totp import find_step


class Factors(Struct, frozen=True, gc=False):
    """The second factors of an account; totp_ms: when the app was added, 0: never."""

    totp_ms: int
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    def __bool__(self) -> bool:
        """Recovery codes alone ask for nothing: they stand in for what is lost."""
        return bool(self.totp_ms or self.passkeys)


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """Adds, checks and removes them."""

    book: IdentityBook
    sealer: Sealer
    clock: Clock
    chance: Chance

    def list_of(self, account: Account) -> Factors:
        totp = self.book.find(Totp, account.id)
        return Factors(
            totp.created_ms if totp else 0,
            tuple(self.book.list_by(Passkey, account_id=account.id)),
            len(self.book.list_by(RecoveryCode, account_id=account.id)),
        )

    def add_totp(self, account: Account, secret: bytes, code: str) -> bool:
        """Take the app with this secret into use when it shows the right code."""
        now_ms = self.clock.now_ms()
        step = find_step(secret, code, now_ms=now_ms)
        if step is None:
            return False
        sealed = self.sealer.seal(secret, context=seal_context(account.id))

        def add(writer: IdentityWriter) -> None:
            writer.delete(Totp, account.id)
            writer.add(Totp(account.id, sealed, now_ms, step))

        self.book.change(add)
        return True

    def check_code(self, account: Account, code: str) -> bool:
        """Return whether this is a code of the app or a recovery code, and use it up."""
        return self._check_totp(account, code) or self._check_recovery(account, code)

    def _check_totp(self, account: Account, code: str) -> bool:
        now_ms = self.clock.now_ms()

        def use(writer: IdentityWriter) -> bool:
            totp = writer.find(Totp, account.id)
            if totp is None:
                return False
            secret = self.sealer.open(totp.sealed, context=seal_context(account.id))
            step = find_step(secret, code, now_ms=now_ms, after=totp.step)
            if step is None:
                return False
            writer.replace(msgspec.structs.replace(totp, step=step))
            return True

        return self.book.change(use)

    def _check_recovery(self, account: Account, code: str) -> bool:
        key = app_password_digest(account.id, code.replace("-", ""))
        return self.book.change(lambda writer: writer.delete(RecoveryCode, key))

    def make_codes(self) -> list[str]:
        """Return new recovery codes; none is good before it is saved."""
        return [make_app_password(self.chance) for _ in range(RECOVERY_CODES)]

    def save_codes(self, account: Account, codes: list[str]) -> None:
        """Make these the recovery codes; those of before are good no more."""
        now_ms = self.clock.now_ms()

        def save(writer: IdentityWriter) -> None:
            for old in writer.list_by(RecoveryCode, account_id=account.id):
                writer.delete(RecoveryCode, old.digest)
            for code in codes:
                writer.add(RecoveryCode(app_password_digest(account.id, code), account.id, now_ms))

        self.book.change(save)

    def remove_totp(self, account: Account) -> bool:
        return self.book.change(lambda writer: writer.delete(Totp, account.id))

    def remove_passkey(self, account: Account, key: bytes) -> bool:
        """Remove a passkey if it is one of this account."""

        def remove(writer: IdentityWriter) -> bool:
            found = writer.find(Passkey, key)
            return bool(found and found.account_id == account.id and writer.delete(Passkey, key))

        return self.book.change(remove)

    def remove_all(self, account: Account) -> int:
        """Remove every second factor and recovery code; return how many factors there were."""

        def remove(writer: IdentityWriter) -> int:
            for code in writer.list_by(RecoveryCode, account_id=account.id):
                writer.delete(RecoveryCode, code.digest)
            keys = writer.list_by(Passkey, account_id=account.id)
            return sum(writer.delete(Passkey, one.id) for one in keys) + writer.delete(
                Totp, account.id
            )

        return self.book.change(remove)


def seal_context(account_id: str) -> str:
    return f"totp {account_id}"
