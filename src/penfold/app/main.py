"""The command `penfold`.

`penfold serve` takes a short way: it reads its flags itself, so that the supervisor neither waits
for nor holds the command-line library (70 ms, 6 MB). Everything else, and every --help, is
front/cli.
"""

import sys

from penfold.app.command.serve_command import serve_command
from penfold.base.collector import rested_collector


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"] and not {"--help", "-h"} & set(arguments):
        sys.exit(serve_command(arguments[1:]))
    with rested_collector():
        from penfold.app.command.commands import run_command  # noqa: PLC0415 - see above

    sys.exit(run_command(arguments))


if __name__ == "__main__":
    main()
