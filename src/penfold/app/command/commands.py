"""Run one command, and turn errors into one line."""

import os
import pwd
import sys
from collections.abc import Sequence
from typing import Final

import apsw

from penfold.app.command.doors import make_doors
from penfold.app.exits import FAILED, WRONG_USE, StartError
from penfold.base.acting import Actor, act
from penfold.base.collector import rested_collector
from penfold.base.errors import ParseError, PenfoldError
from penfold.front.cli.output import WrongUseError
from penfold.front.cli.tree import build_cli

#: What to do next, by what went wrong.
_HINTS: Final = {
    "no such account": "; `penfold user list` shows who is here",
    "a listing took too long": "; a date, a sender or a label makes it shorter",
    "no such client": "; `penfold app list` shows them",
    "the domain is there already": "; `penfold domain check` shows its DNS",
    "malformed domain": "; one looks like example.org",
    "no such domain": "; `penfold domain list` shows them",
    "the domain has accounts": "; `penfold user list` shows them",
    "new keys of the domain wait already": "; `penfold domain check` looks for their records",
    "no such key waits": "; `penfold domain keys` shows them",
    "no mail waits for this domain": "; `penfold queue destinations` shows those it waits for",
    "no such queue row": "; `penfold queue list` shows them",
    "the domain is not one of ours": "; `penfold domain list` shows which are",
    "no such alias": "; `penfold alias list` shows them",
    "the address is an alias": "; `penfold alias remove` makes it free",
    "the alias leads to too many accounts": "; a mailing list server is for that",
    "not an address an alias can have": "; one looks like sales@example.org or *@example.org",
    "address without local part or domain": "; one looks like kim@penfold.test",
    "the account is there already": "; `penfold user password` changes its password",
    "only a message that waits or failed can be retried": "; `penfold queue show` tells its state",
    "the message is being tried at this moment": "; `penfold queue show` tells how that ended",
    "only a message that waits can be cancelled": "; `penfold queue show` tells its state",
    "the service account is there already": "; choose another name",
    "no such role": "; one of admin, auditor, user",
    "no such report": "; `penfold reports list` shows them",
    "no such problem": "; `penfold fault problems` lists them",
    "no such method": "; `penfold api coverage` lists them",
    "no such API key": "; `penfold sending key list` shows them",
    "the API key is revoked": "; `penfold sending key add` makes a new one",
    "a web client needs a redirect address": "; name it with --redirect-uri URI",
}


def run_command(arguments: Sequence[str]) -> int:
    """Run `penfold ARGUMENTS` and return the exit code."""
    with rested_collector():
        cli = build_cli(make_doors(), arguments[0] if arguments else "")
    try:
        with act(_operator()):
            cli(args=list(arguments), prog_name="penfold", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except (WrongUseError, ParseError) as error:
        return _fail(_explain(error), WRONG_USE)
    except StartError as error:
        return _fail(str(error), error.code)
    except PenfoldError as error:
        return _fail(_explain(error), FAILED)
    except OSError as error:
        return _fail(
            f"{error.filename}: {error.strerror}" if error.filename else str(error), WRONG_USE
        )
    except apsw.Error as error:
        return _fail(f"{type(error).__name__}: {error}; `penfold data verify` looks closer", FAILED)
    return 0


def _operator() -> Actor:
    """Return who typed the command, for the audit log."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = ""
    return Actor(f"operator {uid} {name}".rstrip(), "command line")


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"penfold: {text}\n")
    return code


def _explain(error: PenfoldError) -> str:
    facts = ", ".join(str(value) for value in error.facts.values())
    hint = _HINTS.get(str(error), "")
    return (f"{error}: {facts}" if facts else str(error)) + hint
