"""SQL is put together from our own words, in one folder; what comes from outside is bound.

Whatever stands in `{}` of a statement is a constant, a number of a bound value, question marks, or
in the table below, with where it comes from. So a value of a request in a statement fails here.
"""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "penfold"
STORE = Path("store/sqlite")
WORDS = re.compile(
    r"\b(SELECT|INSERT (OR \w+ )?INTO|UPDATE|DELETE FROM|CREATE|DROP|ALTER|PRAGMA|ATTACH|VACUUM"
    r"|WHERE|ORDER BY|LIMIT|VALUES)\b"
)
#: A constant of a module, `?3`, `?, ?, ?`.
HARMLESS = re.compile(r"_?[A-Z][A-Z_]*|[\w.]*bind\(.*\)|', '\.join\(.*\)|', \?' \* len\(COLUMNS\)")
#: Statements are text from these hands: file, what stands in a statement of it, whence it comes.
COMPOSED = {
    "directory_records.py": {
        "self.columns | self.table | self.key": "names of a record's fields and TABLES",
        "marks | changes": "question marks, and names of fields with one each",
        "shape.columns | shape.table | shape.order": "the same",
        "where": "names of fields, which must have an index",
    },
    "erasing.py": {"ours | named": "statements of this function, constant"},
    "mailbox.py": {"marks": "question marks"},
    "migrate.py": {"number": "the version of a step, from its file's name"},
    "open.py": {"page_bytes": "a number of ours", "name | value": "the table of pragmas"},
    "pubsub.py": {"column": "a word of the two callers", "into | places": "constants of callers"},
    "queue.py": {"' AND '.join(conditions)": "constants, chosen by which values are given"},
    "queue_taking.py": {
        "column | column.removesuffix('_ms') | of | each | each.name": "constants, and of Priority"
    },
    "reports.py": {"' AND '.join(where)": "constants, chosen by which values are given"},
    "sealed_scan.py": {"table | where": "constants of the one caller"},
    "search.py": {
        "' AND '.join(where) | where | listing.sql": "conditions of Terms, which binds",
        "' AND '.join([f'n.id >= {self.bind(start)}', *conditions])": "the same",
        "label": "an expression of Terms.label, which binds",
        "self._id | self._tables": "constants of this class",
    },
    "search_plan.py": {"merged": "statements of streams"},
    "search_streams.py": {
        "label_number('?1', '?2')": "an expression with two values bound",
        "self.id | self.table | self.where | where": "a stream's table, and conditions of Terms",
    },
    "search_terms.py": {
        "key | loose_key | length | distance | match": "numbers of bound values",
        "row_id | label | condition": "expressions of this file",
    },
    "sending/book.py": {"table | mine": "constants of this function"},
    "sending/counts.py": {"columns": "COLUMNS of the keys asked for"},
    "sending/emails.py": {"where | order": "of page_sql: constants"},
    "sending/events.py": {"conditions | order": "constants, chosen by which values are given"},
    "sending/records.py": {"of | where": "constants, chosen by which values are given"},
    "sending/suppressions.py": {"where": "constants, chosen by which values are given"},
    "sending/webhooks.py": {"where | order | ours": "constants, chosen by which values are given"},
    "verify.py": {"statement": "_VOCABULARY, a constant"},
}


def parts_of(node):
    """Return the constant text of an expression that makes text, and what is put into it."""
    match node:
        case ast.JoinedStr():
            text = "".join(v.value for v in node.values if isinstance(v, ast.Constant))
            return text, [v.value for v in node.values if isinstance(v, ast.FormattedValue)]
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text, [node.right]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text, [*node.args, *(word.value for word in node.keywords)]
        case ast.BinOp(op=ast.Add()):
            found = [parts_of(side) for side in (node.left, node.right)]
            return "".join(text for text, _ in found), [one for _, more in found for one in more]
        case ast.Constant(value=str(text)):
            return text, []
    return "", [node]


def find_composed(source):
    """Yield every piece of a statement that is not constant text, as it is written."""
    for node in ast.walk(ast.parse(source)):
        text, pieces = parts_of(node)
        if WORDS.search(text):
            yield from map(ast.unparse, pieces)


FOUND = {
    (path.relative_to(SOURCE), piece)
    for path in SOURCE.rglob("*.py")
    if "testing" not in path.parts
    for piece in find_composed(path.read_text())
}


def test_statements_are_composed_in_the_store_alone():
    assert {str(path) for path, _ in FOUND if not path.is_relative_to(STORE)} == set()


def test_what_is_put_into_a_statement_is_ours():
    known = {
        (STORE / name, piece)
        for name, rows in COMPOSED.items()
        for said in rows
        for piece in said.split(" | ")
    }
    assert {
        (path, piece) for path, piece in FOUND - known if not HARMLESS.fullmatch(piece)
    } == set()
    assert known - FOUND == set(), "listed and not needed any more"


def test_a_value_in_a_statement_would_be_seen():
    for line in (
        "f\"SELECT 1 FROM message WHERE name = '{name}'\"",
        '"SELECT 1 FROM message WHERE name = \'" + name + "\'"',
        "\"DELETE FROM label WHERE name = '%s'\" % name",
        "\"DELETE FROM label WHERE name = '{}'\".format(name)",
    ):
        assert "name" in find_composed(line)
