"""The sending book in memory, for tests. It keeps the contract of ports.sending, on no disk."""
