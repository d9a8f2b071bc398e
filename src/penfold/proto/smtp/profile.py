"""What one listener offers and demands: data for the state machine.

A profile never changes while it is in use, so the EHLO replies are made once, with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from penfold.base.limits import (
    SMTP_AUTH_LINE_MAX_BYTES,
    SMTP_COMMAND_MAX_BYTES,
    SMTP_COMMANDS_MAX,
    SMTP_ERRORS_FREE,
    SMTP_ERRORS_MAX,
    SMTP_HOPS_MAX,
    SMTP_LOGIN_FAILURES_MAX,
    SMTP_MX_MAX_BYTES,
    SMTP_OWN_HOPS_MAX,
    SMTP_RECIPIENTS_MAX,
    SMTP_SUBMISSION_MAX_BYTES,
)
from penfold.proto.smtp.replies import Reply, make_reply

MECHANISMS: Final = ("LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """domain completes <postmaster>. mechanisms is empty where AUTH is not offered.

    normalizes: message data with a bare CR or LF is repaired, as Gmail does for its own users,
    rather than refused. max_bytes counts as RFC 1870 does: without dot stuffing. binary, reports
    and requires_tls: whether BINARYMIME, DSN and (over TLS) REQUIRETLS are offered, so whether
    what takes the messages on keeps to them. messages_max: MAIL commands in one session, 0 for
    any number. refuses_early_talk: nobody may speak before the greeting.
    """

    hostname: str
    domain: str
    starttls: bool
    require_tls_for_auth: bool
    require_auth: bool
    mechanisms: tuple[str, ...]
    normalizes: bool
    max_bytes: int
    binary: bool = False
    reports: bool = False
    requires_tls: bool = False
    refuses_early_talk: bool = False
    recipients_max: int = SMTP_RECIPIENTS_MAX
    messages_max: int = 0
    errors_free: int = SMTP_ERRORS_FREE
    errors_max: int = SMTP_ERRORS_MAX
    commands_max: int = SMTP_COMMANDS_MAX
    login_failures_max: int = SMTP_LOGIN_FAILURES_MAX
    hops_max: int = SMTP_HOPS_MAX
    own_hops_max: int = SMTP_OWN_HOPS_MAX
    line_max: int = field(init=False, repr=False, compare=False)
    helo: Reply = field(init=False, repr=False, compare=False)
    _ehlo: dict[tuple[bool, bool], Reply] = field(init=False, repr=False, compare=False)
    _offers: dict[bool, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        states = [(tls, login) for tls in (False, True) for login in (False, True)]
        texts = {state: self._make_ehlo(tls=state[0], logged_in=state[1]) for state in states}
        object.__setattr__(self, "_ehlo", texts)
        offers = {tls: frozenset(self._list_offers(tls=tls)) for tls in (False, True)}
        object.__setattr__(self, "_offers", offers)
        # RFC 4954 §4: an AUTH line may be longer than any other.
        longest = SMTP_AUTH_LINE_MAX_BYTES if self.mechanisms else SMTP_COMMAND_MAX_BYTES
        object.__setattr__(self, "line_max", longest)
        object.__setattr__(self, "helo", make_reply(250, "", f"{self.hostname} at your service"))

    def may_log_in(self, *, tls: bool) -> bool:
        return bool(self.mechanisms) and (tls or not self.require_tls_for_auth)

    def ehlo(self, *, tls: bool, logged_in: bool) -> Reply:
        """Return the EHLO reply of a session in this state."""
        return self._ehlo[tls, logged_in]

    def offers(self, *, tls: bool) -> frozenset[str]:
        """Return the keywords a session may use the parameters of, with or without TLS."""
        return self._offers[tls]

    def _list_offers(self, *, tls: bool) -> list[str]:
        session = Offered(tls=tls, logged_in=False)
        return [each.name for each in KEYWORDS if each.line(self, session) is not None]

    def _make_ehlo(self, *, tls: bool, logged_in: bool) -> Reply:
        session = Offered(tls=tls, logged_in=logged_in)
        lines = (each.line(self, session) for each in KEYWORDS)
        offered = (line for line in lines if line is not None)
        return make_reply(250, "", f"{self.hostname} at your service", *offered)


class Offered(Struct, frozen=True, gc=False):
    """The state of a session, as far as an EHLO reply depends on it."""

    tls: bool
    logged_in: bool


class Keyword(Struct, frozen=True, gc=False):
    """An EHLO keyword: who defines it, and its line in a session's reply, None where not said."""

    name: str
    standard: str
    line: Callable[[Profile, Offered], str | None]


