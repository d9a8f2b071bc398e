"""Who a message is really from: SPF, DKIM, DMARC and ARC, and the field that tells the results."""
