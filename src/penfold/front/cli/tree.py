"""The whole command line, assembled."""

from typing import Annotated

import typer

from penfold import __version__
from penfold.front.cli.aliases import alias_commands
from penfold.front.cli.api import api_commands
from penfold.front.cli.apps import app_commands, service_account_commands
from penfold.front.cli.audit import audit_commands
from penfold.front.cli.checking import add_check_command
from penfold.front.cli.data import data_commands
from penfold.front.cli.doctor import add_doctor_command
from penfold.front.cli.domains import domain_commands
from penfold.front.cli.doors import Doors
from penfold.front.cli.faults import fault_commands
from penfold.front.cli.moving import add_export_command, add_import_command
from penfold.front.cli.placement import add_placement_command
from penfold.front.cli.queue import queue_commands
from penfold.front.cli.quota import quota_commands
from penfold.front.cli.reports import reports_commands
from penfold.front.cli.searching import add_search_command
from penfold.front.cli.sending import sending_commands
from penfold.front.cli.serving import add_serve_command, config_commands
from penfold.front.cli.templates import template_commands
from penfold.front.cli.tokens import add_token_command
from penfold.front.cli.top import add_top_command
from penfold.front.cli.tracing import add_trace_command
from penfold.front.cli.users import app_password_commands, user_commands


def build_cli(doors: Doors) -> typer.Typer:
    """Return the command `penfold`."""
    commands = typer.Typer(
        name="penfold",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @commands.callback()
    def penfold(
        *,
        version: Annotated[
            bool,
            typer.Option(
                "--version", help="Print the version and end.", callback=_version, is_eager=True
            ),
        ] = False,
    ) -> None:
        """Penfold: the Gmail API on your own machine.

        Start with `penfold serve`. Every listing takes --json. Exit codes: 0 done, 1 what was
        asked for failed, 2 wrong use or environment.
        """

    add_serve_command(commands, doors)
    commands.add_typer(user_commands(doors), name="user")
    commands.add_typer(app_commands(doors), name="app")
    commands.add_typer(service_account_commands(doors), name="service-account")
    add_token_command(commands, doors)
    commands.add_typer(app_password_commands(doors), name="app-password")
    commands.add_typer(domain_commands(doors), name="domain")
    commands.add_typer(alias_commands(doors), name="alias")
    commands.add_typer(audit_commands(doors), name="audit")
    commands.add_typer(sending_commands(doors), name="sending")
    add_check_command(commands, doors)
    add_placement_command(commands, doors)
    commands.add_typer(queue_commands(doors), name="queue")
    commands.add_typer(reports_commands(doors), name="reports")
    add_trace_command(commands, doors)
    commands.add_typer(quota_commands(doors), name="quota")
    add_import_command(commands, doors)
    add_export_command(commands, doors)
    add_search_command(commands, doors)
    commands.add_typer(template_commands(doors), name="template")
    commands.add_typer(data_commands(doors), name="data")
    add_doctor_command(commands, doors)
    add_top_command(commands, doors)
    commands.add_typer(api_commands(), name="api")
    commands.add_typer(fault_commands(doors), name="fault")
    commands.add_typer(config_commands(doors), name="config")
    return commands


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        typer.echo(__version__)
        raise typer.Exit
