"""penfold token ADDRESS: an access token without a browser."""

from pathlib import Path
from typing import Annotated

import typer

from penfold.base.errors import NotFoundError
from penfold.domain.access import local_mode
from penfold.domain.access.local_mode import DEFAULT_SCOPES, user_document
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import DATA_DEFAULT, DataDir, print_json
from penfold.front.cli.scopes import parse_scopes


def add_token_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold token`."""

    @commands.command("token")
    def token(
        address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose mailbox it opens.")],
        *,
        scope: Annotated[
            list[str] | None,
            typer.Option(
                metavar="SCOPE",
                help="What it may do, such as gmail.readonly; may be repeated. "
                "[default: the scopes of alice.json]",
            ),
        ] = None,
        as_json: Annotated[
            bool,
            typer.Option("--json", help="Print an authorized-user file for Google's libraries."),
        ] = False,
        data: DataDir = DATA_DEFAULT,
    ) -> None:
        """Print an access token for an account.

        It lives for an hour. With --json a refresh token comes with it, in the form that
        Google's libraries read. Works beside a running server.
        """
        scopes = parse_scopes(scope or ()) or DEFAULT_SCOPES
        folder = Path(data)
        with doors.open_identity(folder) as identity:
            client = identity.clients.find_house()
            if client is None:
                raise NotFoundError(
                    "no application to issue tokens for; the next start of the server makes one"
                )
            account = identity.accounts.get(address)
            issued = identity.grants.issue_token(account, client, scopes, offline=as_json)
        if not as_json:
            typer.echo(issued.access_token)
            return
        known = local_mode.parse(doors.load_credentials(folder))
        print_json(
            user_document(
                account.address,
                token=issued.access_token,
                refresh_token=issued.refresh_token,
                expires_ms=issued.expires_ms,
                client_id=client.id,
                client_secret=known.client_secret if known.client_id == client.id else "",
                scopes=scopes,
                base=doors.load_base_url(folder),
            )
        )
