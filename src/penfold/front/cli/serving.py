"""penfold serve and penfold config show: both take every setting as a flag.

The flags come from spec/settings.py, so a new setting shows up here by itself.
"""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from penfold.domain.access.accounts import parse_domain_name
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import AsJson, print_rows
from penfold.spec.sample import make_sample
from penfold.spec.settings import SETTINGS, Setting


def add_serve_command(commands: typer.Typer, doors: Doors) -> None:
    """Add `penfold serve`."""

    def serve(**flags: str | None) -> None:
        given = [part for name, value in flags.items() if value for part in (_flag(name), value)]
        raise typer.Exit(doors.serve(given))

    serve.__doc__ = """Run the server until it is stopped.

    Without a configuration it runs in local mode: the domain penfold.test with two accounts,
    whose credentials are written to the data directory; mail for other domains is captured.
    When everything listens, one line of JSON is printed (or a banner, on a terminal).
    """
    commands.command("serve")(_with_settings(serve))


def config_commands(doors: Doors) -> typer.Typer:
    """Return the commands of `penfold config`."""
    commands = typer.Typer(no_args_is_help=True)

    @commands.callback()
    def group() -> None:
        """Settings: what is in force, and a file to begin with."""

    def show(*, as_json: bool, **flags: str | None) -> None:
        values = doors.load_values({name: value for name, value in flags.items() if value})
        rows = [
            {
                "setting": v.name,
                "value": v.value if as_json else v.value or _unset(v.sentence),
                "from": v.origin,
                "meaning": v.sentence,
            }
            for v in values
        ]
        print_rows(rows, ("setting", "value", "from"), as_json=as_json)

    show.__doc__ = """Show every setting in force and where it comes from.

    A flag goes before an environment variable, that before penfold.toml, that before the default.
    """
    parameter = inspect.Parameter(
        "as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJson
    )
    commands.command("show")(_with_settings(show, parameter))
    _add_sample(commands)
    return commands


def _add_sample(commands: typer.Typer) -> None:
    @commands.command("sample")
    def sample(
        *,
        domain: Annotated[
            str,
            typer.Option(
                metavar="DOMAIN", help="Set what a server for this domain on the internet needs."
            ),
        ] = "",
    ) -> None:
        """Print a commented penfold.toml with every setting.

        Nothing in it counts before the # in front of a line is gone; with --domain the lines on
        top do. `penfold config sample --domain example.org > penfold.toml` is a beginning.
        """
        typer.echo(make_sample(parse_domain_name(domain) if domain else ""), nl=False)


def _with_settings(function: Callable[..., None], *more: inspect.Parameter) -> Callable[..., None]:
    """Return the function with a parameter for every setting that has a flag."""
    parameters = [_parameter(setting) for setting in SETTINGS if setting.serve]
    function.__signature__ = inspect.Signature([*parameters, *more])  # type: ignore[attr-defined]  # typer reads it
    function.__annotations__ = {each.name: each.annotation for each in (*parameters, *more)}
    return function


def _parameter(setting: Setting) -> inspect.Parameter:
    default = setting.default
    shown = f" [default: {default}]" if default and "[default" not in setting.sentence else ""
    option = typer.Option(
        setting.flag,
        metavar=setting.metavar,
        help=f"{setting.sentence}{shown} [env: {setting.env}]",
        show_default=False,
    )
    annotation: Any = Annotated[str | None, option]
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _unset(sentence: str) -> str:
    """Return what holds while nobody has set the setting, as its sentence says."""
    default = sentence.partition("[default: ")[2].rstrip("]")
    return f"({default or 'not set'})"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
