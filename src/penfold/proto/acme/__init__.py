"""ACME (RFC 8555): how a server gets its certificate from an authority, without I/O."""
