"""`penfold serve`: its flags, read with the few lines below, and the supervisor."""

import os
import sys
from collections.abc import Sequence

from penfold.app.config import ConfigError, load_settings
from penfold.app.exits import FAILED, StartError
from penfold.app.monitor.logs import LineLog, SystemClock
from penfold.app.process.supervise import serve
from penfold.spec.settings import SETTINGS, Settings


def serve_command(arguments: Sequence[str]) -> int:
    """Run the server with these flags and return the exit code."""
    try:
        settings = load_settings(parse_flags(arguments), os.environ).settings
        return serve(settings, make_log(settings, process="serve"))
    except StartError as error:
        print(f"penfold: {error}", file=sys.stderr)  # noqa: T201 - the line a person reads
        return error.code
    except KeyboardInterrupt:
        return FAILED


def parse_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return what was given, by setting name: `--flag value` or `--flag=value`."""
    names = {setting.flag: setting.name for setting in SETTINGS if setting.serve}
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if flag not in names:
            raise ConfigError(f"serve has no option {flag}; `penfold serve --help` lists them")
        if not equals:
            if not rest:
                raise ConfigError(f"{flag} wants a value; `penfold serve --help` tells which")
            value = rest.pop(0)
        given[names[flag]] = value
    return given


def make_log(settings: Settings, *, process: str) -> LineLog:
    """Return the log on standard error, in the form asked for."""
    form = settings.log_format or ("text" if sys.stderr.isatty() else "json")
    return LineLog(2, form=form, process=process, clock=SystemClock())
