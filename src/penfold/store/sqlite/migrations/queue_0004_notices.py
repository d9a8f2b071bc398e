"""What senders want to be told, and what they were.

letter.options           msgpack of MailOptions, NULL: none
letter.message_id        without brackets, "" when it has none, or the row is older than this step
recipient.report         msgpack of ReportRequest, NULL: none
recipient.wants_success  whether NOTIFY has SUCCESS
recipient.told           ports.queue.Told

Nobody is told of what ended before.
"""

STATEMENTS = """
ALTER TABLE letter ADD COLUMN options BLOB;
ALTER TABLE letter ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
CREATE INDEX letter_message_id ON letter (origin, message_id) WHERE message_id <> '';

ALTER TABLE recipient ADD COLUMN report BLOB;
ALTER TABLE recipient ADD COLUMN wants_success INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN told TEXT NOT NULL DEFAULT '';
UPDATE recipient SET told = 'outcome' WHERE state = 'failed';
CREATE INDEX recipient_untold ON recipient (id)
    WHERE told <> 'outcome' AND (state = 'failed' OR state = 'sent' AND wants_success);
"""
