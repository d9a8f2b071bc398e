"""Where mail lands: it is sent to seeds, mailboxes of ours elsewhere, and looked for there.

What is told was seen: a share is of the seeds that could be looked into, never of what servers
said when they took the mail.
"""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.base.limits import SEED_LOOK_S, SEED_THREADS
from penfold.ports.api_client import ApiClient, RefusedError
from penfold.ports.seeds import Place, SeedError, SeedMailbox, Where
from penfold.proto.mime.compose import normalize_crlf, prepend_headers, remove_headers

#: What of a message is another thing in each mail.
_OWN: Final = ("To", "Cc", "Bcc", "Message-ID", "Date")
#: What of a call says who gets it, and when.
_WHOM: Final = ("to", "cc", "bcc", "recipients", "scheduled_at")
MISSING: Final = "missing"
#: Seconds until the second look; then twice as many each time, up to SEED_LOOK_S.
_FIRST_S: Final = 1.0

#: Makes the call that sends to one address: the path below /v1, and its body.
Make = Callable[[str], tuple[str, dict[str, Any]]]
#: Told how many are found and of how many, and how many seconds are left.
Progress = Callable[[int, int, float], None]


class Seeded(Struct, frozen=True):
    """What came of one seed. place: None when it was not seen. event: the last of its email.

    trouble: why its mailbox could not be looked into, or nothing was sent to it; then it counts in
    no share.
    """

    address: str
    email_id: str = ""
    message_id: str = ""
    place: Place | None = None
    event: str = ""
    trouble: str = ""

    @property
    def reached(self) -> bool:
        return not self.trouble


class Share(Struct, frozen=True, gc=False):
    """Of so many reached seeds so many had the mail there, or had it not (`missing`)."""

    place: str
    seeds: int
    reached: int


def make_call(octets: bytes, body: dict[str, Any] | None) -> Make:
    """Return what sends a mail: body, of `POST /v1/emails`, or else a message. ParseError."""
    if body is None:
        raw = remove_headers(normalize_crlf(octets), _OWN)
        return lambda address: ("/emails/raw", _fill_raw(raw, address))
    if "recipients" in body:
        raise ParseError("`recipients` cannot be used here; the seeds take the place of `to`")
    shared = {name: value for name, value in body.items() if name not in _WHOM}
    return lambda address: ("/emails", {**shared, "to": address})


def _fill_raw(raw: bytes, address: str) -> dict[str, Any]:
    whole = prepend_headers(raw, [("To", address)])
    return {"raw": base64.urlsafe_b64encode(whole).decode(), "to": address}


@dataclass(frozen=True, slots=True)
class Placement:
    """wait: so many seconds."""

    api: ApiClient
    seeds: Mapping[str, SeedMailbox]
    now_ms: Callable[[], int]
    wait: Callable[[float], None]

    def run(self, make: Make, *, within_s: float, progress: Progress) -> list[Seeded]:
        """Send to each seed that can be looked into, and look until all are found or time is up."""
        with ThreadPoolExecutor(SEED_THREADS, thread_name_prefix="seeds") as threads:
            # Whoever cannot look into it later has sent for nothing.
            found = list(threads.map(self._look, [Seeded(each) for each in self.seeds]))
            sent = [self._send(make, each) if each.reached else each for each in found]
            end_ms, pause_s = self.now_ms() + round(1_000 * within_s), _FIRST_S
            while True:
                sent = list(threads.map(self._look_again, sent))
                left_s = (end_ms - self.now_ms()) / 1_000
                pending = [each for each in sent if _is_pending(each)]
                progress(sum(each.place is not None for each in sent), _count_sent(sent), left_s)
                if not pending or left_s <= 0:
                    break
                self.wait(min(pause_s, left_s))
                pause_s = min(2 * pause_s, SEED_LOOK_S)
        return [self._note_event(each) for each in sent]

    def _look(self, one: Seeded) -> Seeded:
        """Return it with its place; an old trouble is over when there is no new one."""
        try:
            place = self.seeds[one.address].find(one.message_id or "nothing@seed.invalid")
        except SeedError as error:
            return replace(one, trouble=str(error))
        return replace(one, place=place, trouble="")

    def _look_again(self, one: Seeded) -> Seeded:
        return self._look(one) if _is_pending(one) else one

    def _send(self, make: Make, one: Seeded) -> Seeded:
        try:
            one = replace(one, email_id=str(self.api.ask("POST", *make(one.address))["id"]))
            email = self.api.ask("GET", f"/emails/{one.email_id}")
        except RefusedError as error:
            what = "sent, but the API does not show it" if one.email_id else "not sent"
            return replace(one, trouble=f"{what}: {'; '.join(str(error).splitlines())}")
        if email.get("test"):
            raise ParseError("PENFOLD_API_KEY has a test key, whose mail goes nowhere")
        return replace(one, message_id=email["message_id"].strip("<>"))

    def _note_event(self, one: Seeded) -> Seeded:
        if not one.email_id:
            return one
        try:
            return replace(one, event=self.api.ask("GET", f"/emails/{one.email_id}")["last_event"])
        except RefusedError:
            return one


def _is_pending(one: Seeded) -> bool:
    return bool(one.message_id) and one.place is None


def _count_sent(found: Iterable[Seeded]) -> int:
    return sum(bool(each.email_id) for each in found)


def count_shares(found: Sequence[Seeded]) -> list[Share]:
    """Return the shares of places, of all seeds that were reached."""
    reached = [each for each in found if each.reached]
    counts = Counter(str(each.place or MISSING) for each in reached)
    return [Share(place, count, len(reached)) for place, count in counts.most_common()]


def is_well(found: Sequence[Seeded]) -> bool:
    """Return whether every seed was reached, and its mail is there and not spam."""
    bad = (Where.SPAM, Where.TRASH)
    return all(one.reached and one.place and one.place.where not in bad for one in found)
