"""AOTsend's call as we read it: addresses, fields and the codes it answers with.

Documented by AOTsend: the address of sending, its fields but `attachment`, and the codes up to
40007. From its sibling AokSend: 40008, 40009, `attachment`, `msg_id` and check_account. Ours: the
HTTP status, which is always 200, and every code that is no five digits (docs/aotsend.md).
"""

from typing import Final

SEND: Final = "/index/api/send_email"
CHECK_ACCOUNT: Final = "/index/api/check_account"
ADDRESSES: Final = frozenset({SEND, CHECK_ACCOUNT})

OK: Final = 200
NO_KEY: Final = 40001
BAD_KEY: Final = 40002
NO_TEMPLATE: Final = 40003
NO_RECIPIENT: Final = 40004
BAD_RECIPIENT: Final = 40005
BAD_REPLY_TO: Final = 40006
NO_BALANCE: Final = 40007
BAD_DATA: Final = 40008
BAD_FILE: Final = 40009

MESSAGES: Final = {
    OK: "Request successful",
    NO_KEY: "API key is empty: send it as app_key.",
    BAD_KEY: "Authentication failed: app_key is no API key that may do this.",
    NO_TEMPLATE: "Template id is wrong: there is no such published template.",
    NO_RECIPIENT: "Recipient is empty: name one address in to.",
    BAD_RECIPIENT: "Recipient format is wrong: to is one address such as kim@example.org.",
    BAD_REPLY_TO: "reply_to format is wrong: it is one address such as kim@example.org.",
    NO_BALANCE: "Insufficient balance: what was prepaid, or the month's budget, does not reach.",
    BAD_DATA: "Data is wrong: it is a JSON object of the template's variables.",
    BAD_FILE: "Attachment is wrong: one file of up to 1 MB, of a type that is allowed.",
}
#: How a file's name may end (AokSend's list, as its clients have it).
EXTENSIONS: Final = frozenset({
    "zip", "rar", "pdf", "jpg", "jpeg", "png", "gif", "mp4", "txt", "csv", "doc", "docx", "xls",
    "xlsx", "ppt", "pptx",
})  # fmt: skip
