"""Reports that come by mail: delivery status, complaints, DMARC and TLS statistics."""
