"""Why an attempt came out as it did, and who is at work.

attempt.kind     the class of the outcome (proto.smtp.outcomes.rule.Kind)
attempt.facts    ports.queue.Facts as JSON
recipient.taken  1 while somebody has a lease, so that a new process ends those of a dead one
"""

STATEMENTS = """
ALTER TABLE attempt ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE recipient ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_taken ON recipient (taken) WHERE taken = 1;
"""
