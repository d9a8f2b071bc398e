"""`python -m penfold.app.process.worker ROLE FD`: what the supervisor starts.

Imports the code of the role first and waits for the launch second, so that all processes
load in parallel. Ends when the supervisor does, whatever it is doing.
"""

import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Final

from penfold.app.exits import FAILED, StartError
from penfold.app.process.launch import Channel
from penfold.base.collector import rested_collector
from penfold.base.errors import PenfoldError

_ROLES: Final = {
    "prepare": "penfold.app.process.prepare",
    "http": "penfold.app.process.http_process",
    "mail": "penfold.app.process.mail_process",
}


def main() -> None:
    role, descriptor = sys.argv[1:3]
    # Ctrl-C reaches every process of the terminal; the supervisor decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.umask(0o077)
    channel = Channel(int(descriptor))
    with rested_collector():
        module = import_module(_ROLES[role])
    launch = channel.wait_for_launch()
    channel.end_with_supervisor()
    try:
        module.run(launch, channel)
    except StartError as error:
        channel.say_failed(str(error), code=error.code)
        sys.exit(FAILED)
    except PenfoldError as error:
        channel.say_failed(f"{launch.data}: {error}", code=FAILED)
        traceback.print_exc()
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
