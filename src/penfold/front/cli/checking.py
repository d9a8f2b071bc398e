"""penfold check: look at an email before it is sent."""

import base64
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec.structs import replace

from penfold.base.limits import SENDING_BODY_MAX_BYTES
from penfold.domain.sending.preflight.remarks import Review, Severity
from penfold.domain.sending.preflight.showing import review_refusal, show_review
from penfold.front.cli.doors import Doors, PreflightTools
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    print_json,
    print_rows,
    show_text,
)
from penfold.front.http.sending.reading import read_json
from penfold.spec.sending.problems import SendingError
from penfold.spec.sending.schemas import SendEmail, SendRaw

_COLUMNS: Final = ("severity", "field", "code", "message")


def add_check_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold check`."""

    @commands.command("check")
    def check(
        file: Annotated[
            Path,
            typer.Argument(
                metavar="FILE", help="An .eml file, or the JSON that POST /v1/emails would get."
            ),
        ],
        *,
        account: Annotated[
            str,
            typer.Option(
                metavar="ADDRESS",
                help="Whose templates, streams and sending domains count. [default: nobody's "
                "templates and streams, and every sending domain]",
            ),
        ] = "",
        stream: Annotated[
            str,
            typer.Option(metavar="STREAM", help="Sent in it. [default: what the JSON says]"),
        ] = "",
        as_json: AsJson = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Say what would be counted against an email, and what to do about it. Nothing is sent.

        It is made and signed as it would leave, and judged as arrivals are judged here: SPF, DKIM,
        DMARC, size, parts, links, unsubscribing, and the spam score of the setting rspamd. In local
        mode the DNS is not asked. Exit code 1 when it would be refused or end as spam: when there
        is an error among the findings. See docs/before-sending.md.
        """
        octets = doors.find_templates().load_file(file, SENDING_BODY_MAX_BYTES)
        with doors.open_preflight(Path(data)) as tools:
            review = _look(tools, octets, account=account, stream=stream)
        if as_json:
            print_json(msgspec.to_builtins(show_review(review)))
        else:
            _show(review)
        if not review.passes:
            raise typer.Exit(1)


def read_email(octets: bytes, stream: str) -> SendEmail | SendRaw:
    """Return the call a file stands for: JSON, or else a message. SendingError."""
    body: SendEmail | SendRaw
    if octets.lstrip()[:1] == b"{":
        body = read_json(octets, SendEmail)
    else:
        body = SendRaw(raw=base64.urlsafe_b64encode(octets).decode())
    return replace(body, stream=stream) if stream else body


def _look(tools: PreflightTools, octets: bytes, *, account: str, stream: str) -> Review:
    caller = tools.make_caller(account)
    try:
        return tools.preflight.check(read_email(octets, stream), caller)
    except SendingError as error:
        return review_refusal(error)


def _show(review: Review) -> None:
    rows = [
        {
            "severity": one.severity.value,
            "field": one.field,
            "code": one.code,
            "message": one.message,
        }
        for one in review.remarks
    ]
    print_rows(rows, _COLUMNS, as_json=False, none="Nothing is counted against it.")
    for line in _sum_up(review):
        typer.echo(show_text(line), err=True)


def _sum_up(review: Review) -> list[str]:
    lines = []
    if review.authentication:
        found = review.authentication
        lines.append(
            f"Receivers would find: SPF {found.spf}, DKIM {found.dkim}, DMARC {found.dmarc}."
        )
    if review.spam:
        lines.append(f"rspamd: {review.spam.said}, score {review.spam.score:.1f}.")
    if review.size:
        lines.append(f"{review.size:,} octets; links: {len(review.links)}.")
    errors = sum(one.severity is Severity.ERROR for one in review.remarks)
    if errors:
        lines.append(f"{errors} of {len(review.remarks)} findings would have it refused, or spam.")
    else:
        lines.append("Nothing of what was looked at would have it refused.")
    return lines
