"""A commented penfold.toml, made from the table of settings.

Every setting the file may hold is in it once, with its sentence and its default. What a server on
the internet needs stands on top. All of it is commented out unless a domain is named: a file nobody
has edited changes nothing.
"""

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from penfold.spec.settings import SETTINGS, Setting

#: The metavar of a setting whose value is tables of TOML.
TABLES: Final = "TABLES"
_WIDTH: Final = 100
_EXAMPLE: Final = "example.org"
_LETS_ENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"
_HEAD: Final = (
    "penfold.toml. Penfold reads it at its start from the data directory, or from where --config "
    "says. A flag of `penfold serve` goes before it, and so does the environment. "
    "`penfold config show` tells what is in force and from where."
)
_ON_TOP: Final = "A server on the internet: put your names in, and take the # off."
_ON_TOP_NAMED: Final = "A server on the internet. Look at each of these."


def make_sample(domain: str = "", settings: Sequence[Setting] = SETTINGS) -> str:
    """Return the text of a file; domain: the lines on top are for it, and count."""
    known = [each for each in settings if each.file and each.metavar != TABLES]
    tables = [each for each in settings if each.file and each.metavar == TABLES]
    essential = list_essentials(domain or _EXAMPLE)
    first = [setting for setting in known if setting.name in essential]
    lines = [*_comment(_HEAD), "", *_title(_ON_TOP_NAMED if domain else _ON_TOP)]
    for setting in sorted(first, key=lambda each: list(essential).index(each.name)):
        value = f"{setting.name} = {_print_value(essential[setting.name])}"
        lines += ["", *_comment(_say(setting)), value if domain else f"#{value}"]
    for title, group in _group([setting for setting in known if setting not in first]):
        lines += ["", "", *_title(title)]
        for setting in group:
            lines += ["", *_comment(_say(setting)), f"#{_show_default(setting)}"]
    if tables:
        lines += ["", "", *_title("Tables: they stand at the end of the file")]
    for setting in tables:
        lines += ["", *_comment(f"{setting.name}: {setting.sentence}")]
    return "\n".join(lines) + "\n"


def list_essentials(domain: str) -> dict[str, Any]:
    """Return what a server for a domain on the internet sets, by name, in the order to read it."""
    return {
        "domains": (domain,),
        "hostname": f"mail.{domain}",
        "smtp": "0.0.0.0:25",
        "submission": "0.0.0.0:587",
        "submissions": "0.0.0.0:465",
        "http": "0.0.0.0:443",
        "acme_directory": _LETS_ENCRYPT,
        "acme_challenge": "tls-alpn-01",
    }


def _group(settings: Sequence[Setting]) -> Iterator[tuple[str, list[Setting]]]:
    """Yield settings that begin with the same word under that word, and those alone before."""
    groups: dict[str, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(setting.name.partition("_")[0], []).append(setting)
    alone = [group[0] for group in groups.values() if len(group) == 1]
    if alone:
        yield "General", alone
    for word, group in groups.items():
        if len(group) > 1:
            yield f"{word}…", group


def _title(text: str) -> list[str]:
    return [f"# {text} ".ljust(_WIDTH, "-")]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _say(setting: Setting) -> str:
    """Return the sentence, and the words there are to choose from."""
    if "|" not in setting.metavar:
        return setting.sentence
    return f"{setting.sentence} One of: {', '.join(setting.metavar.split('|'))}."


def _show_default(setting: Setting) -> str:
    """Return a line that sets the default, or shows the form of a value where there is none."""
    value = setting.default
    if value in ("", None):
        value = setting.metavar.partition("|")[0]
    elif value == ():
        value = (setting.metavar,)
    return f"{setting.name} = {_print_value(value)}"


def _print_value(value: Any) -> str:
    """Return a value as TOML (1.0) writes it; its strings are JSON's."""
    if type(value) is tuple:  # not one with a name of its own, which prints itself
        return f"[{', '.join(map(_print_value, value))}]"
    if isinstance(value, bool | int):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)
