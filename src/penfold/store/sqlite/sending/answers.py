"""Answers that are given again to a call with the same idempotency key."""

from penfold.ports.sending.answers import KeptAnswer
from penfold.store.sqlite.sending.table import Table


class AnswerTable(Table):
    def find_answer(self, key_id: str, route: str, word: str) -> KeptAnswer | None:
        rows = self._rows(
            "SELECT key_id, route, word, request, status, body, created_ms FROM answer"
            " WHERE key_id = ? AND route = ? AND word = ?",
            (key_id, route, word),
        )
        return KeptAnswer(*rows[0]) if rows else None

    def put_answer(self, answer: KeptAnswer) -> None:
        self._run(
            "INSERT OR REPLACE INTO answer (key_id, route, word, request, status, body,"
            " created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(answer.key_id, answer.route, answer.word, answer.request, answer.status),
                *(answer.body, answer.created_ms),
            ),
        )

    def expire_answers(self, *, before_ms: int, limit: int) -> int:
        return self._run(
            "DELETE FROM answer WHERE (key_id, route, word) IN (SELECT key_id, route, word"
            " FROM answer WHERE created_ms < ? LIMIT ?)",
            (before_ms, limit),
        )
