"""What became of a mail, and of the mail of an address: found in mailboxes, outboxes and queue."""
