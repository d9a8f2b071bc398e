"""What the DNS should say about a domain of ours, what it says, and what to change."""
