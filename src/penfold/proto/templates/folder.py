"""Templates as a folder of files, so that a designer's work is in Git and not in code.

    NAME/template.toml          subject, and if wanted alias, layout, on_missing, streams
    NAME/body.mjml | body.html  the HTML part
    NAME/body.txt               the text part
    NAME/schema.json            JSON Schema of the variables
    NAME/sample.json            variables to look at it with
    _layouts/NAME.mjml | NAME.html | NAME.txt
    _partials/NAME.html | NAME.txt

Here a folder is a mapping of relative names to octets; store/template_folder.py reads and writes
it. What is printed and parsed again is the same, and so is a folder that was printed once.
Linear; raises nothing but TemplateError, whose findings name file and line.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.limits import (
    FOLDER_ENTRIES_MAX,
    FOLDER_HEAD_MAX_BYTES,
    TEMPLATE_FINDINGS_MAX,
    TEMPLATE_NAME_MAX_CHARS,
    TEMPLATE_PART_MAX_BYTES,
)
from penfold.proto.templates.model import (
    Finding,
    Layout,
    OnMissing,
    Partial,
    TemplateError,
    TemplateSource,
)

NAME: Final = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{TEMPLATE_NAME_MAX_CHARS - 1}}}")
LAYOUTS: Final = "_layouts"
PARTIALS: Final = "_partials"
HEAD: Final = "template.toml"
#: Files of a template beside its head, by the field they are.
BODIES: Final = {"body.html": "html", "body.mjml": "mjml", "body.txt": "text"}
DOCUMENTS: Final = {"schema.json": "schema", "sample.json": "sample"}
_SUFFIXES: Final = {
    LAYOUTS: {".html": "html", ".mjml": "mjml", ".txt": "text"},
    PARTIALS: {".html": "html", ".txt": "text"},
}
_TOML_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
_NAME_RULE: Final = "a name has small letters, digits, - and _, at most 64 characters"


class Entry(Struct, frozen=True):
    """One template. alias: what the API calls it, its folder's name if none; streams: that may
    send it, none for all.
    """

    source: TemplateSource
    alias: str | None = None
    streams: tuple[str, ...] = ()


class Library(Struct, frozen=True):
    """A folder: templates, layouts and partials by name."""

    templates: dict[str, Entry] = {}
    layouts: dict[str, Layout] = {}
    partials: dict[str, Partial] = {}


class _Head(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    subject: str
    alias: str | None = None
    layout: str | None = None
    on_missing: OnMissing = "error"
    streams: tuple[str, ...] = ()


def parse_folder(files: Mapping[str, bytes]) -> Library:
    """Return what is in the files of a folder, by their names with `/`."""
    reader = _Reader(files)
    library = reader.read()
    if reader.wrong:
        raise TemplateError(tuple(reader.wrong[:TEMPLATE_FINDINGS_MAX]))
    return library


class _Reader:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.wrong: list[Finding] = []
        self._files = files
        self._folders: dict[str, list[str]] = {}
        for path in sorted(files):
            folder, slash, name = path.partition("/")
            if not slash or "/" in name or not name:
                self._say(path, "belongs into the folder of a template")
            else:
                self._folders.setdefault(folder, []).append(name)

    def read(self) -> Library:
        if len(self._folders) > FOLDER_ENTRIES_MAX or len(self._files) > 6 * FOLDER_ENTRIES_MAX:
            self._say("", f"has more than {FOLDER_ENTRIES_MAX} templates; make it several folders")
            return Library()
        pieces = {each: self._pieces(each) for each in (LAYOUTS, PARTIALS)}
        return Library(
            templates={
                name: entry
                for name in self._folders
                if name not in _SUFFIXES and (entry := self._template(name))
            },
            layouts={name: Layout(**each) for name, each in pieces[LAYOUTS].items()},
            partials={name: Partial(**each) for name, each in pieces[PARTIALS].items()},
        )

    def _say(self, path: str, message: str, line: int = 0) -> None:
        self.wrong.append(Finding("file", message, path[:200], line))

    def _pieces(self, folder: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for file in self._folders.get(folder, ()):
            stem, dot, suffix = file.rpartition(".")
            field = _SUFFIXES[folder].get(dot + suffix)
            if field is None:
                kinds = ", ".join(_SUFFIXES[folder])
                self._say(f"{folder}/{file}", f"is none of {kinds}; rename or remove it")
            elif not NAME.fullmatch(stem):
                self._say(f"{folder}/{file}", _NAME_RULE)
            else:
                found.setdefault(stem, {})[field] = self._text(f"{folder}/{file}")
        return found

    def _template(self, name: str) -> Entry | None:
        if not NAME.fullmatch(name):
            self._say(name, _NAME_RULE)
            return None
        files = self._folders[name]
        for file in files:
            if file not in BODIES and file not in DOCUMENTS and file != HEAD:
                known = ", ".join((HEAD, *BODIES, *DOCUMENTS))
                self._say(f"{name}/{file}", f"is none of {known}; rename or remove it")
        head = self._head(f"{name}/{HEAD}") if HEAD in files else None
        if HEAD not in files:
            self._say(f"{name}/{HEAD}", 'is missing; it needs at least subject = "…"')
        fields: dict[str, Any] = {
            field: self._text(f"{name}/{file}") for file, field in BODIES.items() if file in files
        }
        fields |= {
            field: self._document(f"{name}/{file}")
            for file, field in DOCUMENTS.items()
            if file in files
        }
        if head is None:
            return None
        source = TemplateSource(
            subject=head.subject, layout=head.layout, on_missing=head.on_missing, **fields
        )
        return Entry(source, head.alias, head.streams)

    def _head(self, path: str) -> _Head | None:
        if len(self._files[path]) > FOLDER_HEAD_MAX_BYTES:
            self._say(path, f"is larger than {FOLDER_HEAD_MAX_BYTES} octets")
            return None
        try:
            head = msgspec.convert(tomllib.loads(self._text(path)), _Head)
        except tomllib.TOMLDecodeError as error:
            place = _TOML_PLACE.search(str(error))
            said = _TOML_PLACE.sub("", str(error))
            last = self._files[path].count(b"\n") + 1
            self._say(path, f"is no TOML: {said}", int(place[1]) if place and place[1] else last)
            return None
        except (msgspec.ValidationError, RecursionError) as error:
            self._say(path, f"cannot be used: {error}")
            return None
        if not all(NAME.fullmatch(each) for each in (head.alias, head.layout) if each is not None):
            self._say(path, f"alias and layout: {_NAME_RULE}")
        return head

    def _document(self, path: str) -> dict[str, Any] | None:
        try:
            found = json.loads(self._text(path))
            msgspec.json.encode(found)  # json takes numbers and halves of characters that it cannot
        except json.JSONDecodeError as error:
            self._say(path, f"is no JSON: {error.msg}", error.lineno)
            return None
        except (RecursionError, ValueError, OverflowError):
            why = "too deep, with too large a number, or with half a character (\\ud800)"
            self._say(path, f"is no JSON that can be used: {why}")
            return None
        if not isinstance(found, dict):
            self._say(path, "must be an object in braces")
            return None
        return found

    def _text(self, path: str) -> str:
        data = self._files[path]
        if len(data) > TEMPLATE_PART_MAX_BYTES:
            self._say(path, f"is larger than {TEMPLATE_PART_MAX_BYTES} octets")
            return ""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._say(path, "is not UTF-8; save it as such", line)
            return ""


def print_folder(library: Library) -> dict[str, bytes]:
    """Return the files of a folder; names are those of parse_folder."""
    files: dict[str, bytes] = {}
    for name, entry in library.templates.items():
        source = entry.source
        files[f"{name}/{HEAD}"] = _print_head(entry)
        for file, field in BODIES.items():
            if (text := getattr(source, field)) is not None:
                files[f"{name}/{file}"] = text.encode()
        for file, field in DOCUMENTS.items():
            if (document := getattr(source, field)) is not None:
                printed = json.dumps(document, indent=2, ensure_ascii=False)
                files[f"{name}/{file}"] = f"{printed}\n".encode()
    kinds: dict[str, Mapping[str, Layout | Partial]] = {
        LAYOUTS: library.layouts,
        PARTIALS: library.partials,
    }
    for folder, pieces in kinds.items():
        for name, piece in pieces.items():
            for suffix, field in _SUFFIXES[folder].items():
                if (text := getattr(piece, field)) is not None:
                    files[f"{folder}/{name}{suffix}"] = text.encode()
    return files


def _print_head(entry: Entry) -> bytes:
    source = entry.source
    head = _Head(source.subject, entry.alias, source.layout, source.on_missing, entry.streams)
    values = msgspec.to_builtins(head)
    lines = [f"{name} = {_print_value(value)}" for name, value in values.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def _print_value(value: Any) -> str:
    if isinstance(value, str):
        # A JSON string is a TOML string, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(_print_value, value))}]"
