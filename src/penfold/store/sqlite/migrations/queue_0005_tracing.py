"""Rows are found by what people know of a mail: its Message-ID, its addresses, where it goes.

Addresses are compared without case: no host gives it a meaning.
"""

STATEMENTS = """
CREATE INDEX IF NOT EXISTS letter_any_message_id ON letter (message_id) WHERE message_id <> '';
CREATE INDEX IF NOT EXISTS letter_sender ON letter (sender COLLATE NOCASE, id);
CREATE INDEX IF NOT EXISTS recipient_address ON recipient (address COLLATE NOCASE, id);
CREATE INDEX IF NOT EXISTS recipient_domain ON recipient (domain, id);
"""
