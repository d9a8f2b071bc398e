"""Letters are found by their age, so that those long done go without a look at the others."""

STATEMENTS = """
CREATE INDEX IF NOT EXISTS letter_created ON letter (created_ms);
"""
