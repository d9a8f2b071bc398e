"""penfold search --explain: how a query is read, and how it is answered."""

from typing import Any, Final

import typer
from msgspec import structs

from penfold.base.labels import FIRST_USER_LABEL, format_label_id
from penfold.domain.mailbox.paging import first_page_limit
from penfold.front.cli.output import show_text
from penfold.ports.mailbox import LabelRow, MailboxReader, Query, Step
from penfold.proto.search.describe import describe
from penfold.proto.search.print import print_query
from penfold.proto.search.tree import And, Label, System, label_key, loose_label_key

#: Columns of what stands in front of a step.
_TITLE: Final = 22


def explain_search(
    box: MailboxReader, query: Query, took_ms: float | None = None
) -> dict[str, Any]:
    """Return how the first page of a query is found; took_ms: None when it never was."""
    tree = query.tree or And(())
    how = box.explain(structs.replace(query, limit=first_page_limit(query.limit)))
    labels = box.list_labels()
    return {
        "reads": describe(tree, lambda node: say_label(node, labels)),
        "query": print_query(tree),
        "spamAndTrash": query.hidden,
        "walked": [_show_step(step) for step in how.steps if step.walked],
        "lookedUp": [_show_step(step) for step in how.steps if not step.walked],
        "expectedMs": round(how.cost_ms, 2),
        "tookMs": None if took_ms is None else round(took_ms, 2),
    }


def _show_step(step: Step) -> dict[str, Any]:
    return {"what": step.what, "messages": step.messages}


def print_explanation(how: dict[str, Any]) -> None:
    typer.echo("A message must have")
    for line in how["reads"]:
        typer.echo(f"  {show_text(line)}")
    where = "everywhere" if how["spamAndTrash"] else "outside spam and trash"
    typer.echo(f"{where}. Written out: {show_text(how['query'])}")
    for title, steps in (("Walked, newest first", "walked"), ("Looked up for each", "lookedUp")):
        for number, step in enumerate(how[steps]):
            label = "" if number else f"{title}:"
            what = show_text(step["what"])
            typer.echo(f"{label:{_TITLE}}{what} (about {step['messages']:,} messages)")
    expected = f" (expected: {how['expectedMs']:.1f})" if how["expectedMs"] else ""
    if how["tookMs"] is not None:
        typer.echo(f"It took {how['tookMs']:.1f} ms{expected}.\n")


def say_label(node: System | Label, labels: list[LabelRow]) -> str:
    """Return a label of a query as this mailbox has it."""
    row = _find_row(node, labels)
    if row is None:
        assert isinstance(node, Label), "every mailbox has the system labels"
        return f"label {node.key}, which is not here"
    count = f"{row.messages_total:,} message{'s'[: row.messages_total != 1]}"
    if isinstance(node, System):
        return f"label {row.name} ({count})"
    return f"label {row.name} ({format_label_id(row.number)}, {count})"


def _find_row(node: System | Label, labels: list[LabelRow]) -> LabelRow | None:
    """Return the label that is meant: the one with the very key, or the first that is like it."""
    if isinstance(node, System):
        return next(row for row in labels if row.number == node.number)
    mine = [row for row in labels if row.number >= FIRST_USER_LABEL]
    exact = (row for row in mine if label_key(row.name) == node.key)
    loose = (
        row for row in mine if loose_label_key(label_key(row.name)) == loose_label_key(node.key)
    )
    return next(exact, None) or next(loose, None)
