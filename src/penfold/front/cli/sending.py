"""penfold sending key add|list|rotate|revoke: API keys of the sending API; its other commands."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.base.limits import SENDING_ROTATE_MAX_MS
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.keys import Shown
from penfold.domain.sending.new_key import (
    read_domains,
    read_name,
    read_networks,
    read_scopes,
    read_streams,
)
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_rows,
    show_time,
)
from penfold.front.cli.sending_account import find_account
from penfold.front.cli.sending_balance import balance_commands
from penfold.front.cli.sending_domains import sending_domain_commands
from penfold.front.cli.sending_stats import add_stats
from penfold.front.cli.sending_streams import stream_commands
from penfold.ports.sending.records import ApiKey
from penfold.spec.sending.scopes import DEFAULT_SCOPES, SCOPES

_DAY_MS = 86_400_000

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account it belongs to.")]
KeyId = Annotated[
    str, typer.Argument(metavar="ID", help="The id, as `penfold sending key list` shows it.")
]
Scope = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SCOPE",
        help=f"What it may do; may be repeated. One of {', '.join(SCOPES)}. "
        f"[default: {' and '.join(DEFAULT_SCOPES)}]",
    ),
]
Domain = Annotated[
    list[str] | None,
    typer.Option(metavar="DOMAIN", help="Send from this domain only; may be repeated."),
]
Stream = Annotated[
    list[str] | None,
    typer.Option(metavar="STREAM", help="Send in this stream only; may be repeated."),
]
Network = Annotated[
    list[str] | None,
    typer.Option(metavar="NETWORK", help="Usable from there only: 192.0.2.0/24; may be repeated."),
]
Test = Annotated[
    bool, typer.Option("--test", help="A test key: what it sends goes nowhere and costs nothing.")
]
Days = Annotated[
    int,
    typer.Option(metavar="DAYS", min=0, max=36_500, help="Ends after so many days; 0: never."),
]
Grace = Annotated[
    int,
    typer.Option(
        metavar="HOURS",
        min=0,
        max=SENDING_ROTATE_MAX_MS // 3_600_000,
        help="The old secret is good for so long.",
    ),
]


def sending_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold sending`."""
    commands = typer.Typer(no_args_is_help=True)

    @commands.callback()
    def group() -> None:
        """The sending API: mail from applications. docs/sending-api.md tells about it."""

    keys = typer.Typer(help="API keys.", no_args_is_help=True)
    _add_add(keys, doors)
    _add_others(keys, doors)
    commands.add_typer(keys, name="key")
    commands.add_typer(sending_domain_commands(doors), name="domain")
    commands.add_typer(balance_commands(doors), name="balance")
    commands.add_typer(stream_commands(doors), name="stream")
    add_stats(commands, doors)
    return commands


def _add_add(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("add")
    def add(  # noqa: PLR0913 - one option each
        address: Address,
        name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
        *,
        scope: Scope = None,
        domain: Domain = None,
        stream: Stream = None,
        network: Network = None,
        test: Test = False,
        days: Days = 0,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make an API key and show its secret, this once."""
        findings = Findings()
        with doors.open_sending(Path(data)) as tools:
            key = ApiKey(
                "",
                find_account(tools, address),
                read_name(name, findings),
                0,
                test,
                read_scopes(scope or DEFAULT_SCOPES, findings),
                read_domains(domain or (), findings),
                read_streams(stream or (), findings),
                read_networks(network or (), findings),
                doors.now_ms() + days * _DAY_MS if days else 0,
            )
            if findings:
                raise WrongUseError("; ".join(one.message for one in findings.errors))
            made = tools.keys.add(key)
        typer.echo(made.secret)
        typer.echo(f"Made the key {made.key.id}; the secret is not shown again.", err=True)


def _add_others(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("list")
    def list_(address: Address, *, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List an account's API keys, with the last four characters of their secrets."""
        with doors.open_sending(Path(data)) as tools:
            rows = [_row(one) for one in tools.keys.list(find_account(tools, address))]
        columns = ("id", "name", "test", "secret", "scopes", "created", "expires", "revoked")
        print_rows(rows, columns, as_json=as_json, none="The account has no API keys.")

    @commands.command("rotate")
    def rotate(
        address: Address, key_id: KeyId, *, grace: Grace = 24, data: DataDir = DATA_DEFAULT
    ) -> None:
        """Give a key a new secret and show it, this once."""
        with doors.open_sending(Path(data)) as tools:
            account = find_account(tools, address)
            made = tools.keys.rotate(key_id, account, grace_ms=grace * 3_600_000)
        typer.echo(made.secret)
        typer.echo(f"The old secret is good for {grace} hours more.", err=True)

    @commands.command("revoke")
    def revoke(address: Address, key_id: KeyId, *, data: DataDir = DATA_DEFAULT) -> None:
        """End a key at once. What it sent stays; what waits is still sent."""
        with doors.open_sending(Path(data)) as tools:
            ended = tools.keys.revoke(key_id, find_account(tools, address))
        typer.echo(f"Revoked {ended.name} ({ended.id}).")


def _row(shown: Shown) -> dict[str, object]:
    key = shown.key
    return {
        "id": key.id,
        "name": key.name,
        "test": key.test,
        "secret": [f"…{one.last4}" for one in shown.secrets],
        "scopes": list(key.scopes),
        "domains": list(key.domains),
        "streams": list(key.streams),
        "networks": list(key.networks),
        "created": show_time(key.created_ms),
        "expires": show_time(key.expires_ms) if key.expires_ms else "",
        "revoked": show_time(key.revoked_ms) if key.revoked_ms else "",
    }
