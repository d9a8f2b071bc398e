"""Penfold's side of benchmarks/search.py, in a process of its own: `search_ours DATA`.

Reads questions from stdin, a JSON object a line, and answers each with the seconds that the
domain's listing took: the query read, the page and its estimate found, the token made. HTTP and
the answers that it keeps are not part of it.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.stores import mailbox_of, opened
from penfold.app.stores import Stores
from penfold.base.errors import TooCostlyError
from penfold.domain.mailbox.messages import list_messages, make_query
from penfold.domain.mailbox.threads import list_threads
from penfold.testing.corpus import END_S, OWNER


def main(data: str) -> None:
    with opened(Path(data)) as stores:
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            print(json.dumps(_answer(stores, json.loads(line))), flush=True)


def _answer(stores: Stores, ask: dict[str, object]) -> dict[str, object]:
    """Return how many results a page has, and how long it took: elapsed seconds and CPU.

    Pages before it are turned untimed. count is 0 when there are fewer pages; failed: the listing
    reached its time limit.
    """
    if ask.get("memory"):
        return _read_memory()
    token = ""
    for number in range(1, int(str(ask["page"])) + 1):
        started, cpu = time.perf_counter(), time.process_time()
        try:
            page = _list(stores, ask, token)
        except TooCostlyError:
            page = None
        taken = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
        if page is None:
            return {**taken, "count": 0, "failed": True}
        token = page.next_token
        if not token and number < ask["page"]:
            return {**taken, "count": 0}
    return {**taken, "count": len(page.items)}


def _list(stores: Stores, ask: dict[str, object], token: str):
    with stores.mailboxes.open_reader(mailbox_of(stores, OWNER)) as box:
        query = make_query(
            box,
            q=str(ask["q"]),
            include_spam_trash=False,
            max_results=int(str(ask["count"])),
            now_ms=END_S * 1_000,
            me=(OWNER,),
        )
        return (list_threads if ask["threads"] else list_messages)(box, query, token)


def _read_memory() -> dict[str, int]:
    """Return kB resident now and at most. Not getrusage: that remembers the parent's as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return {"now_kb": int(facts["VmRSS"].split()[0]), "peak_kb": int(facts["VmHWM"].split()[0])}


if __name__ == "__main__":
    main(*sys.argv[1:])
