"""What every answer must be: its method's declared type, or the error envelope."""

import json
import re

from penfold.spec.members import list_members

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_OCTETS = re.compile(r"[A-Za-z0-9_-]*={0,2}")
ENVELOPE = ["code", "message", "errors", "status", "details"]


def judge(ask, reply):
    """Return what is wrong with the answer, "" for nothing, and its parsed body."""
    if reply.status >= 500 and reply.status != 501:
        return f"status {reply.status}", None
    if reply.status == 501:
        wrong = "" if ask.method.since is None else "501 of a method that is served"
        return wrong, None
    if reply.status == 204:
        return ("" if ask.method.response is None and not reply.body else "204 with a type"), None
    kind = reply.headers.get("content-type", "")
    if int(reply.headers["content-length"]) != len(reply.body):
        return "wrong length", None
    if kind.startswith("text/html"):
        return ("" if reply.status == 404 else "a page"), None
    body = reply.body
    if kind.startswith("text/javascript"):
        match = re.fullmatch(rb"// API callback\n[\w$.\[\]]+\((.*)\);", body.strip(), re.DOTALL)
        if not match:
            return "not a script", None
        body = match[1]
    elif kind != "application/json; charset=UTF-8":
        return f"content type {kind}", None
    value = json.loads(body)
    if "error" in value:
        return judge_error(value, reply.status, script=kind.startswith("text/javascript")), None
    if reply.status != 200:
        return f"status {reply.status} without an error", None
    if ask.method.response is None:
        return ("" if value == {} else "a body without a type"), None
    return judge_value(value, ask.method.response), value


def judge_error(value, status, *, script):
    error = value["error"]
    if list(value) != ["error"] or list(error) != [name for name in ENVELOPE if name in error]:
        return f"members of the envelope: {list(error)}"
    if not {"code", "message", "status"} <= set(error):
        return "an envelope without code, message or status"
    if error["code"] != status and not script:
        return f"code {error['code']} with status {status}"
    if "errors" in error and not error["errors"][0].get("reason"):
        return "an error without a reason"
    if error["code"] >= 500 and error["code"] != 501:
        return f"code {error['code']}"
    return ""


def judge_value(value, struct, path=""):
    members = {member.name: member for member in list_members(struct)}
    if not isinstance(value, dict):
        return f"{path}: not an object"
    for name, given in value.items():
        if name not in members:
            return f"{path}.{name}: not declared"
        kind = members[name].kind
        if kind.repeated and not (isinstance(given, list) and given):
            return f"{path}.{name}: not a list, or an empty one"
        for item in given if kind.repeated else [given]:
            wrong = judge_one(item, kind, f"{path}.{name}")
            if wrong:
                return wrong
    return ""


def judge_one(value, kind, path):
    if kind.schema:
        return judge_value(value, kind.schema, path)
    wanted = {"string": str, "boolean": bool, "integer": int}[kind.json_type]
    if type(value) is not wanted:
        return f"{path}: {value!r} is no {kind.json_type}"
    if kind.values and value not in kind.values:
        return f"{path}: {value!r} is none of {kind.values}"
    if kind.format in ("int64", "uint64") and not _INTEGER.fullmatch(value):
        return f"{path}: {value!r} is no {kind.format}"
    if kind.format == "byte" and not _OCTETS.fullmatch(value):
        return f"{path}: not base64url"
    return ""
