"""Rules about words that many servers use, whoever runs them.

The order matters more than any pattern: "User unknown; see our blocklist" is no blocklist's doing,
but "blocked using a list, see /unknown-user" is. What is said most exactly comes first.
"""

from typing import Final

from penfold.proto.smtp.outcomes.rule import Kind, make_rule

_LISTS: Final = (
    r"spamhaus|spamcop|barracuda|sorbs|uceprotect|spfbl|invaluement|ivmsip|abuseat|psbl\b|0spam",
    r"mailspike|abusix|senderscore|cloudmark|ipcheck\.proofpoint|proofpoint\.com/dnsbl",
    r"trend ?micro|talosintelligence|\bdnsbls?\b|\brbls?\b|block ?list|black ?list",
)

#: What a person has at a server.
_BOX: Final = r"(?:account|mailbox|inbox|box|user|address|alias|recipient|customer|storage)\b"

#: Tried after the rules of providers.
WORD_RULES: Final = (
    make_rule("words.greylist", Kind.GREYLISTED, r"gr[ea]y ?-?list|postgrey"),
    make_rule("words.verifying", Kind.GREYLISTED, r"verification in progress", code=r"4\d\d"),
    make_rule(
        "words.listed_url",
        Kind.CONTENT_REJECTED,
        r"\b(?:url|link|domain)s? (?:\S{1,40} )?(?:in|within|found)\b.{0,80}\b(?:black)?listed\b",
        r"\b(?:url|link)s? (?:contained|present)\b.{0,80}\b(?:black)?listed\b",
        r"domain present in|surbl|uribl|spam url",
    ),
    make_rule("words.listed", Kind.SPAM_BLOCK, *_LISTS),
    make_rule(
        "words.ptr",
        Kind.PTR_MISSING,
        r"reverse (?:dns|host|lookup)|\bptr\b|\brdns\b|cannot find your (?:reverse )?host",
    ),
    make_rule(
        "words.auth",
        Kind.AUTH_FAILED,
        r"\bdmarc\b|\bdkim\b|\bspf\b|sender policy framework|sender is unauthenticated",
    ),
    make_rule(
        "words.sender_domain",
        Kind.AUTH_FAILED,
        r"\bsender\b.{0,80}(?:domain not found|does(?:n't| not) (?:exist|resolve|accept)|unresolv)",
        r"\bsender\b.{0,80}(?:not resolve|be resolved|must exist|resolve fail|has no a, aaaa)",
    ),
    make_rule(
        "words.sender",
        Kind.POLICY,
        r"sender verif|verification failed for|sender address rejected|sender (?:denied|rejected)",
    ),
    make_rule(
        "words.rate",
        Kind.RATE_LIMITED,
        r"rate.?limit|throttl|slow down|temporarily deferred|too quickly|too fast",
        r"too much mail(?! data)|(?:excessive|unexpected) volume",
        r"too many (?:concurrent |simultaneous |smtp )?(?:connections|sessions|requests|errors)",
        r"too many (?:messages(?! on)|mails|emails|recipients|concurrent)",
        r"sent too many|sending (?:limit|quota)|(?:hourly|daily) (?:\S{1,20} )?(?:limit|quota)",
        r"frequency limited|(?:server|too|system) busy|overloaded|load average|connection limit",
        r"maximum number of (?:\S{1,20} )?(?:\S{1,20} )?connections|insufficient system",
        r"try again later, closing",
    ),
    make_rule(
        "words.size",
        Kind.MESSAGE_TOO_LARGE,
        r"(?:message|mail|email|attachment|data)s? (?:is |are )?too (?:large|big|long)",
        r"(?:message|mail|email|attachment)s? (?:size|length).{0,30}(?:exceed|limit|larger)",
        r"exceed\w{0,3}.{0,40}(?:message|size|length).{0,10} limit|larger than the.{0,30}limit",
    ),
    make_rule(
        "words.full",
        Kind.MAILBOX_FULL,
        r"exceeding receiving limits|(?:maildir|mailfolder)\b.{0,30}\bfull\b|quota violation",
        r"over (?:disk |the allowed )?quota|reached disk quota|disk space limit",
        r"enough (?:storage )?space|space has been used up|messages on the server|much mail data",
        r"over.?quota|quota.{0,30}(?:exceed|full|violat|reached)|full mailbox|mailbox limit",
        rf"{_BOX}.{{0,30}}\bfull\b|(?:disk|space) full",
        r"exceed\w{0,3}.{0,40}(?:quota|storage|mailbox|the local limit)|out of (?:storage|space)",
        r"space shortage|mailbox size limit",
        r"boite du destinataire pleine",
    ),
    make_rule(
        "words.inactive",
        Kind.INACTIVE_MAILBOX,
        rf"{_BOX}.{{0,40}}\b(?:disabled|inactive|suspended|deactivated|not active|closed)\b",
        rf"{_BOX}.{{0,40}}\b(?:discontinued|no longer (?:active|in use|accept))",
        r"(?:inactive|disabled|suspended) (?:user|account|mailbox|recipient)",
    ),
    make_rule(
        "words.domain",
        Kind.BAD_DOMAIN,
        r"null ?mx|no mx (?:record|for)|domain (?:name )?(?:does not (?:exist|accept)|not found)",
        r"domain \S{1,80} does(?:n't| not) (?:exist|accept)|(?:unknown host|host unknown)\b",
        r"tenant or domain not found|couldn't find any host|does not accept mail",
        r"not accepting mail",
    ),
    make_rule(
        "words.unknown",
        Kind.INVALID_RECIPIENT,
        r"user unknown|unknown (?:user|recipient|address|mailbox|account|local|or illegal|alias)",
        r"no such (?:\S{1,30} )?(?:user|mailbox|recipient|address|person|account|id|alias)\b",
        rf"{_BOX}.{{0,60}}(?:not found|unknown|n't exist|not exist|not known|not listed|invalid)",
        rf"{_BOX}.{{0,60}}(?:undeliverable|unavailable|not a? ?valid|inconnu)",
        rf"{_BOX}.{{0,60}}(?:could not be found|no longer valid|not present|not local|not ok\b)",
        r"bad address|<\S{1,80}> (?:not found|does not exist)|non-?existent user|badrcptto",
        r"no mail box|no ?one at this address|unknown e-?mail|addresses were unknown",
        r"not an active address|missing home directory|not a (?:local|valid) (?:address|mailbox)",
        r"user doesn't have an? \S{1,60} account",
        r"addressee unknown|un-?recogni[sz]ed recipient|recipient unrecogni[sz]ed",
        r"invalid (?:recipient|mailbox|address|user|account)|not a (?:valid|known) user",
        r"no mail-?box|no account by|unrout(?:e)?able address|undeliverable address",
        r"not our customer|recip(?:ient)?notfound|recipient not found|cannot deliver mail for",
        r"utilisateur inconnu|adresse inconnue|nie istnieje|destinatario sconosciuto",
        r"indirizzo inesistente|bad recipient|no mailbox|mailbox owner has changed",
    ),
    make_rule(
        "words.relay",
        Kind.POLICY,
        r"relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed|prohibited)",
        r"(?:unable|not permitted|not allowed|n't allowed) to relay|rcpthosts|open relay",
        r"authentication (?:is )?required|requires authentication|smtp authentication",
    ),
    make_rule("words.loop", Kind.POLICY, r"mail ?loop|loops back|too many hops|hop count|\d hops"),
    make_rule(
        "words.expired",
        Kind.EXPIRED,
        r"retry time(?:out exceeded| not reached)|delivery time|(?:message|queue)\.? ?expired",
        r"in (?:the )?queue too long|maximum time in queue|message is too old",
    ),
    make_rule(
        "words.content",
        Kind.CONTENT_REJECTED,
        r"virus|malware|infected|phish|\bspam|junk ?mail|unsolicited|malformed|not rfc",
        r"(?:attachment|file|extension)\b.{0,40}(?:not allowed|blocked|prohibited|banned|denied)",
        r"content.{0,20}(?:reject|denied|policy|examination|presents)",
    ),
    make_rule(
        "words.block",
        Kind.SPAM_BLOCK,
        r"reputation|\bblocked\b|\bbanned\b|\babuse\b|not accepting connections",
        r"\b(?:ip|ip address|network|client host)\b.{0,30}\b(?:listed|denied|refused)\b",
    ),
    make_rule(
        "words.network",
        Kind.NETWORK,
        r"connection (?:timed out|refused|reset|lost|dropped|closed|timeout)|lost connection",
        r"\btime-?d? ?out\b|no route to host|network is unreachable|host unreachable",
        r"(?:dns|name service|name server).{0,30}(?:error|fail|problem|time)|no answer from host",
        r"\btls\b.{0,30}(?:fail|not available|negotiat)",
    ),
    make_rule(
        "words.protocol",
        Kind.PROTOCOL,
        r"bad sequence|syntax error|bad syntax|(?:unrecogni[sz]ed|unimplemented) command",
        r"command (?:not |un)(?:implemented|recogni[sz]ed)|need (?:mail|rcpt) |no valid recip",
        r"helo command rejected|pipelin|bare (?:lf|cr|line|newline)|protocol (?:error|violation)",
        r"must contain a domain",
    ),
    make_rule(
        "words.policy",
        Kind.POLICY,
        r"polic(?:y|ies)|prohibit|not authori[sz]ed|not permitted|not allowed|access denied",
        r"message denied|tls (?:is )?required|requires encryption|not authenticated",
        r"access to submit",
    ),
)
