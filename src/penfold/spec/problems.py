"""Every error the Gmail API answers, as data: HTTP status, canonical status, reason, text.

Domain code raises `ProblemError(PROBLEM, **values)`; front/http turns it into Google's envelope
and front/smtp into a reply. Which texts are assumed is in
`docs/compatibility.md`; the others were observed on Gmail.
"""

from dataclasses import dataclass
from typing import Final

from penfold.base.errors import PenfoldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One row of the error catalogue; `message` may hold {placeholders}."""

    code: int
    status: str
    reason: str
    message: str
    domain: str | None = "global"


class ProblemError(PenfoldError):
    """An answer in Gmail's words; the text is meant for the client."""

    def __init__(self, problem: Problem, **values: object) -> None:
        self.problem = problem
        self.text = problem.message.format(**values) if values else problem.message
        super().__init__(self.text, **values)


def _invalid(message: str) -> Problem:
    return Problem(code=400, status="INVALID_ARGUMENT", reason="invalidArgument", message=message)


def _precondition(message: str) -> Problem:
    return Problem(
        code=400, status="FAILED_PRECONDITION", reason="failedPrecondition", message=message
    )


def _forbidden(message: str) -> Problem:
    return Problem(code=403, status="PERMISSION_DENIED", reason="forbidden", message=message)


def _malformed(message: str, *, domain: str | None = "global", reason: str) -> Problem:
    return Problem(
        code=400, status="INVALID_ARGUMENT", reason=reason, message=message, domain=domain
    )


# --- what the pipeline answers for every method ------------------------------------------
# Gmail (observed 2026-09): a value of the wrong type has reason `invalid` and no domain.
INVALID_VALUE: Final = _malformed("Invalid value at {what}", domain=None, reason="invalid")
UNKNOWN_NAME: Final = _malformed(
    "Invalid JSON payload received. Unknown name {what}", reason="badRequest"
)
MALFORMED_JSON: Final = _malformed("Invalid JSON payload received. {what}", reason="parseError")
INVALID_FIELDS: Final = _malformed("Request contains an invalid argument.", reason="badRequest")
#: The description beside INVALID_FIELDS. Observed on a sibling API, assumed for Gmail.
FIELDS_NOT_FOUND: Final = (
    "Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'."
)
INVALID_XGAFV: Final = _malformed(
    "Invalid query parameters. Invalid value '{value}' for system query parameter : $.xgafv",
    reason="badRequest",
)
INVALID_CALLBACK: Final = _malformed(
    "Invalid JSONP callback name: '{value}'; only alphabet, number, '_', '$', '.', '[' and ']' "
    "are allowed.",
    reason="badRequest",
)
# Gmail (assumed): the sentences of the next three.
UNSUPPORTED_ALT: Final = _malformed('Unsupported alt type "{value}"', reason="badRequest")
INVALID_ALT: Final = _malformed('Invalid value "{value}" for alt', reason="badRequest")
WRONG_CONTENT_TYPE: Final = _malformed(
    "Media type '{value}' is not supported. Valid media types: [application/json]",
    reason="badContent",
)
#: Gmail (observed): a batch's own errors have no `errors` member.
TOO_MANY_PARTS: Final = _malformed(
    "Inner request count exceeds the limit. Received: {count}, Limit: {limit}", reason="badRequest"
)
# Gmail (assumed): the end of the first sentence, and the other two.
MALFORMED_BATCH: Final = _malformed(
    "Failed to parse batch request, error: {what}. Received batch body: ({size}) bytes redacted",
    reason="badRequest",
)
BATCH_IN_BATCH: Final = _malformed(
    "Batch requests cannot be part of a batch request.", reason="badRequest"
)
MEDIA_IN_BATCH: Final = _malformed(
    "Media upload and download cannot be part of a batch request.", reason="badRequest"
)
#: Gmail (assumed): the sentences of uploads and of packed bodies.
WRONG_MEDIA_TYPE: Final = _malformed(
    "Media type '{value}' is not supported. Valid media types: [message/rfc822]",
    reason="badContent",
)
WRONG_MULTIPART: Final = _malformed(
    "Media type '{value}' is not supported. Valid media types: [multipart/related]",
    reason="badContent",
)
MALFORMED_MULTIPART: Final = _malformed(
    "Failed to parse multipart upload, error: {what}", reason="badRequest"
)
BAD_RANGE: Final = _malformed("Invalid upload range: {value}", reason="badRequest")
WRONG_RANGE: Final = _malformed(
    "The upload has {size} bytes; go on from there.", reason="badRequest"
)
WRONG_ENCODING: Final = _malformed(
    "Content-Encoding '{value}' is not supported. Valid encodings: [gzip]", reason="badContent"
)
MALFORMED_GZIP: Final = _malformed("The request body is not valid gzip.", reason="badContent")
TOO_MANY_UPLOADS: Final = Problem(
    code=429,
    status="RESOURCE_EXHAUSTED",
    reason="rateLimitExceeded",
    message="Too many unfinished uploads; finish or cancel some first.",
)
_CREDENTIAL_TAIL: Final = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
INVALID_CREDENTIALS: Final = Problem(
    code=401,
    status="UNAUTHENTICATED",
    reason="authError",
    message=f"Request had invalid authentication credentials. {_CREDENTIAL_TAIL}",
)
LOGIN_REQUIRED: Final = Problem(
    code=401,
    status="UNAUTHENTICATED",
    reason="required",
    message=f"Request is missing required authentication credential. {_CREDENTIAL_TAIL}",
)
INSUFFICIENT_SCOPE: Final = Problem(
    code=403,
    status="PERMISSION_DENIED",
    reason="insufficientPermissions",
    message="Request had insufficient authentication scopes.",
)
#: errors[0].message where it differs from the top-level one. Gmail: observed.
SHORT_MESSAGES: Final = {
    INVALID_CREDENTIALS: "Invalid Credentials",
    LOGIN_REQUIRED: "Login Required.",
    INSUFFICIENT_SCOPE: "Insufficient Permission",
}
#: Gmail (observed in 2026; until 2025 with the words Queries and Queries per minute per user).
QUOTA_EXCEEDED: Final = Problem(
    code=403,
    status="PERMISSION_DENIED",
    reason="rateLimitExceeded",
    domain="usageLimits",
    message="Quota exceeded for quota metric '{metric}' and limit '{limit}' of service "
    "'gmail.googleapis.com' for consumer 'project_number:{project}'.",
)
REQUEST_TOO_LARGE: Final = Problem(
    code=413,
    status="INVALID_ARGUMENT",
    reason="uploadTooLarge",
    message="Request Entity Too Large",
)

