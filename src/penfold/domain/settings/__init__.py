"""What a mailbox's owner sets: addresses, forwarding, vacation, delegates, keys."""
