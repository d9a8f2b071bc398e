"""Rules bound to one provider, and by which MX host names a provider is known.

A bare code that means something at one place only (5.7.1, 5.1.10) has its rule here.
"""

from functools import partial
from typing import Final

from penfold.proto.smtp.outcomes.rule import Kind, Rule, make_rule

#: Ends of MX host names, and whose they are.
PROVIDERS: Final = (
    (".google.com", "google"),
    (".googlemail.com", "google"),
    (".outlook.com", "microsoft"),
    (".mx.microsoft", "microsoft"),
    (".yahoodns.net", "yahoo"),
    (".icloud.com", "apple"),
    (".comcast.net", "comcast"),
    (".mimecast.com", "mimecast"),
    (".mimecast.co.za", "mimecast"),
    (".orange.fr", "orange"),
    (".gmx.net", "gmx"),
    (".web.de", "gmx"),
    (".kundenserver.de", "gmx"),
    (".qq.com", "tencent"),
    (".163.com", "netease"),
    (".secureserver.net", "godaddy"),
)

_google = partial(make_rule, provider="google")
_microsoft = partial(make_rule, provider="microsoft")
_yahoo = partial(make_rule, provider="yahoo")

_GOOGLE: Final = (
    _google(
        "google.inactive",
        Kind.INACTIVE_MAILBOX,
        r"p=disableduser|p=overquotaperm|space and inactive",
        r"tried to reach is (?:disabled|inactive)",
    ),
    _google("google.full", Kind.MAILBOX_FULL, r"p=overquotatemp|is over quota|out of storage"),
    _google("google.unknown", Kind.INVALID_RECIPIENT, r"p=nosuchuser|to reach does not exist"),
    _google("google.busy_user", Kind.RATE_LIMITED, r"is receiving mail (?:too quickly|at a rate)"),
    _google("google.ptr", Kind.PTR_MISSING, r"ptr record|pointer \(ptr\)"),
    _google("google.auth", Kind.AUTH_FAILED, enhanced=r"[45]\.7\.(24|26|27|30|32)"),
    _google("google.tls", Kind.POLICY, enhanced=r"[45]\.7\.29"),
    _google("google.unusual_4", Kind.RATE_LIMITED, r"unusual rate of", code=r"4\d\d"),
    _google("google.unusual_5", Kind.SPAM_BLOCK, r"unusual rate of", code=r"5\d\d"),
    _google("google.allowlist", Kind.RATE_LIMITED, r"not in whitelist", code=r"4\d\d"),
    _google(
        "google.reputation",
        Kind.SPAM_BLOCK,
        r"very low reputation|p=notauthorizederror",
        r"not authorized to send email directly",
    ),
    _google(
        "google.content",
        Kind.CONTENT_REJECTED,
        r"likely unsolicited mail|nature of the content|potential security issue",
        r"illegal attachment|p=blockedmessage",
    ),
    _google(
        "google.form",
        Kind.CONTENT_REJECTED,
        r"p=rfcmessagenoncompliant|rfc 5322|missing a valid|multiple addresses in from",
    ),
    _google("google.size", Kind.MESSAGE_TOO_LARGE, r"google's (?:message |header |limit)"),
    _google("google.limit", Kind.RATE_LIMITED, r"(?:limit|quota) exceeded|same message-id"),
    _google("google.domain_policy", Kind.POLICY, r"has a policy that prohibited|- gcdp\b"),
)

_MICROSOFT: Final = (
    # Exchange Online answers so for addresses that its directory does not hold. KumoMTA counts it
    # as policy; SparkPost did, and changed its mind after looking at addresses.
    _microsoft(
        "microsoft.edge_unknown",
        Kind.INVALID_RECIPIENT,
        r"recipient address rejected: access denied",
        enhanced=r"5\.(4\.1|1\.4)",
    ),
    # RFC 7505 §4.2 gave 5.1.10 to the null MX; Exchange says it of unknown recipients.
    _microsoft("microsoft.unknown", Kind.INVALID_RECIPIENT, enhanced=r"5\.1\.(1|10)"),
    _microsoft("microsoft.unavailable", Kind.INVALID_RECIPIENT, r"mailbox unavailable"),
    _microsoft(
        "microsoft.block",
        Kind.SPAM_BLOCK,
        r"\(s31[45]0\)|on our block list|banned send|customer block list",
        r"traffic not accepted from this ip|tenant has exceeded",
    ),
    _microsoft("microsoft.auth", Kind.AUTH_FAILED, enhanced=r"[45]\.7\.(515|509|23|26)"),
    _microsoft("microsoft.rate", Kind.RATE_LIMITED, enhanced=r"4\.7\.[5-8]\d\d"),
    _microsoft(
        "microsoft.rate_words", Kind.RATE_LIMITED, r"thread limit exceeded|server connections has"
    ),
    _microsoft("microsoft.no_domain", Kind.BAD_DOMAIN, enhanced=r"5\.4\.310"),
    _microsoft("microsoft.expired", Kind.EXPIRED, enhanced=r"[45]\.4\.300"),
    _microsoft("microsoft.helo", Kind.PROTOCOL, enhanced=r"5\.7\.506"),
    _microsoft("microsoft.closed", Kind.POLICY, enhanced=r"5\.7\.(12|57|64|1[0-4]\d)"),
)

