"""What the sender of outgoing mail wants done about it (RFC 3461, RFC 8689), beside the mail."""

STATEMENTS = """
ALTER TABLE outbox ADD COLUMN wishes BLOB;   -- see content.py; NULL: none
"""
