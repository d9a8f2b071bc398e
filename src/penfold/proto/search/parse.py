"""Gmail's query language: text in, tree out. There is no syntax error, and nothing is raised.

    query  := { clause }                     standing side by side is AND, as the word AND is
    clause := term { ("OR" | "|") term }     so OR binds tighter than AND
    term   := { "-" | "NOT" } primary
    primary:= "(" query ")" | "{" terms, any of them "}" | name ":" value | phrase | word
            | text { "AROUND" [n] text }        in one place; inside a phrase the order counts

Typographic quotes are quotes, every kind of blank is one. What makes no sense is passed over:
operators without operands, names without values, values without a letter or digit. Brackets and
quotes that never close end with the query; a name nobody knows, or with a value it cannot use, is
text like any other.

Bounded by base.limits: characters (the rest of q is cut), words (further ones are passed over)
and nesting (deeper brackets are read as if they were not there). One pass, no backtracking.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from penfold.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH, QUERY_MAX_TERMS
from penfold.proto.search.operators import EMPTY, OPERATORS, Operator, find_text
from penfold.proto.search.tree import Around, Node, Place, Text, all_of, any_of, negate

#: AROUND without a number. Gmail: not documented.
_AROUND_DEFAULT = 10
_AROUND_MAX = 1_000

#: What programs make of a typed " (Gmail: assumed).
_QUOTES = str.maketrans(dict.fromkeys("“”„‟＂", '"'))

#: RFC 5322 §3.2.3: {, } and | may stand in a Message-ID, which ends with its bracket.
_LEXEME = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<open>[({])|(?P<close>[)}])|(?P<or>\|)'
                     r'|(?P<word>[-+]*+(?i:rfc822msgid):<[^<>\s"]*+>?|[^\s"(){}|]+)')  # fmt: skip
_FIELD = re.compile(r"([A-Za-z0-9_]+):(.*)", re.DOTALL)
_AROUND = re.compile(r"\sAROUND(?:\s+([0-9]{1,9})(?=\s+\S))?\s")
_DIGITS = re.compile(r"[0-9]{1,9}")

Kind = Literal["phrase", "open", "close", "or", "and", "not", "around", "minus", "word"]
_KEYWORDS: dict[str, Kind] = {"OR": "or", "AND": "and", "NOT": "not", "AROUND": "around"}


class _Lexeme(Struct, frozen=True, gc=False):
    """glued: nothing stands between this and the next one."""

    kind: Kind
    text: str
    glued: bool


def parse_query(q: str, *, now_ms: int, field: str = "") -> Node:
    """Return the tree of q; every text is a query. `now_ms` is what newer_than: counts from.

    field: the operator all of q belongs to, so that q is read as in `field:(q)`, but for a
    bracket too many: it cannot end the field.
    """
    text = q[:QUERY_MAX_CHARS].encode("utf-8", "replace").decode()  # no lone surrogates
    text = text.translate(_QUOTES)
    return _Parser(list(_scan(text)), now_ms).parse(OPERATORS[field] if field else None)


def _scan(q: str) -> Iterator[_Lexeme]:
    found = list(_LEXEME.finditer(q))
    after_text = False  # a "-" right after text is part of the text
    for here, following in pairwise([*found, None]):
        assert here is not None  # only the end of the list is
        glued = following is not None and here.end() == following.start()
        kind: Kind = here.lastgroup  # type: ignore[assignment]  # named like the kinds
        if kind == "word":
            yield from _split_word(here["word"], glued=glued, operators=not after_text)
        else:
            yield _Lexeme(kind, here[kind], glued)
        after_text = glued and kind in ("word", "phrase")


def _split_word(text: str, *, glued: bool, operators: bool) -> Iterator[_Lexeme]:
    """Split signs off a word: "-x" is minus and x, "+x" is x; alone they are nothing."""
    if operators and text in _KEYWORDS:
        yield _Lexeme(_KEYWORDS[text], text, glued)
        return
    bare = text.lstrip("-+") if operators else text
    if "-" in text[: len(text) - len(bare)] and (bare or glued):
        yield _Lexeme("minus", "-", glued=True)
    if bare:
        yield _Lexeme("word", bare, glued)


class _Parser:
    """Recursive descent over the lexemes, as deep as QUERY_MAX_DEPTH."""

    def __init__(self, lexemes: list[_Lexeme], now_ms: int) -> None:
        self._lexemes = lexemes
        self._at = 0
        self._now_ms = now_ms
        self._depth = 0
        self._passed_over = 0  # brackets opened beyond the depth, still to be closed
        self._words_left = QUERY_MAX_TERMS

    def parse(self, operator: Operator | None) -> Node:
        return all_of(any_of(clause) for clause in self._clauses(operator))

    def _peek(self) -> _Lexeme | None:
        return self._lexemes[self._at] if self._at < len(self._lexemes) else None

    def _clauses(self, operator: Operator | None) -> list[list[Node]]:
        """Return groups of alternatives up to the bracket that closes this level."""
        clauses: list[list[Node]] = []
        joined = False
        while lexeme := self._peek():
            if lexeme.kind in ("close", "or", "and", "around"):
                self._at += 1
                if lexeme.kind == "close" and self._closes():
                    break
                if lexeme.kind == "around":
                    self._distance()
                joined = bool(clauses) and (joined or lexeme.kind == "or")
                continue
            node = self._term(operator)
            if node is not None and joined:
                clauses[-1].append(node)
            elif node is not None:
                clauses.append([node])
            joined = False
        return clauses

    def _closes(self) -> bool:
        if self._passed_over:
            self._passed_over -= 1
            return False
        return self._depth > 0

    def _term(self, operator: Operator | None) -> Node | None:
        """Return the next term, None when it is nothing to search for."""
        negated = False
        while (lexeme := self._peek()) and lexeme.kind in ("minus", "not"):
            negated = not negated
            self._at += 1
        if lexeme is None or lexeme.kind in ("close", "or", "and", "around"):
            return None
        node = self._primary(operator)
        if isinstance(node, Text):
            node = self._around(node)
        return negate(node) if negated and node is not None else node

    def _primary(self, operator: Operator | None) -> Node | None:
        lexeme = self._lexemes[self._at]
        if lexeme.kind == "open":
            return self._group(operator)
        self._at += 1
        if lexeme.kind == "phrase":
            return self._phrase(operator, lexeme.text)
        if found := _FIELD.fullmatch(lexeme.text):
            if inner := OPERATORS.get(found[1].lower()):
                return self._field(inner, found[2], lexeme)
            following = self._peek()
            if not found[2] and lexeme.glued and following and following.kind == "phrase":
                self._at += 1
                return self._leaf(operator, f"{found[1]} {following.text}")
        return self._leaf(operator, lexeme.text)

    def _field(self, operator: Operator, value: str, lexeme: _Lexeme) -> Node | None:
        """Return name:value; the value may be the next phrase, group or (apart) plain word."""
        if value:
            return self._leaf(operator, value)
        following = self._peek()
        if following is None:
            return None
        if following.kind == "open":
            return self._group(operator)
        if following.kind == "phrase":
            self._at += 1
            return self._phrase(operator, following.text)
        if following.kind == "word" and not lexeme.glued and not self._is_field(following.text):
            self._at += 1
            return self._leaf(operator, following.text)
        return None

    def _is_field(self, text: str) -> bool:
        found = _FIELD.fullmatch(text)
        return found is not None and found[1].lower() in OPERATORS

    def _group(self, operator: Operator | None) -> Node | None:
        any_one = self._lexemes[self._at].text == "{"
        self._at += 1
        if self._depth >= QUERY_MAX_DEPTH:
            self._passed_over += 1
            return None
        self._depth += 1
        clauses = self._clauses(operator)
        self._depth -= 1
        if not clauses:
            return None
        alternatives = [any_of(clause) for clause in clauses]
        return any_of(alternatives) if any_one else all_of(alternatives)

    def _phrase(self, operator: Operator | None, text: str) -> Node | None:
        """Return the words of a phrase; around an AROUND, Gmail (documented) keeps their order."""
        first, *others = _AROUND.split(text)  # text, then again and again: number, text
        left = self._leaf(operator, first) if others else None
        if not isinstance(left, Text):
            return self._leaf(operator, text)
        pairs: list[Node] = []
        for distance, piece in zip(others[::2], others[1::2], strict=True):
            right = self._leaf(operator, piece)
            if isinstance(right, Text):
                pairs.append(_make_around(left, right, distance, ordered=True))
                left = right
        return all_of(pairs or [left])

    def _around(self, left: Text) -> Node:
        """Return `left`, or it near the text of the `AROUND n` that follows, and so on."""
        pairs: list[Node] = []
        while (lexeme := self._peek()) and lexeme.kind == "around":
            self._at += 1
            distance = self._distance()
            right = self._near(left.place)
            if right is None:
                break
            pairs.append(_make_around(left, right, distance))
            left = right
        return all_of(pairs or [left])

    def _distance(self) -> str | None:
        """Take the number of an AROUND; the last one of a group is a word to be near."""
        ahead = self._lexemes[self._at : self._at + 2]
        if (
            len(ahead) == 2
            and ahead[0].kind == "word"
            and _DIGITS.fullmatch(ahead[0].text)
            and ahead[1].kind in ("word", "phrase", "open", "minus", "not")
        ):
            self._at += 1
            return ahead[0].text
        return None

    def _near(self, place: Place) -> Text | None:
        """Take the text after an AROUND, which may name its place again; None when it is none."""
        lexeme = self._peek()
        if lexeme is None or lexeme.kind not in ("word", "phrase"):
            return None
        text = lexeme.text
        if lexeme.kind == "word" and (found := _FIELD.fullmatch(text)) and self._is_field(text):
            if found[1].lower() != place:
                return None
            text = found[2]
        node = self._count(find_text(place, text))
        if not isinstance(node, Text):
            return None
        self._at += 1
        return node

    def _leaf(self, operator: Operator | None, value: str) -> Node | None:
        node = operator.find(value, self._now_ms) if operator else None
        if node is None:
            node = find_text("any", f"{operator.name} {value}" if operator else value)
        return self._count(node)

    def _count(self, node: Node) -> Node | None:
        """Return the node, a phrase cut to the words that are left; None when none are."""
        if node is EMPTY or self._words_left <= 0:
            return None
        if isinstance(node, Text) and len(node.words) > self._words_left:
            node = Text(node.place, node.words[: self._words_left])
        self._words_left -= len(node.words) if isinstance(node, Text) else 1
        return node


def _make_around(left: Text, right: Text, distance: str | None, *, ordered: bool = False) -> Around:
    words = min(int(distance), _AROUND_MAX) if distance else _AROUND_DEFAULT
    return Around(left.place, left.words, right.words, words, ordered)
