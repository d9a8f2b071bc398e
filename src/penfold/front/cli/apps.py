"""penfold app add|list|remove, penfold service-account add: programs that get access."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from penfold.domain.access.local_mode import ServiceSecret, client_document, service_document
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import (
    DATA_DEFAULT,
    AsJson,
    DataDir,
    WrongUseError,
    print_rows,
    show_time,
)
from penfold.front.cli.scopes import parse_scopes
from penfold.ports.identity import Client

Kind = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="desktop|web|device",
        help="desktop: runs on people's own machines; web: runs on a server; device: has no "
        "keyboard to sign in with, and may learn only who somebody is.",
    ),
]
RedirectUri = Annotated[
    list[str] | None,
    typer.Option(metavar="URI", help="Where people return to; may be repeated. Web needs one."),
]
Rotate = Annotated[
    bool,
    typer.Option(
        "--rotate", help="Replace its refresh token at each use; the old one shown again ends both."
    ),
]
Testing = Annotated[
    bool,
    typer.Option("--testing", help='Its consent screen is "Testing": access ends after 7 days.'),
]


def app_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold app`."""
    commands = typer.Typer(
        help="Applications that ask people for access (OAuth clients).", no_args_is_help=True
    )
    _add_add(commands, doors)

    @commands.command("list")
    def list_(*, as_json: AsJson = False, data: DataDir = DATA_DEFAULT) -> None:
        """List the OAuth clients."""
        with doors.open_identity(Path(data)) as identity:
            rows = [_row(client) for client in identity.book.list_by(Client)]
        columns = ("id", "name", "type", "redirect_uris", "created")
        print_rows(rows, columns, as_json=as_json, none="There are no applications.")

    @commands.command("remove")
    def remove(
        client_id: Annotated[
            str, typer.Argument(metavar="ID", help="The id, as `penfold app list` shows it.")
        ],
        *,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Remove an application; its tokens end."""
        with doors.open_identity(Path(data)) as identity:
            identity.clients.remove(client_id)
        typer.echo(f"Removed {client_id}; every token it was given has ended.")

    return commands


def _add_add(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("add")
    def add(
        name: Annotated[
            str, typer.Argument(metavar="NAME", help="What people see when asked for consent.")
        ],
        *,
        kind: Kind = "desktop",
        redirect_uri: RedirectUri = None,
        rotate: Rotate = False,
        testing: Testing = False,
        out: Annotated[
            str, typer.Option(metavar="FILE", help="The file to write.")
        ] = "client_secret.json",
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make an application and write its client_secret.json.

        The file has the form Google's console gives; client libraries read it as it is.
        """
        path = Path(out)
        _check_free(path)
        base = doors.load_base_url(Path(data))
        with doors.open_identity(Path(data)) as identity:
            new = identity.clients.add(
                name,
                kind=kind,
                redirect_uris=tuple(redirect_uri or ()),
                rotates=rotate,
                testing=testing,
            )
        document = client_document(
            new.client.id,
            new.secret,
            kind=kind,
            base=base,
            redirect_uris=new.client.redirect_uris,
        )
        _save(doors, path, document)
        typer.echo(f"Made {new.client.id}; wrote {path}.")


def service_account_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold service-account`."""
    commands = typer.Typer(no_args_is_help=True)

    @commands.callback()
    def group() -> None:
        """Service accounts: programs that act for people."""

    @commands.command("add")
    def add(
        name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and hyphens.")],
        *,
        delegate: Annotated[
            str, typer.Option(metavar="DOMAIN", help="Let it act for every account of DOMAIN.")
        ] = "",
        scope: Annotated[
            list[str] | None,
            typer.Option(
                metavar="SCOPE",
                help="What it may do for them, such as gmail.readonly; may be repeated. "
                "[default: everything]",
            ),
        ] = None,
        out: Annotated[
            str, typer.Option(metavar="FILE", help="The file to write. [default: NAME.json]")
        ] = "",
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Make a service account and write its key file.

        The file has the form Google's console gives; client libraries read it as it is.
        """
        scopes = parse_scopes(scope or ())
        path = Path(out or f"{name}.json")
        _check_free(path)
        base = doors.load_base_url(Path(data))
        with doors.open_identity(Path(data)) as identity:
            new = identity.clients.add_service_account(name, domain=delegate, scopes=scopes)
        secret = ServiceSecret(new.account.email, new.client.id, new.key.kid, new.key.private)
        _save(doors, path, service_document(secret, base=base))
        typer.echo(f"Made {new.account.email}; wrote {path}.")

    return commands


def _check_free(path: Path) -> None:
    """Refuse a file that cannot be written before anything is made."""
    if path.exists():
        raise WrongUseError(f"{path} is there already; name another with --out FILE")
    if not path.absolute().parent.is_dir():
        raise WrongUseError(f"{path}: its folder is not there; make it, or name another with --out")


def _save(doors: Doors, path: Path, document: Mapping[str, Any]) -> None:
    doors.save_private(path, json.dumps(document, indent=2).encode() + b"\n")


def _row(client: Client) -> dict[str, object]:
    return {
        "id": client.id,
        "name": client.name,
        "type": client.kind,
        "redirect_uris": list(client.redirect_uris),
        "rotates": client.rotates,
        "testing": client.testing,
        "project": client.project,
        "created": show_time(client.created_ms),
    }