_YAHOO: Final = (
    _yahoo("yahoo.deferred", Kind.RATE_LIMITED, r"\[tss?\d\d\]", code=r"4\d\d"),
    _yahoo("yahoo.blocked", Kind.SPAM_BLOCK, r"\[tss?\d\d\]|\[bl\d\d\]", code=r"5\d\d"),
    _yahoo("yahoo.policy", Kind.POLICY, r"\[ph\d\d\]|not accepted for policy reasons"),
    _yahoo("yahoo.auth", Kind.AUTH_FAILED, r"unresolvable rfc|sender is unauthenticated"),
    _yahoo(
        "yahoo.disabled", Kind.INACTIVE_MAILBOX, r"mailbox is disabled|disabled or discontinued"
    ),
    _yahoo(
        "yahoo.unknown",
        Kind.INVALID_RECIPIENT,
        r"mailbox not found|doesn't have a |is no longer valid",
    ),
    _yahoo("yahoo.rate", Kind.RATE_LIMITED, r"max message per connection|too quickly"),
)


def _others(provider: str, *rows: tuple[str, Kind, str]) -> tuple[Rule, ...]:
    return tuple(
        make_rule(f"{provider}.{name}", kind, words, provider=provider)
        for name, kind, words in rows
    )


#: Rules of a provider, in order.
PROVIDER_RULES: Final = (
    *_GOOGLE,
    *_MICROSOFT,
    *_YAHOO,
    *_others(
        "apple",
        ("unknown", Kind.INVALID_RECIPIENT, r"inactive email address|no longer on server"),
        ("local_policy", Kind.POLICY, r"\[cs01\]"),
        ("auth", Kind.AUTH_FAILED, r"\[hme1\]"),
    ),
    *_others(
        "comcast",
        ("rate", Kind.RATE_LIMITED, r"\brl0000\d\d"),
        ("block", Kind.SPAM_BLOCK, r"\b(?:bl|ph)0000\d\d"),
    ),
    *_others(
        "mimecast",
        ("greylist", Kind.GREYLISTED, r"internal resources are temporarily unavailable"),
        ("rate", Kind.RATE_LIMITED, r"service is temporarily unavailable|process connection at"),
        ("security", Kind.CONTENT_REJECTED, r"rejected due to security policies"),
        ("sender", Kind.POLICY, r"envelope blocked|blocked senders|anti-spoofing"),
        ("route", Kind.POLICY, r"this route requires"),
    ),
    *_others(
        "orange",
        ("rate", Kind.RATE_LIMITED, r"too many connections|\bofr_?999"),
        ("block", Kind.SPAM_BLOCK, r"\bofr_?50\d"),
    ),
    *_others(
        "gmx",
        ("ptr", Kind.PTR_MISSING, r"bad dns ptr"),
        ("policy", Kind.POLICY, r"reject due to policy restrictions"),
    ),
    *_others(
        "tencent",
        ("unknown", Kind.INVALID_RECIPIENT, r"mailbox unavailable or access denied"),
        ("content", Kind.CONTENT_REJECTED, r"mail content denied"),
    ),
    *_others(
        "netease",
        ("block", Kind.SPAM_BLOCK, r"\bdt:(?:spm|ban)|\bmi:(?:spb|stc)"),
        (
            "rate",
            Kind.RATE_LIMITED,
            r"\bmi:(?:rhe|rhl|dmc|imf|nhl|crt)\b|\brp:(?:qrc|ccl|rcl|drc|trc)\b",
        ),
    ),
    *_others("godaddy", ("block", Kind.SPAM_BLOCK, r"\bib10[1-6]\b")),
)
