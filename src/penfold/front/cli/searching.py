"""penfold search: what a query finds, and how."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import structs

from penfold.base.ids import format_message_id
from penfold.base.labels import FIRST_USER_LABEL, format_label_id
from penfold.base.limits import ESTIMATE_MAX, PAGE_MAX
from penfold.domain.messages import list_messages, make_query
from penfold.domain.senders import make_sender
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_text,
    show_time,
)
from penfold.front.cli.users import Address
from penfold.ports.mailbox import Explanation, MailboxReader, Query
from penfold.proto.search.describe import describe
from penfold.proto.search.print import print_query
from penfold.proto.search.tree import And

_COLUMNS: Final = ("date", "from", "subject", "id")


def add_search_command(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("search")
    def search(
        address: Address,
        query: Annotated[
            str, typer.Argument(metavar="QUERY", help="As in the API's q; '' lists all mail.")
        ] = "",
        *,
        limit: Annotated[
            int, typer.Option(min=1, max=PAGE_MAX, help="How many messages to show.")
        ] = 25,
        include_spam_trash: Annotated[
            bool, typer.Option("--include-spam-trash", help="Also what is in SPAM and TRASH.")
        ] = False,
        explain: Annotated[
            bool, typer.Option("--explain", help="Say how the query is read and answered.")
        ] = False,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Search a mailbox as the API's q does, newest first.

        Put the query in quotes: penfold search alice@penfold.test 'from:bob has:attachment -draft'.
        Dates are Pacific time, as in the API. See docs/searching.md.
        """
        with doors.open_moving(Path(data)) as moving:
            account = moving.accounts.get(address)
            with moving.mailboxes.open_reader(account.id) as box:
                asked = make_query(
                    box,
                    q=query,
                    include_spam_trash=include_spam_trash,
                    max_results=limit,
                    now_ms=doors.now_ms(),
                    me=make_sender(box, account).addresses,
                )
                started = time.perf_counter()
                page = list_messages(box, asked, "")
                took_ms = 1_000 * (time.perf_counter() - started)
                names = {row.number: row.name for row in box.list_labels()}
                found = [_read(box, message_id, names) for message_id, _ in page.items]
                how = box.explain(structs.replace(asked, limit=ESTIMATE_MAX)) if explain else None
        if as_json:
            facts = _explain(asked, how, took_ms) if how else {}
            print_json({**facts, "estimate": page.estimate, "messages": found} if facts else found)
            return
        if how:
            _print_explanation(asked, how, took_ms)
        print_rows(found, _COLUMNS, as_json=False, none="Nothing was found.")
        if page.next_token:
            many = f"{ESTIMATE_MAX} or more" if page.estimate >= ESTIMATE_MAX else page.estimate
            typer.echo(f"{len(found)} of {many}; --limit N shows more.", err=True)


def _read(box: MailboxReader, message_id: int, names: dict[int, str]) -> dict[str, Any]:
    """Return a message as the API and a person would name its members."""
    row = box.find_message(message_id)
    assert row is not None, "it was listed in this snapshot"
    headers = {name.lower(): value for name, value in reversed(box.get_structure(row.id).headers)}
    return {
        "id": format_message_id(row.id),
        "threadId": format_message_id(row.thread_id),
        "internalDate": str(row.internal_ms),
        "date": show_time(row.internal_ms),
        "from": headers.get("from", ""),
        "subject": headers.get("subject", ""),
        "snippet": row.snippet,
        "labelIds": [format_label_id(number) for number in sorted(row.labels)],
        "labels": [names[number] for number in sorted(row.labels) if number >= FIRST_USER_LABEL],
    }


def _explain(query: Query, how: Explanation, took_ms: float) -> dict[str, Any]:
    tree = query.tree or And(())
    return {
        "reads": describe(tree),
        "query": print_query(tree),
        "spamAndTrash": query.hidden,
        "walked": [_show_step(step) for step in how.steps if step.walked],
        "lookedUp": [_show_step(step) for step in how.steps if not step.walked],
        "expectedMs": round(how.cost_ms, 2),
        "tookMs": round(took_ms, 2),
    }


def _show_step(step: Any) -> dict[str, Any]:
    return {"what": step.what, "messages": step.messages}


def _print_explanation(query: Query, how: Explanation, took_ms: float) -> None:
    said = _explain(query, how, took_ms)
    typer.echo("A message must have")
    for line in said["reads"]:
        typer.echo(f"  {show_text(line)}")
    where = "everywhere" if query.hidden else "outside spam and trash"
    typer.echo(f"{where}. Written out: {show_text(said['query'])}")
    for title, steps in (("Walked, newest first", "walked"), ("Looked up for each", "lookedUp")):
        for number, step in enumerate(said[steps]):
            label = f"{title}:" if not number else ""
            typer.echo(f"{label:22}{show_text(step['what'])} (about {step['messages']:,} messages)")
    expected = f" (expected: {how.cost_ms:.1f})" if how.cost_ms else ""
    typer.echo(f"It took {took_ms:.1f} ms{expected}.\n")
