"""Rules that look at the stage alone, and at codes: RFC 3463, RFC 5248 and what came after."""

from typing import Final

from penfold.proto.smtp.outcomes.rule import Kind, make_rule

#: Tried before anything else.
STAGE_RULES: Final = (
    # Without a reply the enhanced code is our own word for what was seen.
    make_rule("stage.no_domain", Kind.BAD_DOMAIN, code="", enhanced=r"5\.(1\.2|1\.10|4\.4)"),
    make_rule(
        "stage.no_reply",
        Kind.NETWORK,
        code="",
        enhanced=r"|4\.\d+\.\d+",
        stages="dns connect banner ehlo starttls auth mail rcpt data dot",
    ),
    make_rule("stage.starttls", Kind.NETWORK, code=r"[45]\d\d", stages="starttls"),
    make_rule("stage.login", Kind.POLICY, code=r"[45]\d\d", stages="auth"),
    # RFC 7504 §3: this host (521), or this domain (556), takes no mail.
    make_rule("stage.no_mail_here", Kind.BAD_DOMAIN, code="521|556", stages="banner rcpt"),
)

#: Tried when no words are known. RFC 3463 §3 unless another standard is named.
ENHANCED_RULES: Final = (
    # RFC 7505 §4.2: 5.1.10 is a domain that says it takes no mail.
    make_rule("enhanced.domain", Kind.BAD_DOMAIN, enhanced=r"[45]\.1\.(2|10)"),
    make_rule("enhanced.unknown", Kind.INVALID_RECIPIENT, enhanced=r"[45]\.1\.[01346]"),
    make_rule("enhanced.sender", Kind.AUTH_FAILED, enhanced=r"[45]\.1\.8"),
    make_rule("enhanced.sender_form", Kind.POLICY, enhanced=r"[45]\.1\.7"),
    make_rule("enhanced.busy", Kind.RATE_LIMITED, enhanced=r"4\.2\.1"),
    make_rule("enhanced.inactive", Kind.INACTIVE_MAILBOX, enhanced=r"5\.2\.1|[45]\.7\.13"),
    make_rule("enhanced.full", Kind.MAILBOX_FULL, enhanced=r"[45]\.2\.2"),
    make_rule("enhanced.size", Kind.MESSAGE_TOO_LARGE, enhanced=r"[45]\.(2\.3|3\.4)"),
    make_rule("enhanced.list", Kind.INVALID_RECIPIENT, enhanced=r"[45]\.2\.4"),
    make_rule("enhanced.system", Kind.RATE_LIMITED, enhanced=r"4\.3\.[12]|[45]\.5\.3|4\.4\.5"),
    make_rule("enhanced.expired", Kind.EXPIRED, enhanced=r"[45]\.4\.7"),
    make_rule("enhanced.unroutable", Kind.BAD_DOMAIN, enhanced=r"5\.4\.4"),
    make_rule("enhanced.loop", Kind.POLICY, enhanced=r"[45]\.4\.6"),
    make_rule("enhanced.network", Kind.NETWORK, enhanced=r"[45]\.4\.\d+"),
    make_rule("enhanced.protocol", Kind.PROTOCOL, enhanced=r"[45]\.5\.\d+"),
    make_rule("enhanced.content", Kind.CONTENT_REJECTED, enhanced=r"[45]\.6\.\d+"),
    # RFC 7293 §14: the mailbox, or the domain, belongs to somebody else by now.
    make_rule("enhanced.new_owner", Kind.INVALID_RECIPIENT, enhanced=r"[45]\.7\.1[78]"),
    # RFC 7372 §3: DKIM, SPF, reverse DNS, several of them.
    make_rule("enhanced.auth", Kind.AUTH_FAILED, enhanced=r"[45]\.7\.(2[0-4]|26)"),
    make_rule("enhanced.ptr", Kind.PTR_MISSING, enhanced=r"[45]\.7\.25"),
    # RFC 7505 §4.2: the sender's domain says that it takes no mail.
    make_rule("enhanced.sender_null_mx", Kind.AUTH_FAILED, enhanced=r"[45]\.7\.27"),
    make_rule("enhanced.rate", Kind.RATE_LIMITED, enhanced=r"4\.7\.(0|28)"),
    make_rule("enhanced.policy", Kind.POLICY, enhanced=r"5\.7\.\d+"),
)

#: Tried last.
CODE_RULES: Final = (
    make_rule("code.no_mail", Kind.BAD_DOMAIN, code="521|556"),
    make_rule("code.banner_4", Kind.RATE_LIMITED, code=r"4\d\d", stages="connect banner"),
    make_rule("code.banner_5", Kind.SPAM_BLOCK, code=r"5\d\d", stages="connect banner"),
    make_rule("code.closing", Kind.RATE_LIMITED, code="421"),
    make_rule("code.quota", Kind.MAILBOX_FULL, code="452|552"),
    make_rule("code.moved", Kind.INVALID_RECIPIENT, code="551"),
    make_rule("code.name", Kind.INVALID_RECIPIENT, code="553", stages="rcpt"),
    make_rule("code.syntax", Kind.PROTOCOL, code=r"50[0-4]|555"),
    make_rule("code.login", Kind.POLICY, code="53[0-8]"),
)
