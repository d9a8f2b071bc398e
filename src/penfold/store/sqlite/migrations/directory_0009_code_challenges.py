"""Codes are found by their PKCE challenge, see domain.access.consent."""

STATEMENTS = """
CREATE INDEX code_challenge ON code (challenge);
"""
