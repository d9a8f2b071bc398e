"""The whole command line, assembled."""

from importlib import import_module
from typing import Annotated, Final

import typer

from penfold import __version__
from penfold.front.cli.doors import Doors

#: What makes each command. A maker of a group returns it; one whose name begins with "add_" adds
#: its command itself. --help lists commands first, then groups, each in this order.
_MAKERS: Final = {
    "serve": "serving.add_serve_command",
    "user": "users.user_commands",
    "app": "apps.app_commands",
    "service-account": "apps.service_account_commands",
    "token": "tokens.add_token_command",
    "app-password": "users.app_password_commands",
    "domain": "domains.domain_commands",
    "alias": "aliases.alias_commands",
    "audit": "audit.audit_commands",
    "sending": "sending.sending_commands",
    "queue": "queue.queue_commands",
    "reports": "reports.reports_commands",
    "trace": "tracing.add_trace_command",
    "quota": "quota.quota_commands",
    "import": "moving.add_import_command",
    "export": "moving.add_export_command",
    "search": "searching.add_search_command",
    "check": "checking.add_check_command",
    "placement": "placement.add_placement_command",
    "template": "templates.template_commands",
    "data": "data.data_commands",
    "doctor": "doctor.add_doctor_command",
    "top": "top.add_top_command",
    "api": "api.api_commands",
    "fault": "faults.fault_commands",
    "config": "serving.config_commands",
}


def build_cli(doors: Doors, name: str = "") -> typer.Typer:
    """Return the command `penfold`, with this command alone if there is one of the name.

    Loading one command takes a third of the time that all take.
    """
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

    for each in [name] if name in _MAKERS else _MAKERS:
        _add(commands, doors, each)
    return commands


def _add(commands: typer.Typer, doors: Doors, name: str) -> None:
    module, _, maker = _MAKERS[name].partition(".")
    make = getattr(import_module(f"penfold.front.cli.{module}"), maker)
    if maker.startswith("add_"):
        make(commands, doors)
    else:
        commands.add_typer(make(doors), name=name)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        typer.echo(__version__)
        raise typer.Exit
