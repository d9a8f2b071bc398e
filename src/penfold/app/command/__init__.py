"""What commands open and do beside a running server."""
