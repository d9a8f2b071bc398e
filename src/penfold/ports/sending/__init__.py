"""What the sending API keeps: keys, emails and their events, suppressions, the ledger, webhooks."""
