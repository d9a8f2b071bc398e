"""The two ways in: from the internet for accounts here, and from accounts here for anyone.

A door turns the product's decisions into replies. It holds no state of a session; the same door
serves all of a listener's sessions, and of other listeners too.
"""

from collections.abc import Awaitable
from typing import Final, Protocol

from penfold.base.addresses import canonical_address
from penfold.base.networks import is_loopback
from penfold.domain.throttle import Throttle, TooManyError
from penfold.front.smtp.decisions import (
    Decisions,
    Done,
    Envelope,
    Recipient,
    SubmissionDecisions,
)
from penfold.front.smtp.greeting import Greeter, Visit
from penfold.front.smtp.programs import KeyHolder, Programs
from penfold.ports.directory import Account
from penfold.ports.identity import Authenticator
from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import Reply
from penfold.proto.smtp.sasl import Bearer, Login
from penfold.spec.rates import (
    SENDING_KEY,
    SMTP_LOGIN_ACCOUNT,
    SMTP_LOGIN_NETWORK,
    SUBMISSION_ACCOUNT,
    Limit,
)

#: Gmail (documented): SMTP wants the full scope, gmail.send is not enough.
MAIL_SCOPE: Final = "https://mail.google.com/"

_MX_REPLIES: Final = {
    Recipient.LOCAL: replies.RECIPIENT_OK,
    Recipient.REMOTE: replies.RELAY_DENIED,
    Recipient.UNKNOWN: replies.UNKNOWN_RECIPIENT,
    Recipient.UNAVAILABLE: replies.MAILBOX_UNAVAILABLE,
}
_SUBMISSION_REPLIES: Final = _MX_REPLIES | {Recipient.REMOTE: replies.RECIPIENT_OK}


class Door(Protocol):
    """What a session asks; account is None where nobody logs in. Any error becomes a reply."""

    def check_sender(self, account: Account | None, address: str) -> Reply: ...
    def check_recipient(self, visit: Visit, address: str) -> Reply | Awaitable[Reply]: ...
    def find_account(self, claim: Login | Bearer, client: str) -> Account | None:
        """Return who this is. TooManyError: too many guesses, from there or at this account."""
        ...

    def deliver(
        self, account: Account | None, envelope: Envelope, data: bytes, done: Done
    ) -> None: ...


class MxDoor:
    """Anyone may knock; only addresses here are served."""

    def __init__(self, decisions: Decisions, *, greeter: Greeter | None = None) -> None:
        """greeter: asks strangers to come again; this machine is none."""
        self._decisions = decisions
        self._greeter = greeter

    def check_sender(self, account: Account | None, address: str) -> Reply:  # noqa: ARG002 - Door
        return replies.SENDER_OK

    def check_recipient(self, visit: Visit, address: str) -> Reply | Awaitable[Reply]:
        judged = self._decisions.check_recipient(address)
        if judged is not Recipient.LOCAL or self._greeter is None or is_loopback(visit.client):
            return _MX_REPLIES[judged]
        return self._greeter.greet(visit, address)

    def find_account(self, claim: Login | Bearer, client: str) -> Account | None:  # noqa: ARG002 - Door
        return None

    def deliver(
        self,
        account: Account | None,  # noqa: ARG002 - Door
        envelope: Envelope,
        data: bytes,
        done: Done,
    ) -> None:
        self._decisions.accept(envelope, data, done)


class SubmissionDoor:
    """Accounts here, after a login, with addresses of their own."""

    def __init__(
        self,
        decisions: SubmissionDecisions,
        authenticator: Authenticator,
        *,
        throttle: Throttle | None = None,
        programs: Programs | None = None,
    ) -> None:
        """throttle: the limits on logins and messages; None: there are none. programs: who come
        with an API key.
        """
        self._decisions = decisions
        self._authenticator = authenticator
        self._throttle = throttle
        self._programs = programs

    def check_sender(self, account: Account | None, address: str) -> Reply:
        if account is None:
            return replies.LOGIN_FIRST
        if isinstance(account, KeyHolder):
            return self._check_rate(SENDING_KEY, account.key.id)  # From is what counts
        if not self._decisions.check_sender(account, address):
            return replies.NOT_YOUR_ADDRESS
        return self._check_rate(SUBMISSION_ACCOUNT, account.id)

    def _check_rate(self, limit: Limit, whose: str) -> Reply:
        try:
            if self._throttle is not None:
                self._throttle.take(limit, whose)
        except TooManyError:
            return replies.TOO_MANY_SENT
        return replies.SENDER_OK

    def check_recipient(self, visit: Visit, address: str) -> Reply:  # noqa: ARG002 - Door
        return _SUBMISSION_REPLIES[self._decisions.check_recipient(address)]

    def find_account(self, claim: Login | Bearer, client: str) -> Account | None:
        """Return who this is; None for every reason there may be, which the client never learns."""
        if self._throttle is None:
            return self._find(claim, client)
        limits = [(SMTP_LOGIN_NETWORK, client)]
        if not self._has_key(claim):  # keys are random, and all of them have the same user
            limits.append((SMTP_LOGIN_ACCOUNT, canonical_address(claim.address)))
        self._throttle.take_each(*limits)
        account = self._find(claim, client)
        if account is not None:
            for limit, whose in limits:
                self._throttle.give_back(limit, whose)
        return account

    def _has_key(self, claim: Login | Bearer) -> bool:
        return self._programs is not None and self._programs.knows(claim)

    def _find(self, claim: Login | Bearer, client: str) -> Account | None:
        if self._programs is not None and self._programs.knows(claim):
            return self._programs.find(claim, client)
        account = self._find_any(claim)
        return None if account is None or account.suspended else account

    def _find_any(self, claim: Login | Bearer) -> Account | None:
        if isinstance(claim, Login):
            # Gmail (documented): app passwords are shown in groups; the spaces do not count.
            password = claim.password.replace(" ", "")
            return self._authenticator.find_app_login(claim.address, password)
        credential = self._authenticator.find_credential(claim.token)
        if credential is None or credential.itself or MAIL_SCOPE not in credential.scopes:
            return None
        named = canonical_address(claim.address) if claim.address else credential.account.address
        return credential.account if named == credential.account.address else None

    def deliver(self, account: Account | None, envelope: Envelope, data: bytes, done: Done) -> None:
        if account is None:
            raise RuntimeError("a message without a login reached submission")
        if isinstance(account, KeyHolder) and self._programs is not None:
            self._programs.deliver(account, envelope, data, done)
        else:
            self._decisions.submit(account, envelope, data, done)
