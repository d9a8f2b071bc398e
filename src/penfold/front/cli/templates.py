"""penfold template: look at templates in a folder without a server, push them to one, pull them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Final

import typer

from penfold.base.limits import VARIABLES_MAX_BYTES
from penfold.domain.sending.template_sync import load_remote, push, show_difference
from penfold.front.cli.doors import Doors
from penfold.front.cli.output import AsJson, WrongUseError, print_json, show_text
from penfold.ports.rendering import Job, Renderer
from penfold.proto.templates.folder import Entry, Library, parse_folder, print_folder
from penfold.proto.templates.model import Compiled, Finding, Rendered, RenderError, TemplateError
from penfold.proto.templates.schema import parse_schema
from penfold.proto.templates.variables import check_variables

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder of templates, see docs/templates.md.")
]
Url = Annotated[
    str, typer.Option(envvar="PENFOLD_URL", metavar="URL", help="Where the server answers.")
]
#: Where a server answers that was started as it is.
LOCAL_URL: Final = "http://127.0.0.1:8025"
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
        with doors.find_templates().open_renderer() as renderer, _each_on_a_line():
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
        library = _check_all(doors, folder)
        typer.echo(f"{len(library.templates)} templates, 0 mistakes")

    _add_sync(commands, doors)

    return commands


def _check_all(doors: Doors, folder: Path) -> Library:
    """Return what is in a folder, compiled once to see that it can be."""
    with _each_on_a_line():
        library = parse_folder(doors.find_templates().load_folder(folder))
    wrong: list[Finding] = []
    with doors.find_templates().open_renderer() as renderer:
        for name, entry in library.templates.items():
            try:
                _compile(renderer, library, entry)
            except TemplateError as error:
                wrong += [_within(name, each) for each in error.findings]
    for each in wrong:
        typer.echo(show_text(str(each)), err=True)
    if wrong:
        typer.echo(f"{len(library.templates)} templates, {len(wrong)} mistakes")
        raise typer.Exit(1)
    return library


def _add_sync(commands: typer.Typer, doors: Doors) -> None:
    @commands.command("push")
    def push_templates(
        folder: Folder,
        *,
        publish: Annotated[
            bool, typer.Option("--publish", help="Have mails made of it from now on.")
        ] = False,
        url: Url = LOCAL_URL,
    ) -> None:
        """Bring a folder's templates to a server, and print what differs.

        Each that changed is a new version. Templates that are only there are left alone. The API
        key is taken from PENFOLD_API_KEY; it needs the scope templates:*.
        """
        api = doors.find_templates().open_api(url)
        push(api, _check_all(doors, folder), publish=publish, say=_say)

    @commands.command("pull")
    def pull_templates(folder: Folder, *, url: Url = LOCAL_URL) -> None:
        """Write the latest versions of a server's templates into a folder; print what differs.

        What the folder has beside them stays. The API key is taken from PENFOLD_API_KEY; it needs
        the scope templates:read.
        """
        found = load_remote(doors.find_templates().open_api(url)).library
        here = Library()
        if folder.exists():
            with _each_on_a_line():
                here = parse_folder(doors.find_templates().load_folder(folder))
        for line in show_difference(here, found, one_way=True):
            _say(line)
        doors.find_templates().save_folder(
            folder, {**_list_kept(here, found), **print_folder(found)}
        )
        typer.echo(f"{len(found.templates)} templates")


def _list_kept(here: Library, found: Library) -> dict[str, bytes]:
    """Return the files of layouts and partials that only the folder has."""
    return print_folder(
        Library(
            layouts={name: one for name, one in here.layouts.items() if name not in found.layouts},
            partials={n: one for n, one in here.partials.items() if n not in found.partials},
        )
    )


def _say(line: str) -> None:
    typer.echo(show_text(line))


def _find(doors: Doors, folder: Path, name: str) -> tuple[Library, Entry]:
    with _each_on_a_line():
        library = parse_folder(doors.find_templates().load_folder(folder))
    entry = library.templates.get(name)
    if entry is None:
        there = ", ".join(list(library.templates)[:20]) or "none"
        raise WrongUseError(f"there is no template {name} in {folder}; there is {there}")
    return library, entry


def _load_variables(doors: Doors, entry: Entry, data: Path | None) -> dict[str, Any]:
    if data is None:
        return entry.source.sample or {}
    try:
        found = json.loads(doors.find_templates().load_file(data, VARIABLES_MAX_BYTES))
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
