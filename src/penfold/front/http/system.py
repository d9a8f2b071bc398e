"""System parameters: those every method takes, whatever it does.

Owns their names, which of several repeats counts and what their values may be; what a method's
own parameters mean is bind.py's. Names may carry a leading `$`. Gmail (observed 2026-09): of
repeats the first wins, of $.xgafv the last.
"""

import re
from typing import Final
from urllib.parse import unquote_plus

from msgspec import Struct

from penfold.front.http.errors import RefusedError
from penfold.front.http.violations import shorten
from penfold.spec import problems

#: As in the discovery document, and what googleapiclient's stack adds (trace, pp, userip, strict).
NAMES: Final = (
    "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint",
    "quotaUser", "trace", "pp", "userip", "strict", "uploadType", "upload_protocol", "upload_id",
)  # fmt: skip
_KEY: Final = {
    **{name: name for name in NAMES},
    **{f"${name}": name for name in NAMES},
    "pretty_print": "prettyPrint",
    "quota_user": "quotaUser",
    "upload_type": "uploadType",
}
_XGAFV: Final = "$.xgafv"
_CALLBACK: Final = re.compile(r"[A-Za-z0-9_$.\[\]]+")
_FALSE: Final = ("false", "0")

Pairs = list[tuple[str, str]]


class System(Struct):
    """What the client asked for beside the method itself."""

    values: dict[str, str]
    pretty: bool = True
    entries: bool = True
    callback: str = ""


def parse_query(text: str) -> Pairs:
    """Return the decoded name and value of each parameter, in order."""
    pairs = []
    for piece in text.split("&"):
        if not piece:
            continue
        name, _, value = piece.partition("=")
        if "%" in piece or "+" in piece:
            name, value = unquote_plus(name), unquote_plus(value)
        pairs.append((name, value))
    return pairs


def split_system(pairs: Pairs) -> tuple[System, Pairs, str | None]:
    """Return the system parameters, the method's own, and the value of $.xgafv as given."""
    values: dict[str, str] = {}
    own: Pairs = []
    xgafv = None
    for pair in pairs:
        key = _KEY.get(pair[0])
        if key is not None:
            values.setdefault(key, pair[1])
        elif pair[0] == _XGAFV:
            xgafv = pair[1]
        else:
            own.append(pair)
    pretty = values.get("prettyPrint", "true").lower() not in _FALSE if values else True
    return System(values, pretty=pretty), own, xgafv


def check_early(system: System, xgafv: str | None, *, get: bool) -> None:
    """Check what Gmail looks at before the credential: $.xgafv, then the callback's name."""
    if xgafv is not None:
        if xgafv not in ("1", "2"):
            raise RefusedError(problems.INVALID_XGAFV, value=shorten(xgafv))
        system.entries = xgafv == "1"
    callback = system.values.get("callback")
    if callback and get:
        if not _CALLBACK.fullmatch(callback):
            raise RefusedError(problems.INVALID_CALLBACK, value=shorten(callback))
        system.callback = callback


def check_alt(system: System) -> None:
    """Refuse every form of answer but JSON."""
    alt = system.values.get("alt", "")
    if alt.lower() in ("", "json"):
        return
    if alt.lower() in ("media", "proto"):
        raise RefusedError(problems.UNSUPPORTED_ALT, value=shorten(alt))
    raise RefusedError(problems.INVALID_ALT, value=shorten(alt))
