"""Mail for applications: what is accepted, for whom, and what is told of it."""
