"""penfold template: look at templates in a folder, without a server."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Final

import typer

from penfold.base.limits import VARIABLES_MAX_BYTES
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import AsJson, WrongUseError, print_json, show_text
from penfold.ports.rendering import Job, Renderer
from penfold.proto.templates.folder import Entry, Library, parse_folder
from penfold.proto.templates.model import Compiled, Finding, Rendered, RenderError, TemplateError
from penfold.proto.templates.schema import parse_schema
from penfold.proto.templates.variables import check_variables

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder of templates, see docs/templates.md.")
]
#: A command is stopped by its process ending.
_GO_ON: Final = Event()


def template_commands(doors: Doors) -> typer.Typer:
    commands = typer.Typer(no_args_is_help=True, help="Templates of mail that applications send.")

    @commands.command("preview")
    def preview(
        folder: Folder,
        name: Annotated[str, typer.Argument(metavar="NAME", help="The template's folder.")],
        *,
        data: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Variables as JSON, in place of its sample.json."),
        ] = None,
        out: Annotated[
            Path | None, typer.Option(metavar="FILE.html", help="Where to put the HTML.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Print the subject and text one template makes, and what is worth a look.

        No server is needed and nothing is sent.
        """
        library, entry = _find(doors, folder, name)
        variables = _load_variables(doors, entry, data)
        with doors.templates.open_renderer() as renderer, _each_on_a_line():
            compiled = _compile(renderer, library, entry)
            _check_variables(compiled, variables)
            job = Job(name, compiled, variables, warn=True)
            (made,) = renderer.render_many([job], stopping=_GO_ON)
        if isinstance(made, RenderError):
            raise made
        if out is not None and made.html is not None:
            doors.save_private(out, made.html.encode())
        _print(made, compiled.warnings, as_json=as_json)

    @commands.command("check")
    def check(folder: Folder) -> None:
        """Say all that is wrong with the templates of a folder; exit code 1 if anything is."""
        with _each_on_a_line():
            library = parse_folder(doors.templates.load_folder(folder))
        wrong: list[Finding] = []
        with doors.templates.open_renderer() as renderer:
            for name, entry in library.templates.items():
                try:
                    _compile(renderer, library, entry)
                except TemplateError as error:
                    wrong += [_within(name, each) for each in error.findings]
        for each in wrong:
            typer.echo(show_text(str(each)), err=True)
        typer.echo(f"{len(library.templates)} templates, {len(wrong)} mistakes")
        if wrong:
            raise typer.Exit(1)

    return commands


def _find(doors: Doors, folder: Path, name: str) -> tuple[Library, Entry]:
    with _each_on_a_line():
        library = parse_folder(doors.templates.load_folder(folder))
    entry = library.templates.get(name)
    if entry is None:
        there = ", ".join(list(library.templates)[:20]) or "none"
        raise WrongUseError(f"there is no template {name} in {folder}; there is {there}")
    return library, entry


def _load_variables(doors: Doors, entry: Entry, data: Path | None) -> dict[str, Any]:
    if data is None:
        return entry.source.sample or {}
    try:
        found = json.loads(doors.templates.load_file(data, VARIABLES_MAX_BYTES))
    except ValueError as error:
        raise WrongUseError(f"{data} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise WrongUseError(f"{data} must be an object in braces")
    return found


def _compile(renderer: Renderer, library: Library, entry: Entry) -> Compiled:
    return renderer.compile(entry.source, library.layouts, library.partials, stopping=_GO_ON)


def _check_variables(compiled: Compiled, variables: dict[str, Any]) -> None:
    blank = compiled.on_missing == "blank"
    wrong = check_variables(parse_schema(compiled.schema), variables, missing_is_blank=blank)
    if wrong:
        raise TemplateError(tuple(Finding(each.code, each.message) for each in wrong))


def _within(name: str, finding: Finding) -> Finding:
    return Finding(finding.code, finding.message, f"{name}: {finding.where}", finding.line)


@contextmanager
def _each_on_a_line() -> Iterator[None]:
    """Print every finding and end with 1, where a template is wrong."""
    try:
        yield
    except TemplateError as error:
        for each in error.findings:
            typer.echo(show_text(str(each)), err=True)
        raise typer.Exit(1) from error


def _print(made: Rendered, more: tuple[Finding, ...], *, as_json: bool) -> None:
    warnings = [show_text(str(each)) for each in (*more, *made.warnings)]
    if as_json:
        parts = {"subject": made.subject, "html": made.html, "text": made.text}
        print_json({**parts, "size": made.size, "warnings": warnings})
        return
    typer.echo(f"Subject: {show_text(made.subject)}\n")
    typer.echo("\n".join(map(show_text, made.text.split("\n"))))
    say: Callable[[str], None] = typer.echo
    say(f"{made.size} octets" + ("" if made.html is None else ", with HTML (--out FILE.html)"))
    for each in warnings:
        say(f"warning: {each}")
