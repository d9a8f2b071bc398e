"""The JSON objects of looks at emails before they are sent; see schemas.py."""

from penfold.spec.sending.schemas import Given


class EmailFinding(Given, frozen=True, kw_only=True):
    """code: a word for programs. severity: error (it would be refused, or end as spam), warning
    (counted against it) or note. field: of the call, "" for none. message: what to do.
    """

    code: str
    severity: str
    field: str
    message: str


class EmailAuthentication(Given, frozen=True, kw_only=True):
    """What receivers would find, in the words of RFC 8601; spf: unknown when the addresses are that
    mail leaves from.
    """

    spf: str
    dkim: str
    dmarc: str


class SpamSymbol(Given, frozen=True, kw_only=True):
    name: str
    score: float
    description: str


class EmailSpam(Given, frozen=True, kw_only=True):
    """What rspamd says. symbols: those that weigh most first."""

    score: float
    action: str
    symbols: list[SpamSymbol]


class EmailCheck(Given, frozen=True, kw_only=True):
    """An email that would be accepted. ok: no finding is an error. size: octets of the mail before
    it is signed. authentication: null where the DNS is not asked. spam: null without rspamd.
    """

    object: str
    ok: bool
    size: int
    recipients: int
    links: list[str]
    findings: list[EmailFinding]
    authentication: EmailAuthentication | None
    spam: EmailSpam | None
