"""The sending API on disk: <data>/sending.db."""
