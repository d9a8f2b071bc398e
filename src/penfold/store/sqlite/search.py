"""A listing as one SQL statement. (First form: no search terms yet.)

compile_messages         (message id, thread id), newest first
compile_threads          (newest matching message id, thread id), newest first, a thread once
compile_drafts           (draft id, message id, thread id), newest message first
compile_estimate         one row, one number: matching messages, at most `at_most`
compile_thread_estimate  one row, one number: threads with a matching message, at most `at_most`
"""

from penfold.ports.mailbox import Query

Statement = tuple[str, list[int | str]]


def compile_messages(query: Query) -> Statement:
    sql, params = _members(query, "m", query.before)
    return f"{sql} ORDER BY m.id DESC LIMIT ?", [*params, query.limit]


def compile_threads(query: Query) -> Statement:
    sql, params = _members(query, "m", query.before)
    newer, more = _members(query, "n", None)
    return (
        f"{sql} AND NOT EXISTS ({newer} AND n.thread_id = m.thread_id AND n.id > m.id)"
        " ORDER BY m.id DESC LIMIT ?",
        [*params, *more, query.limit],
    )


def compile_drafts(query: Query) -> Statement:
    sql, params = _members(query, "m", query.before)
    return (
        f"SELECT d.id, d.message_id, s.thread_id FROM draft d JOIN ({sql}) s"
        " ON s.id = d.message_id ORDER BY d.message_id DESC LIMIT ?",
        [*params, query.limit],
    )


def compile_estimate(query: Query, at_most: int) -> Statement:
    sql, params = _members(query, "m", None)
    return f"SELECT count(*) FROM ({sql} LIMIT ?)", [*params, at_most]


def compile_thread_estimate(query: Query, at_most: int) -> Statement:
    sql, params = _members(query, "m", None)
    return f"SELECT count(*) FROM (SELECT DISTINCT thread_id FROM ({sql}) LIMIT ?)", [
        *params,
        at_most,
    ]


def _members(query: Query, alias: str, before: int | None) -> Statement:
    labels = sorted(query.labels) if query.hidden else [0, *sorted(query.labels)]
    sql = f"SELECT {alias}.id, {alias}.thread_id FROM message {alias} WHERE true"
    params: list[int | str] = []
    for label in labels:
        sql += f" AND EXISTS (SELECT 1 FROM posting WHERE label = ? AND message_id = {alias}.id)"
        params.append(label)
    if before is not None:
        sql += f" AND {alias}.id < ?"
        params.append(before)
    return sql, params
