"""One mailbox: messages, threads, labels, drafts, filters, history."""
