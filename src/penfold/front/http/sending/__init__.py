"""The sending API at /v1/…, in the form of Resend's."""
