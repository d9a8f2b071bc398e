"""The fields of AOTsend's call, whichever of three ways they come: form, multipart, JSON.

AOTsend's page names no encoding; its sample writes multipart, other callers a form or JSON.
"""

from typing import Any

import msgspec
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.front.http.system import parse_query
from penfold.proto.form_data import FormField, parse_form_data


class AotsendForm(Struct, frozen=True):
    """Texts without blanks around them; data: as it came, a text or an object."""

    app_key: str = ""
    template_id: str = ""
    to: str = ""
    reply_to: str = ""
    alias: str = ""
    data: Any = None
    file: FormField | None = None


def read_aotsend(content_type: str, octets: bytes | bytearray) -> AotsendForm:
    """Return the fields; those that are not known are passed over. ParseError."""
    kind = content_type.partition(";")[0].strip().lower()
    file = None
    if kind == "multipart/form-data":
        fields = parse_form_data(content_type, octets)
        given: dict[str, Any] = {
            one.name: one.value.decode("utf-8", "replace") for one in fields if not one.filename
        }
        files = [one for one in fields if one.name == "attachment" and one.filename]
        file = files[0] if files else None
    elif kind == "application/json" or octets[:1] == b"{":
        given = _read_json(octets)
    else:
        given = dict(parse_query(octets.decode("utf-8", "replace")))
    texts = {
        name: given.get(name) for name in ("app_key", "template_id", "to", "reply_to", "alias")
    }
    plain = {name: value.strip() for name, value in texts.items() if isinstance(value, str)}
    return AotsendForm(**plain, data=given.get("data"), file=file)


def _read_json(octets: bytes | bytearray) -> dict[str, Any]:
    try:
        return msgspec.json.decode(octets or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ParseError("no JSON object") from None


def read_data(data: Any) -> dict[str, Any] | None:
    """Return the variables, given as an object or as JSON in a text; None when they are neither."""
    if data is None or data == "":
        return {}
    if isinstance(data, dict):
        return data
    try:
        return _read_json(data.encode("utf-8", "replace")) if isinstance(data, str) else None
    except ParseError:
        return None
