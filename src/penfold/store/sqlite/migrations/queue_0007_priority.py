"""Codes do not wait behind newsletters.

recipient.priority     base.priority
destination.high_ms    when the first row of this priority is due, as due_ms; NULL: none waits
destination.normal_ms

So the next row of a priority is found by points of an index too.
"""

STATEMENTS = """
ALTER TABLE recipient ADD COLUMN priority INTEGER NOT NULL DEFAULT 2;
DROP INDEX recipient_due;
CREATE INDEX recipient_due ON recipient (domain, priority, next_attempt_ms)
    WHERE state = 'queued';

ALTER TABLE destination ADD COLUMN high_ms INTEGER;
ALTER TABLE destination ADD COLUMN normal_ms INTEGER;
CREATE INDEX destination_high ON destination (high_ms) WHERE high_ms IS NOT NULL;
CREATE INDEX destination_normal ON destination (normal_ms) WHERE normal_ms IS NOT NULL;
UPDATE destination SET normal_ms = due_ms;
"""
