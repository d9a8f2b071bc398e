"""What the administration API promises, as data."""