# --- what handlers answer ---------------------------------------------------------------
INVALID_ID: Final = _invalid("Invalid id value")
INVALID_THREAD_ID: Final = _invalid("Invalid thread_id value")
THREAD_ID_NOT_ALLOWED: Final = _invalid("threadId not allowed")
INVALID_LABEL: Final = _invalid("Invalid label: {label}")
LABEL_ID_NOT_FOUND: Final = _invalid("labelId not found")
NO_LABEL_CHANGE: Final = _invalid("No label add or removes specified")
TOO_MANY_LABELS: Final = _invalid("Too many label ids: {count}, limit {limit}")
TOO_MANY_IDS: Final = _invalid("Too many message ids: {count}, limit {limit}")
NO_IDS: Final = _invalid("No message ids specified")
INVALID_LABEL_NAME: Final = _invalid("Invalid label name")
INVALID_COLOR: Final = _invalid("Label color {color} is not on the allowed color palette")
TOO_MANY_USER_LABELS: Final = _invalid("Label limit of {limit} reached")
INVALID_DELETE: Final = _invalid("Invalid delete request")
INVALID_UPDATE: Final = _invalid("Invalid update request")
INVALID_PAGE_TOKEN: Final = _invalid("Invalid pageToken")
#: Gmail (assumed): that there is a limit; the sentence says what to do.
QUERY_TOO_COSTLY: Final = _invalid(
    "Invalid query: it takes too long. Add a date, a sender or a label to it."
)
INVALID_MAX_RESULTS: Final = _invalid("Invalid maxResults")
#: Gmail (assumed): the sentence.
INVALID_PAGE_SIZE: Final = _invalid("Invalid pageSize")
INVALID_ATTACHMENT: Final = _invalid("Invalid attachment token")
MISSING_START_HISTORY_ID: Final = _invalid("Missing startHistoryId")
RAW_REQUIRED: Final = _invalid(
    "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
)
MESSAGE_TOO_LARGE: Final = _invalid("Message exceeds the limit of {limit} bytes")
RECIPIENT_REQUIRED: Final = _invalid("Recipient address required")
TOO_MANY_RECIPIENTS: Final = _invalid("Too many recipients: {count}, limit {limit}")
INVALID_TO: Final = _invalid("Invalid To header")
INVALID_CC: Final = _invalid("Invalid Cc header")
INVALID_BCC: Final = _invalid("Invalid Bcc header")
#: Gmail (assumed): the sentences about keys and certificates.
INVALID_SMIME: Final = _invalid("Invalid S/MIME certificate: {what}")
INVALID_KEY_PAIR: Final = _invalid("Invalid key pair: {what}")
INVALID_IDENTITY: Final = _invalid("Invalid identity: {what}")
KEY_PAIR_STATE: Final = _precondition("The key pair {what}")
IDENTITY_EXISTS: Final = Problem(
    code=409, status="ALREADY_EXISTS", reason="alreadyExists", message="Identity already exists"
)
MISSING_DRAFT: Final = _invalid("Missing draft message")
INVALID_DRAFT: Final = _invalid("Invalid draft")
#: Gmail (reported, not confirmed): the words before the placeholder.
INVALID_TOPIC_NAME: Final = _invalid("Invalid topicName does not match projects/{project}/topics/*")
ONE_WATCH_ONLY: Final = _invalid(
    "Only one user push notification client allowed per developer (call /stop then try again)"
)
PRECONDITION_FAILED: Final = _precondition("Precondition check failed.")
UNRECOGNIZED_FORWARDING: Final = _precondition("Unrecognized forwarding address")
#: Gmail (assumed): status and sentence.
FILTER_EXISTS: Final = _precondition("Filter already exists")
#: Gmail answers 500 beyond the limit (reported by clients); a clear sentence helps more.
TOO_MANY_FILTERS: Final = _precondition("Filter limit of {limit} reached")
#: Gmail (assumed): the sentences of both.
INVALID_FILTER: Final = _invalid("Invalid filter: {what}")
INVALID_SETTING: Final = _invalid("Invalid {name}: {what}")
MAIL_NOT_ENABLED: Final = _precondition("Mail service not enabled")
NOT_FOUND: Final = Problem(
    code=404,
    status="NOT_FOUND",
    reason="notFound",
    message="Requested entity was not found.",
)
TOPIC_NOT_FOUND: Final = Problem(
    code=404,
    status="NOT_FOUND",
    reason="notFound",
    message=(
        "Error sending test message to Cloud PubSub {topic} : "
        "Resource not found (resource={resource})."
    ),
)
LABEL_EXISTS: Final = Problem(
    code=409, status="ABORTED", reason="aborted", message="Label name exists or conflicts"
)
METADATA_Q: Final = _forbidden("Metadata scope does not support 'q' parameter")
METADATA_FORMAT: Final = _forbidden("Metadata scope doesn't allow format {format}")
TOPIC_FORBIDDEN: Final = _forbidden(
    "Error sending test message to Cloud PubSub {topic} : "
    "User not authorized to perform this action."
)
DELEGATION_DENIED: Final = _forbidden("Delegation denied for {address}")
#: Gmail (assumed): the sentence.
SERVICE_ACCOUNT_ONLY: Final = _forbidden(
    "Access restricted to service accounts that have been delegated domain-wide authority"
)
#: Gmail (assumed): the sentences from here to TOO_MANY_CONFIRMATIONS.
ADDRESS_EXISTS: Final = Problem(
    code=409,
    status="ALREADY_EXISTS",
    reason="alreadyExists",
    message="Requested entity already exists",
)
INVALID_SEND_AS: Final = _invalid("Invalid address settings: {what}")
INVALID_DELEGATE: Final = _invalid("Invalid delegate: {what}")
SMTP_MSA_REFUSED: Final = _invalid("Invalid smtpMsa: {what}")
PRIMARY_UNDELETABLE: Final = _invalid("The primary address cannot be deleted")
ALREADY_VERIFIED: Final = _precondition("The address is verified already")
#: Gmail (assumed): the reason is observed.
TOO_MANY_CONFIRMATIONS: Final = Problem(
    code=429,
    status="RESOURCE_EXHAUSTED",
    reason="rateLimitExceeded",
    message="Too many verification messages were sent today. Try again tomorrow.",
)
NOT_IMPLEMENTED: Final = Problem(
    code=501,
    status="UNIMPLEMENTED",
    reason="notImplemented",
    message="Operation is not implemented, or supported, or enabled.",
)
UNAVAILABLE: Final = Problem(
    code=503,
    status="UNAVAILABLE",
    reason="backendError",
    message="The service is currently unavailable.",
)
STORAGE_FULL: Final = Problem(
    code=507,
    status="RESOURCE_EXHAUSTED",
    reason="insufficientStorage",
    message="The server has no room to store this. Free some disk space and try again.",
)
INTERNAL: Final = Problem(
    code=500, status="INTERNAL", reason="backendError", message="Internal error encountered."
)

