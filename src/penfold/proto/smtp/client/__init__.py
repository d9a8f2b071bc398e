"""SMTP as a client: octets in, commands and outcomes out, no I/O."""
