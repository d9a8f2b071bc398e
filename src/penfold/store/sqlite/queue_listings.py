"""How rows of the queue are found for those who look at them: one statement for each way."""

from typing import Final

from penfold.base.limits import SENT_ROWS_MAX
from penfold.ports.queue import SENDING
from penfold.store.sqlite.queue_rows import COLUMNS

#: Indexes are named where SQLite would go through all rows of a state.
_UNTOLD: Final = (
    f"SELECT {COLUMNS} FROM recipient INDEXED BY recipient_untold"
    " JOIN letter ON letter.id = recipient.letter WHERE recipient.id > ?1 AND told <> 'outcome'"
    " AND (state = 'failed' OR state = 'sent' AND wants_success)"
)
UNTOLD: Final = f"{_UNTOLD} AND origin <> '{SENDING}' ORDER BY recipient.id LIMIT ?2"
#: What was cancelled was so by hand: there is little of it, so no index.
UNTOLD_SENDING: Final = (
    f"{_UNTOLD} AND origin = '{SENDING}' UNION ALL"
    f" SELECT {COLUMNS} FROM recipient INDEXED BY recipient_state"
    " JOIN letter ON letter.id = recipient.letter"
    " WHERE state = 'cancelled' AND recipient.id > ?1 AND told <> 'outcome'"
    f" AND origin = '{SENDING}' ORDER BY recipient.id LIMIT ?2"
)
SENT: Final = (
    f"SELECT {COLUMNS} FROM letter INDEXED BY letter_message_id"
    " CROSS JOIN recipient ON recipient.letter = letter.id"
    " WHERE origin = ? AND message_id = ? AND message_id <> '' AND +state = 'sent'"
    f" ORDER BY recipient.id LIMIT {SENT_ROWS_MAX}"
)
BY_MESSAGE_ID: Final = (
    f"SELECT {COLUMNS} FROM letter INDEXED BY letter_any_message_id"
    " CROSS JOIN recipient ON recipient.letter = letter.id"
    " WHERE message_id = ? AND message_id <> '' ORDER BY recipient.id LIMIT ?"
)
TO_ADDRESS: Final = (
    f"SELECT {COLUMNS} FROM recipient INDEXED BY recipient_address"
    " JOIN letter ON letter.id = recipient.letter"
    " WHERE address = ? COLLATE NOCASE ORDER BY recipient.id DESC LIMIT ?"
)
#: Rows of the newest letters: a letter's rows are made together, so their order is the letters'.
FROM_ADDRESS: Final = (
    f"SELECT {COLUMNS} FROM letter INDEXED BY letter_sender"
    " CROSS JOIN recipient ON recipient.letter = letter.id"
    " WHERE sender = ? COLLATE NOCASE ORDER BY letter.id DESC LIMIT ?"
)
OLDEST: Final = (
    f"SELECT {COLUMNS} FROM recipient INDEXED BY recipient_state"
    " JOIN letter ON letter.id = recipient.letter WHERE state = ? ORDER BY recipient.id LIMIT 1"
)
BY_ORIGIN: Final = (
    f"SELECT {COLUMNS} FROM (SELECT * FROM letter WHERE origin = ? AND number < ?"
    " ORDER BY number DESC LIMIT ?) AS letter CROSS JOIN recipient ON recipient.letter = letter.id"
    " ORDER BY letter.number DESC, recipient.id"
)
