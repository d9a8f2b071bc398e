"""Mail that leaves: composed, queued, attempted, reported on."""
