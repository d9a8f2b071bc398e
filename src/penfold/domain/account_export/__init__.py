"""Everything that is kept of one account, as files for the person it is about."""