# --- what only a rehearsal gives, see front/http/rehearsal.py --------------------------------
# Gmail (documented, or reported by clients word for word) unless a line says otherwise.
ACCESS_NOT_CONFIGURED: Final = Problem(
    code=403,
    status="PERMISSION_DENIED",
    reason="accessNotConfigured",
    domain="usageLimits",
    message=(
        "Gmail API has not been used in project {project} before or it is disabled. Enable it by "
        "visiting https://console.developers.google.com/apis/api/gmail.googleapis.com/overview"
        "?project={project} then retry. If you enabled this API recently, wait a few minutes for "
        "the action to propagate to our systems and retry."
    ),
)
DOMAIN_POLICY: Final = Problem(
    code=403,
    status="PERMISSION_DENIED",
    reason="domainPolicy",
    message="The domain administrators have disabled Gmail apps.",
)


def _usage(code: int, reason: str, message: str, domain: str = "usageLimits") -> Problem:
    status = "PERMISSION_DENIED" if code == 403 else "RESOURCE_EXHAUSTED"
    return Problem(code=code, status=status, reason=reason, message=message, domain=domain)


DAILY_LIMIT_EXCEEDED: Final = _usage(403, "dailyLimitExceeded", "Daily Limit Exceeded")
USER_RATE_LIMIT_EXCEEDED: Final = _usage(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
RATE_LIMIT_EXCEEDED: Final = _usage(429, "rateLimitExceeded", "Rate Limit Exceeded")
RESOURCE_EXHAUSTED: Final = _usage(
    429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota).", "global"
)
CONCURRENT_REQUESTS_EXCEEDED: Final = _usage(
    429, "rateLimitExceeded", "Too many concurrent requests for user", "global"
)
USER_RATE_LIMIT_RETRY_AFTER: Final = _usage(
    429, "rateLimitExceeded", "User-rate limit exceeded.  Retry after {until}", "global"
)
SENDING_LIMIT_RETRY_AFTER: Final = _usage(
    429,
    "rateLimitExceeded",
    "User-rate limit exceeded.  Retry after {until} (Mail sending)",
    "global",
)
#: Gmail (assumed): never seen there; the text of Google's other APIs.
CONDITION_NOT_MET: Final = Problem(
    code=412,
    status="FAILED_PRECONDITION",
    reason="conditionNotMet",
    message="Precondition Failed",
)
BACKEND_ERROR: Final = Problem(
    code=500, status="INTERNAL", reason="backendError", message="Backend Error"
)
#: Without a status the answer is a page, as Google's front end gives it.
BAD_GATEWAY: Final = Problem(code=502, status="", reason="badGateway", message="Bad Gateway")
#: Gmail (assumed): the text of Google's other APIs.
DEADLINE_EXCEEDED: Final = Problem(
    code=504,
    status="DEADLINE_EXCEEDED",
    reason="backendError",
    message="Deadline expired before operation could complete.",
)
#: Where a person may read more: a member of errors[0].
EXTENDED_HELP: Final = {ACCESS_NOT_CONFIGURED: "https://console.developers.google.com"}