def _always(name: str) -> Callable[[Profile, Offered], str | None]:
    return lambda _profile, _session: name


def _starttls(profile: Profile, session: Offered) -> str | None:
    # RFC 3207 §4.2: not offered again once TLS is active.
    return "STARTTLS" if profile.starttls and not session.tls else None


def _auth(profile: Profile, session: Offered) -> str | None:
    if session.logged_in or not profile.may_log_in(tls=session.tls):
        return None
    return f"AUTH {' '.join(profile.mechanisms)}"


def _limits(profile: Profile, _session: Offered) -> str:
    most = f" MAILMAX={profile.messages_max}" if profile.messages_max else ""
    return f"LIMITS{most} RCPTMAX={profile.recipients_max}"


#: Every EHLO keyword there is, in the order of the reply.
KEYWORDS: Final = (
    Keyword("SIZE", "RFC 1870", lambda profile, _: f"SIZE {profile.max_bytes}"),
    Keyword("8BITMIME", "RFC 6152", _always("8BITMIME")),
    Keyword("STARTTLS", "RFC 3207", _starttls),
    # RFC 8689 §3: only a connection that has TLS may promise it.
    Keyword(
        "REQUIRETLS",
        "RFC 8689",
        lambda profile, session: "REQUIRETLS" if profile.requires_tls and session.tls else None,
    ),
    Keyword("AUTH", "RFC 4954", _auth),
    Keyword("ENHANCEDSTATUSCODES", "RFC 2034", _always("ENHANCEDSTATUSCODES")),
    Keyword("PIPELINING", "RFC 2920", _always("PIPELINING")),
    Keyword("CHUNKING", "RFC 3030", _always("CHUNKING")),
    Keyword("BINARYMIME", "RFC 3030", lambda profile, _: "BINARYMIME" if profile.binary else None),
    Keyword("DSN", "RFC 3461", lambda profile, _: "DSN" if profile.reports else None),
    Keyword("LIMITS", "RFC 9422", _limits),
    Keyword("SMTPUTF8", "RFC 6531", _always("SMTPUTF8")),
)


def make_mx_profile(*, hostname: str, domain: str, starttls: bool) -> Profile:
    """Return the profile of the mail exchanger: anyone may come, for accounts here."""
    return Profile(
        hostname=hostname,
        domain=domain,
        starttls=starttls,
        require_tls_for_auth=True,
        require_auth=False,
        mechanisms=(),
        normalizes=False,
        max_bytes=SMTP_MX_MAX_BYTES,
        binary=True,
        reports=True,
        requires_tls=True,
        refuses_early_talk=True,
    )


def make_submission_profile(
    *, hostname: str, domain: str, starttls: bool, recipients_max: int = SMTP_RECIPIENTS_MAX
) -> Profile:
    """Return the profile of submission; RFC 8314 §3.3's port has TLS already, so no STARTTLS."""
    return Profile(
        hostname=hostname,
        domain=domain,
        starttls=starttls,
        require_tls_for_auth=True,
        require_auth=True,
        mechanisms=MECHANISMS,
        normalizes=True,
        max_bytes=SMTP_SUBMISSION_MAX_BYTES,
        reports=True,
        requires_tls=True,
        recipients_max=recipients_max,
    )
