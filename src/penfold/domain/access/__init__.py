"""Who may come in: accounts, sign-in, applications, tokens."""
