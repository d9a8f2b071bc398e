"""What the sending API promises, as data."""
