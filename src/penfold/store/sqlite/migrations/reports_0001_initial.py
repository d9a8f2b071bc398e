"""What others report, first shape.

report  one row per report; detail is ports.reports.Report as JSON
tls     sessions with other servers, counted by day, domain and result (ports.reports.TlsResult)
"""

STATEMENTS = """
CREATE TABLE report (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms     INTEGER NOT NULL,              -- when it came
    kind      TEXT    NOT NULL,
    sender    TEXT    NOT NULL,              -- domain of the envelope
    reporter  TEXT    NOT NULL,
    report_id TEXT    NOT NULL,
    domain    TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    UNIQUE (kind, sender, reporter, report_id, domain)
) STRICT;
CREATE INDEX report_at ON report (at_ms);

CREATE TABLE tls (
    day    TEXT    NOT NULL,                 -- UTC, 2026-11-28
    domain TEXT    NOT NULL,
    policy TEXT    NOT NULL,
    host   TEXT    NOT NULL,
    result TEXT    NOT NULL,                 -- '' is success
    count  INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy, host, result)
) STRICT, WITHOUT ROWID;
"""
