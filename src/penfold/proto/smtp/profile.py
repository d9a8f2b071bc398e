"""What one listener offers and demands: data for the state machine.

A profile never changes while it is in use, so the EHLO replies are made once, with it.
"""

from dataclasses import dataclass, field
from typing import Final

from penfold.base.limits import (
    SMTP_AUTH_LINE_MAX_BYTES,
    SMTP_COMMAND_MAX_BYTES,
    SMTP_COMMANDS_MAX,
    SMTP_ERRORS_MAX,
    SMTP_HOPS_MAX,
    SMTP_LOGIN_FAILURES_MAX,
    SMTP_MX_MAX_BYTES,
    SMTP_RECIPIENTS_MAX,
    SMTP_SUBMISSION_MAX_BYTES,
)
from penfold.proto.smtp.replies import Reply, make_reply

MECHANISMS: Final = ("LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """domain completes <postmaster>. mechanisms is empty where AUTH is not offered.

    normalizes: message data with a bare CR or LF is repaired, as Gmail does for its own users,
    rather than refused. max_bytes counts as RFC 1870 does: without dot stuffing.
    """

    hostname: str
    domain: str
    starttls: bool
    require_tls_for_auth: bool
    require_auth: bool
    mechanisms: tuple[str, ...]
    normalizes: bool
    max_bytes: int
    recipients_max: int = SMTP_RECIPIENTS_MAX
    errors_max: int = SMTP_ERRORS_MAX
    commands_max: int = SMTP_COMMANDS_MAX
    login_failures_max: int = SMTP_LOGIN_FAILURES_MAX
    hops_max: int = SMTP_HOPS_MAX
    line_max: int = field(init=False, repr=False, compare=False)
    helo: Reply = field(init=False, repr=False, compare=False)
    _ehlo: dict[tuple[bool, bool], Reply] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        states = [(tls, login) for tls in (False, True) for login in (False, True)]
        texts = {state: self._make_ehlo(tls=state[0], logged_in=state[1]) for state in states}
        object.__setattr__(self, "_ehlo", texts)
        # RFC 4954 §4: an AUTH line may be longer than any other.
        longest = SMTP_AUTH_LINE_MAX_BYTES if self.mechanisms else SMTP_COMMAND_MAX_BYTES
        object.__setattr__(self, "line_max", longest)
        object.__setattr__(self, "helo", make_reply(250, "", f"{self.hostname} at your service"))

    def may_log_in(self, *, tls: bool) -> bool:
        return bool(self.mechanisms) and (tls or not self.require_tls_for_auth)

    def ehlo(self, *, tls: bool, logged_in: bool) -> Reply:
        """Return the EHLO reply of a session in this state."""
        return self._ehlo[tls, logged_in]

    def _make_ehlo(self, *, tls: bool, logged_in: bool) -> Reply:
        lines = [f"{self.hostname} at your service", f"SIZE {self.max_bytes}", "8BITMIME"]
        if self.starttls and not tls:
            # RFC 3207 §4.2: not offered again once TLS is active.
            lines.append("STARTTLS")
        if self.may_log_in(tls=tls) and not logged_in:
            lines.append(f"AUTH {' '.join(self.mechanisms)}")
        lines += ["ENHANCEDSTATUSCODES", "PIPELINING", "SMTPUTF8"]
        return make_reply(250, "", *lines)


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
        recipients_max=recipients_max,
    )