# Sets that several methods may answer, see spec.method.Method.errors.
MODIFY_ERRORS: Final = frozenset(
    {INVALID_ID, INVALID_LABEL, LABEL_ID_NOT_FOUND, NO_LABEL_CHANGE, TOO_MANY_LABELS}
)
PAGE_ERRORS: Final = frozenset({INVALID_MAX_RESULTS, INVALID_PAGE_TOKEN})
LIST_ERRORS: Final = PAGE_ERRORS | {INVALID_LABEL, LABEL_ID_NOT_FOUND}
LABEL_ERRORS: Final = frozenset({INVALID_LABEL_NAME, INVALID_COLOR, LABEL_EXISTS})
#: A message in the request, as `raw` or by upload, and the labels it comes with.
RAW_ERRORS: Final = frozenset({RAW_REQUIRED, MESSAGE_TOO_LARGE})
ADD_ERRORS: Final = RAW_ERRORS | {INVALID_LABEL, LABEL_ID_NOT_FOUND}
#: The thread a message is to be put in.
THREAD_ERRORS: Final = frozenset({INVALID_THREAD_ID, NOT_FOUND})
DRAFT_ERRORS: Final = RAW_ERRORS | THREAD_ERRORS | {MISSING_DRAFT}
SEND_ERRORS: Final = frozenset(
    {
        MESSAGE_TOO_LARGE,
        SENDING_LIMIT_RETRY_AFTER,
        RECIPIENT_REQUIRED,
        TOO_MANY_RECIPIENTS,
        INVALID_TO,
        INVALID_CC,
        INVALID_BCC,
    }
)
#: Members of an address to send as, and the server it leaves by.
SEND_AS_ERRORS: Final = frozenset({INVALID_SEND_AS, SMTP_MSA_REFUSED})
