"""Programs that submit with an API key in place of a password: the sending API by SMTP.

The user is `apikey` or the key's id, the password the key's secret. What they send takes the way
of `POST /v1/emails/raw`, with the key's limits (domain.sending.checking_smtp).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from penfold.base.acting import Actor, act
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import SENDING_SMTP_THREADS
from penfold.domain.sending.accept import Accepted, Keyed, accept
from penfold.domain.sending.caller import make_caller
from penfold.domain.sending.checking import Draft
from penfold.domain.sending.checking_smtp import check_submission, read_word
from penfold.domain.sending.filling import Fill
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.keys import LIVE_PREFIX, TEST_PREFIX, Keys
from penfold.domain.sending.metering import Price
from penfold.front.smtp.decisions import Done, Envelope
from penfold.ports.directory import Account
from penfold.ports.sending.book import SendingBook
from penfold.ports.sending.records import ApiKey
from penfold.proto.smtp.sasl import Bearer, Login
from penfold.spec.sending.problems import RESTRICTED_API_KEY, SendingError
from penfold.spec.sending.scopes import EMAILS_SEND, allows

#: The user whose password is an API key, as SendGrid and others have it.
_USER = "apikey"


class KeyHolder(Account, frozen=True, gc=False):
    """An account for which a program came with a key."""

    key: ApiKey = ApiKey("", "", "", 0)


class Programs:
    """From any thread. `close` waits for what is being stored."""

    def __init__(
        self,
        book: SendingBook,
        keys: Keys,
        *,
        is_local: Callable[[str], bool],
        price: Price,
        clock: Clock,
        chance: Chance,
        fill: Fill,
    ) -> None:
        self._book = book
        self._keys = keys
        self._is_local = is_local
        self._price = price
        self._clock = clock
        self._chance = chance
        self._fill = fill
        self._threads = ThreadPoolExecutor(SENDING_SMTP_THREADS, thread_name_prefix="penfold-keys")

    def close(self) -> None:
        self._threads.shutdown()

    @staticmethod
    def knows(claim: Login | Bearer) -> bool:
        """Return whether this is a claim with a key, whether or not the key is good."""
        return isinstance(claim, Login) and claim.password.startswith((LIVE_PREFIX, TEST_PREFIX))

    def find(self, claim: Login | Bearer, client: str) -> KeyHolder | None:
        """Return who this is; None for every reason there may be."""
        if not isinstance(claim, Login):
            return None
        try:
            key = self._keys.recognise(claim.password, client)
        except SendingError:
            return None
        account = self._keys.find_account(key.account_id)
        if claim.address.lower() not in (_USER, key.id) or account is None:
            return None
        if not allows(key.scopes, EMAILS_SEND):
            return None
        return KeyHolder(account.id, account.address, account.name, account.created_ms, key=key)

    def deliver(self, holder: KeyHolder, envelope: Envelope, data: bytes, done: Done) -> None:
        """Accept the message; `done` is told the emails' ids when they are durable."""
        self._threads.submit(self._deliver, holder, envelope, data, done)

    def _deliver(self, holder: KeyHolder, envelope: Envelope, data: bytes, done: Done) -> None:
        try:
            with act(Actor(holder.id, envelope.client, f"API key {holder.key.id}")):
                accepted = self._accept(holder.key, envelope, data)
        except BaseException as error:  # noqa: BLE001 - the session tells the client, whatever it is
            done(None, error)
        else:
            done(tuple(accepted.body.decode().split()), None)

    def _accept(self, known: ApiKey, envelope: Envelope, data: bytes) -> Accepted:
        key = self._keys.renew(known)
        if not allows(key.scopes, EMAILS_SEND):
            raise SendingError(RESTRICTED_API_KEY)
        now_ms = self._clock.now_ms()
        word = read_word(data)
        request = "\n".join(envelope.recipients).encode() + b"\n\n" + data
        return accept(
            self._book,
            key,
            lambda: self._check(key, envelope, data, now_ms),
            keyed=Keyed("smtp", word, request) if word else None,
            price=self._price,
            now_ms=now_ms,
            chance=self._chance,
            make_body=lambda ids: " ".join(ids).encode(),
        )

    def _check(self, key: ApiKey, envelope: Envelope, data: bytes, now_ms: int) -> list[Draft]:
        findings = Findings()
        drafts = check_submission(
            data,
            envelope.recipients,
            make_caller(self._book, key, self._is_local),
            findings,
            fill=self._fill,
            now_ms=now_ms,
        )
        findings.raise_any()
        return drafts
