"""What a server tells of itself: log, metrics, traces."""
