"""A product small enough to read, for the SMTP listener to talk to."""

import dataclasses
import threading

from penfold.base.errors import MailboxDamagedError, OutcomeUnknownError, StorageFullError
from penfold.domain.incoming.judging import ArrivalRefusedError
from penfold.domain.incoming.verdict import Reject
from penfold.front.smtp.decisions import Recipient
from penfold.ports.directory import Account
from penfold.ports.identity import Credential
from penfold.proto.smtp.profile import make_mx_profile, make_submission_profile
from penfold.spec import problems
from penfold.spec.problems import ProblemError

ALICE = Account("m" + "0" * 20, "alice@box.example", "Alice", 0)
BOB = Account("m" + "1" * 20, "bob@box.example", "Bob", 0)
FULL_SCOPE = "https://mail.google.com/"
SEND_SCOPE = "https://www.googleapis.com/auth/gmail.send"

#: Local parts whose deliveries fail, and how.
FAILURES = {
    "full": StorageFullError("no room"),
    "damaged": MailboxDamagedError("quarantined"),
    "unknown-outcome": OutcomeUnknownError("commit failed half-way"),
    "broken": RuntimeError("SECRET internal text"),
    "invalid-to": ProblemError(problems.INVALID_TO),
    "too-large": ProblemError(problems.MESSAGE_TOO_LARGE, limit=1),
    "disabled": ProblemError(problems.MAIL_NOT_ENABLED),
    "strict": ArrivalRefusedError(
        Reject(550, "5.7.26", ("Unauthenticated email from x.example", "is not accepted."), 7, ())
    ),
}


class MemoryProduct:
    """Decides by local part; keeps what it accepted. Answers from another thread, as a store."""

    def __init__(self):
        self.delivered = []
        self.authenticated = []

    def check_recipient(self, address):
        local, _, domain = address.rpartition("@")
        if local == "raises":
            raise RuntimeError("SECRET internal text")
        if domain != "box.example":
            return Recipient.REMOTE
        if local == "busy":
            return Recipient.UNAVAILABLE
        known = {"alice", "bob", "postmaster", "björn", *FAILURES}
        return Recipient.LOCAL if local.partition("+")[0] in known else Recipient.UNKNOWN

    def check_sender(self, account, address):
        return address == account.address

    def accept(self, envelope, data, done):
        error = FAILURES.get(envelope.recipients[0].partition("@")[0])
        if error is None:
            self.delivered.append((envelope, data))
        ids = None if error else (f"{len(self.delivered):016x}",)
        threading.Thread(target=done, args=(ids, error)).start()

    def submit(self, account, envelope, data, done):
        self.authenticated.append(account)
        self.accept(envelope, data, done)

    def find_app_login(self, address, password):
        return ALICE if (address, password) == (ALICE.address, "abcdefghijklmnop") else None

    def find_credential(self, token):
        accounts = {
            "good": (ALICE, FULL_SCOPE),
            "weak": (ALICE, SEND_SCOPE),
            "bob": (BOB, FULL_SCOPE),
            "robot": (ALICE, FULL_SCOPE),
        }
        if token not in accounts:
            return None
        account, scope = accounts[token]
        itself = token == "robot"
        return Credential(account, frozenset({scope}), "client", "project", itself=itself)


def make_profile(listener, options):
    make = make_mx_profile if listener == "mx" else make_submission_profile
    profile = make(
        hostname="mx.box.example", domain="box.example", starttls=listener != "submissions"
    )
    numbers = (
        "max_bytes", "recipients_max", "errors_max", "commands_max", "hops_max", "messages_max",
        "own_hops_max",
    )  # fmt: skip
    return dataclasses.replace(profile, **{n: int(options[n]) for n in numbers if n in options})
