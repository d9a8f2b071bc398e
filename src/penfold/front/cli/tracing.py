"""penfold trace: where one mail is, or what became of the mail of an address."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from penfold.base.errors import ParseError
from penfold.domain.tracing.values import AddressTrace, MailTrace
from penfold.front.cli.doors import Doors, Tracers
from penfold.front.cli.moments import parse_moment
from penfold.front.cli.output import DATA_DEFAULT, AsJson, DataDir, print_json
from penfold.front.cli.trace_documents import show_address_trace, show_mail_trace
from penfold.front.cli.trace_pages import print_address_trace, print_mail_trace
from penfold.ports.directory import Account
from penfold.proto.address import parse_mailbox

#: An id as the API shows it: hexadecimal, and of this age at least ten digits.
_API_ID: Final = re.compile(r"[0-9a-fA-F]{10,16}")


def add_trace_command(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("trace")
    def trace(
        target: Annotated[
            str,
            typer.Argument(
                metavar="MESSAGE-ID|ADDRESS|MESSAGE",
                help="A Message-ID (with or without <>), an address, or a message id of the API.",
            ),
        ],
        *,
        since: Annotated[
            str | None,
            typer.Option(metavar="WHEN", help="Only what is newer: 12h, 7d, 2026-11-27."),
        ] = None,
        limit: Annotated[
            int, typer.Option(min=1, max=500, metavar="N", help="Mails of an address at most.")
        ] = 20,
        within: Annotated[
            list[str] | None,
            typer.Option(
                "--in",
                metavar="ACCOUNT",
                help="Look into this mailbox only; may be repeated. Quicker with many accounts.",
            ),
        ] = None,
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Follow a mail from its arrival to the last reply, or list the mail of an address.

        Of a mail: the mailboxes that have it and how it got there, the outbox and queue rows with
        their attempts, the notices that came back. Of an address: its last mails both ways with
        the state of each, and whether its domain is held. Both say what to do next. Works beside
        the running server; exit code 1 when nothing is found.
        """
        now_ms = doors.now_ms()
        since_ms = 0 if since is None else parse_moment(since, now_ms=now_ms)
        with doors.open_tracers(Path(data)) as tracers:
            accounts = [tracers.get_account(each) for each in within or ()]
            found = _trace(tracers, target.strip(), limit=limit, since_ms=since_ms, within=accounts)
        if isinstance(found, MailTrace):
            if as_json:
                print_json(show_mail_trace(found, now_ms))
            else:
                print_mail_trace(found, now_ms)
            empty = found.is_empty
        else:
            if as_json:
                print_json(show_address_trace(found, now_ms))
            else:
                print_address_trace(found, now_ms)
            empty = not found.entries
        if empty:
            raise typer.Exit(1)


def _trace(
    tracers: Tracers, target: str, *, limit: int, since_ms: int, within: Sequence[Account]
) -> MailTrace | AddressTrace:
    """Return what the target is about: what looks like an address may be a Message-ID."""
    if "@" not in target and _API_ID.fullmatch(target):
        return tracers.mail.trace_message(target, within=within)
    address = _find_address(target)
    if address is None or not tracers.address.is_known(address):
        mail = tracers.mail.trace(target, since_ms=since_ms, within=within)
        if address is None or not mail.is_empty:
            return mail
    return tracers.address.trace(address, limit=limit, since_ms=since_ms, within=within)


def _find_address(target: str) -> str | None:
    """Return the target as an address, None when it cannot be one."""
    if target.startswith("<"):
        return None
    try:
        return parse_mailbox(target)
    except ParseError:
        return None
