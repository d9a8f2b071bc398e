"""A folder of templates and a server's: what differs, and either made as the other.

Templates that only one of them has are left alone: a folder may be one of several.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import unified_diff
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.limits import SENDING_PAGE_MAX, TEMPLATE_DIFF_LINES, TEMPLATES_MAX
from penfold.domain.sending.template_parts import LAYOUT, PARTIAL
from penfold.ports.api_client import ApiClient
from penfold.proto.templates.folder import NAME, Entry, Library, print_folder
from penfold.proto.templates.model import Layout, Partial, TemplateSource

Say = Callable[[str], None]
_SOURCE: Final = TemplateSource.__struct_fields__


class Remote(Struct, frozen=True):
    """What a server has. templates: as it shows them, by alias; library: the latest of each, by
    the name of its folder.
    """

    templates: dict[str, dict[str, Any]]
    library: Library


def load_remote(api: ApiClient, aliases: Iterable[str] | None = None) -> Remote:
    """Return layouts, partials, and templates: those of the aliases, or all."""
    wanted = None if aliases is None else set(aliases)
    templates = {
        one["alias"]: one
        for one in _list_all(api, "/templates")
        if wanted is None or one["alias"] in wanted
    }
    layouts: dict[str, Layout] = {}
    partials: dict[str, Partial] = {}
    for one in _list_all(api, "/template-parts"):
        if one["kind"] == LAYOUT:
            layouts[one["name"]] = msgspec.convert(one, Layout)
        else:
            partials[one["name"]] = msgspec.convert(one, Partial)
    entries: dict[str, Entry] = {}
    for alias, one in templates.items():
        if one["latest"]:
            folder = (
                alias if one["name"] in entries or not NAME.fullmatch(one["name"]) else one["name"]
            )
            entries[folder] = _load_entry(api, alias, one["latest"], folder)
    return Remote(templates, Library(entries, layouts, partials))


def _load_entry(api: ApiClient, alias: str, number: int, folder: str) -> Entry:
    found = api.ask("GET", f"/templates/{alias}/versions/{number}")
    source = msgspec.convert({name: found[name] for name in _SOURCE}, TemplateSource)
    return Entry(source, None if alias == folder else alias, tuple(found["streams"]))


def _list_all(api: ApiClient, path: str) -> Iterator[dict[str, Any]]:
    after = ""
    for _ in range(TEMPLATES_MAX // SENDING_PAGE_MAX + 1):
        page = api.ask("GET", f"{path}?limit={SENDING_PAGE_MAX}{after}")
        yield from page["data"]
        if not page["has_more"]:
            return
        after = f"&after={page['data'][-1]['id']}"


def push(api: ApiClient, library: Library, *, publish: bool, say: Say) -> None:
    """Make the server's templates as a folder's; what is the same makes no new version.

    The library was compiled, so that what is wrong with one of many is not found half-way.
    """
    aliases = {name: entry.alias or name for name, entry in library.templates.items()}
    remote = load_remote(api, aliases.values())
    for line in show_difference(_by_alias(remote.library), _by_alias(library), one_way=True):
        say(line)
    _push_parts(api, remote.library, library)
    for name, entry in library.templates.items():
        alias = aliases[name]
        known = remote.templates.get(alias)
        if known is None:
            known = api.ask("POST", "/templates", {"name": name, "alias": alias})
        asked = {field: getattr(entry.source, field) for field in _SOURCE}
        made = api.ask(
            "POST", f"/templates/{alias}/versions", {**asked, "streams": list(entry.streams)}
        )
        number = made["version"]
        done = f"{alias}: version {number}" + (", unchanged" if made["unchanged"] else "")
        if publish and (known["published"] != number or known["weights"]):
            api.ask("POST", f"/templates/{alias}/publish", {"version": number})
            done += ", published"
        elif known["published"] != number:
            done += (
                f", not published (version {known['published']} is)"
                if known["published"]
                else (", not published")
            )
        say(done)


def _by_alias(library: Library) -> Library:
    """Return it with every template under its alias, so that folders of other names compare."""
    templates = {
        entry.alias or name: Entry(entry.source, None, entry.streams)
        for name, entry in library.templates.items()
    }
    return Library(templates, library.layouts, library.partials)


def _push_parts(api: ApiClient, there: Library, here: Library) -> None:
    kinds: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        (LAYOUT, here.layouts, there.layouts),
        (PARTIAL, here.partials, there.partials),
    )
    for kind, mine, theirs in kinds:
        for name, part in mine.items():
            if theirs.get(name) != part:
                values = msgspec.to_builtins(part)
                api.ask("POST", "/template-parts", {"kind": kind, "name": name, **values})


def show_difference(before: Library, after: Library, *, one_way: bool = False) -> Iterator[str]:
    """Yield lines of a unified diff. one_way: files that only `before` has are passed over, where
    their template, layout or partial is not in `after`.
    """
    old, new = print_folder(before), print_folder(after)
    for path in sorted(old.keys() | new.keys()):
        if one_way and path not in new and path.partition("/")[0] not in after.templates:
            continue
        was, is_now = (files.get(path, b"").decode().splitlines() for files in (old, new))
        lines = list(unified_diff(was, is_now, f"a/{path}", f"b/{path}", lineterm=""))
        yield from lines[:TEMPLATE_DIFF_LINES]
        if len(lines) > TEMPLATE_DIFF_LINES:
            yield f"({len(lines) - TEMPLATE_DIFF_LINES} more lines)"
