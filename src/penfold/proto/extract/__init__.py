"""The text of files that come as attachments."""
