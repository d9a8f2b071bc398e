"""penfold search: what a query finds, and how."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from penfold.base.errors import TooCostlyError
from penfold.base.ids import format_message_id
from penfold.base.labels import FIRST_USER_LABEL, format_label_id
from penfold.base.limits import ESTIMATE_MAX, PAGE_MAX
from penfold.domain.access.aliases import list_own_aliases
from penfold.domain.mailbox.messages import list_messages, make_query
from penfold.domain.mailbox.paging import Page
from penfold.domain.mailbox.threads import list_matches
from penfold.domain.settings.senders import make_sender
from penfold.front.cli.doors import Doors, Moving
from penfold.front.cli.explaining import explain_search, print_explanation
from penfold.front.cli.output import (
    DATA_DEFAULT,
    Address,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_time,
)
from penfold.ports.directory import Account
from penfold.ports.mailbox import LabelRow, MailboxReader
from penfold.proto.address import parse_address_list

_COLUMNS: Final = ("date", "from", "subject", "labels", "id")
_CUT: Final = ("from", "subject", "labels")
#: System labels a person looks for; the others say where most mail is anyway.
_TELLING: Final = frozenset({"SENT", "DRAFT", "SPAM", "TRASH", "STARRED", "UNREAD"})


def add_search_command(commands: typer.Typer, doors: Doors) -> None:
    # A query may begin with a minus, and with -h: so no option is short, and what is none is text.
    @commands.command(
        "search", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]}
    )
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
        threads: Annotated[
            bool, typer.Option("--threads", help="Of each thread, only its newest match.")
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
                    me=_find_me(moving, box, account),
                )
                started = time.perf_counter()
                try:
                    page = (list_matches if threads else list_messages)(box, asked, "")
                except TooCostlyError:
                    if explain:  # now it is wanted most
                        _print_how(explain_search(box, asked), as_json=as_json)
                    raise
                took_ms = 1_000 * (time.perf_counter() - started)
                labels = {row.number: row for row in box.list_labels()}
                found = [_read(box, message_id, labels) for message_id, _ in page.items]
                how = explain_search(box, asked, took_ms) if explain else {}
        if as_json:
            print_json({**how, "estimate": page.estimate, "messages": found} if how else found)
            return
        if how:
            print_explanation(how)
        _print_found(found, page, "threads" if threads else "messages")


def _find_me(moving: Moving, box: MailboxReader, account: Account) -> tuple[str, ...]:
    """Return what from:me means."""
    aliases = list_own_aliases(moving.accounts.book, account)
    return make_sender(box, account, aliases).addresses


def _print_how(how: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(how)
    else:
        print_explanation(how)


def _print_found(found: list[dict[str, Any]], page: Page[tuple[int, int]], kind: str) -> None:
    rows = [_show(each) for each in found]
    print_rows(rows, _COLUMNS, as_json=False, none="Nothing was found.", cut=_CUT)
    for line in say_how_many(len(found), page.estimate, kind, more=bool(page.next_token)):
        typer.echo(line, err=True)


def _read(box: MailboxReader, message_id: int, labels: dict[int, LabelRow]) -> dict[str, Any]:
    """Return a message with members named as the API names them."""
    row = box.find_message(message_id)
    assert row is not None, "it was listed in this snapshot"
    headers = {name.lower(): value for name, value in reversed(box.get_structure(row.id).headers)}
    numbers = sorted(row.labels)
    return {
        "id": format_message_id(row.id),
        "threadId": format_message_id(row.thread_id),
        "internalDate": str(row.internal_ms),
        "date": show_time(row.internal_ms),
        "from": headers.get("from", ""),
        "subject": headers.get("subject", ""),
        "snippet": row.snippet,
        "labelIds": [format_label_id(number) for number in numbers],
        "labels": [labels[number].name for number in numbers if number >= FIRST_USER_LABEL],
    }


def _show(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as a person reads it: who, not their address; labels that matter."""
    telling = [label for label in message["labelIds"] if label in _TELLING]
    return {
        **message,
        "from": show_sender(message["from"]),
        "labels": [*message["labels"], *telling],
    }


def show_sender(header: str) -> str:
    """Return the names in a From header, or addresses where there is none."""
    people = parse_address_list(header, decoded=True)
    return ", ".join(each.name or each.address for each in people) or header


def say_how_many(shown: int, estimate: int, kind: str, *, more: bool) -> Sequence[str]:
    """Return the line below a listing; none where a program reads and nothing is left out."""
    if not more:
        return [f"{shown} {kind}."] if shown and sys.stdout.isatty() else []
    total = f"at least {max(ESTIMATE_MAX, shown + 1)}" if estimate >= ESTIMATE_MAX else estimate
    hint = "--limit N shows more" if shown < PAGE_MAX else "a before:YYYY/MM/DD shows older ones"
    return [f"{shown} of {total} {kind}; {hint}."]
