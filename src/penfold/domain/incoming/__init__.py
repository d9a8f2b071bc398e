"""Mail that arrives: whose it is, what is thought of it, where it goes."""
