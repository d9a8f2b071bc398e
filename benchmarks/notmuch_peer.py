"""notmuch as a process that is kept open, for benchmarks/search.py.

Run by the system's own Python, which alone has the bindings (Debian: python3-notmuch2), so it
imports nothing of ours.

    notmuch_peer.py index ROOT   reads numbers of folders from stdin and adds their messages
    notmuch_peer.py serve ROOT   reads questions from stdin, a JSON object a line, and answers them

ROOT holds mail/NNNN/…, the messages, and tags/NNNN, a line of tags for each in the same order.
"""

import json
import sys
import time
from itertools import islice
from pathlib import Path

import notmuch2

#: Messages between two commits. Its own 8,000 fills slower by half: changing the tags of a
#: message that is not committed yet costs the more, the more wait beside it.
AUTOCOMMIT = 1_000


def main(command: str, root: Path) -> None:
    config = root / "notmuch.conf"
    if command == "index":
        config.write_text(f"[database]\npath={root}\nautocommit={AUTOCOMMIT}\n[new]\ntags=\n")
        notmuch2.Database.create(root, config=config).close()
        _index(root, config)
    else:
        _serve(root, config)


def _index(root: Path, config: Path) -> None:
    with notmuch2.Database(root, mode=notmuch2.Database.MODE.READ_WRITE, config=config) as database:
        for line in sys.stdin:
            folder = line.strip()
            files = sorted((root / "mail" / folder).iterdir())
            tags = (root / "tags" / folder).read_text().splitlines()
            for path, names in zip(files, tags, strict=True):
                message, _ = database.add(path)
                with message.frozen():  # one write for all tags
                    for name in names.split():
                        message.tags.add(name)


def _serve(root: Path, config: Path) -> None:
    print(json.dumps({"ready": True}), flush=True)
    with notmuch2.Database(root, mode=notmuch2.Database.MODE.READ_ONLY, config=config) as database:
        for line in sys.stdin:
            print(json.dumps(_answer(database, json.loads(line))), flush=True)


def _answer(database: notmuch2.Database, ask: dict) -> dict:
    """List `count` results after `skip`, newest first; return how many, and how long it took."""
    if ask.get("memory"):
        return _read_memory()
    started, cpu = time.perf_counter(), time.process_time()
    options = {"sort": database.SORT.NEWEST_FIRST}
    if not ask["hidden"]:
        options |= {"omit_excluded": database.EXCLUDE.ALL, "exclude_tags": ["spam", "trash"]}
    wanted = islice(_find(database, ask, options), ask["skip"], ask["skip"] + ask["count"])
    ids = list(wanted)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "count": len(ids)}


def _find(database, ask, options):
    if ask["threads"]:
        return (each.threadid for each in database.threads(ask["q"], **options))
    return (each.messageid for each in database.messages(ask["q"], **options))


def _read_memory() -> dict[str, int]:
    """Return kB resident now and at most. Not getrusage: that remembers the parent's as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return {"now_kb": int(facts["VmRSS"].split()[0]), "peak_kb": int(facts["VmHWM"].split()[0])}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
