"""Answers to calls with an idempotency key, so that a repeat changes nothing."""

from typing import Protocol

from msgspec import Struct


class KeptAnswer(Struct, frozen=True, gc=False):
    """word: the idempotency key. request: SHA-256 of what was asked. body: of the answer."""

    key_id: str
    route: str
    word: str
    request: bytes
    status: int
    body: bytes
    created_ms: int


class AnswerReader(Protocol):
    def find_answer(self, key_id: str, route: str, word: str) -> KeptAnswer | None: ...


class AnswerWriter(AnswerReader, Protocol):
    def put_answer(self, answer: KeptAnswer) -> None:
        """Keep an answer in place of an older one."""
        ...

    def expire_answers(self, *, before_ms: int, limit: int) -> int: ...
