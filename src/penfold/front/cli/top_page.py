"""The page of `penfold top`, as large as the terminal is."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from penfold.base.limits import DISK_LOW_SHARE
from penfold.domain.vitals import Vitals
from penfold.front.cli.output import show_time

#: Lines that are always there: the head, rates, headings and blanks.
_FIXED: Final = 14
_SLOW_MIN: Final = 2
_HUNDRED: Final = 100
_KILO: Final = 1000.0
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def draw(vitals: Vitals, data: str, width: int, height: int) -> RenderableType:
    """Return the page; lists are cut so that it fits."""
    left = max(0, height - _FIXED)
    processes = min(len(vitals.processes), max(2, left // 3))
    methods = min(len(vitals.methods), max(1, left - processes - _SLOW_MIN - left // 4))
    slow = max(1, left - processes - methods)
    parts: list[RenderableType] = [
        _head(vitals, data),
        _rates(vitals),
        _refused(vitals),
        Text(),
        _methods(vitals, methods),
    ]
    parts += [Text(), _processes(vitals, processes), Text(), _slow(vitals, slow)]
    for part in parts:
        if isinstance(part, Text):
            part.truncate(width, overflow="ellipsis")
    return Group(*parts)


def _head(vitals: Vitals, data: str) -> Text:
    clock = show_time(vitals.at_ms)[11:19]
    return Text.assemble(
        (f"Penfold {vitals.version}", "bold"),
        f"   up {show_span(vitals.up_s)}   {clock} UTC   over {vitals.over_s:.1f} s   {data}",
    )


def _rates(vitals: Vitals) -> Table:
    outcomes, queue = vitals.smtp_outcomes, vitals.queue
    deferred = outcomes.get("deferred", 0.0)
    share = vitals.disk_free_bytes / max(1.0, vitals.disk_size_bytes)
    api = [
        _note("5xx", _rate(vitals.errors_per_s), "red" if vitals.errors_per_s else ""),
        _note("refused", _rate(vitals.refusals_per_s)),
        _note("open", f"{vitals.http_connections:.0f}"),
    ]
    mail_in = [
        _note("deferred", _rate(deferred), "red" if deferred else ""),
        _note("refused", _rate(outcomes.get("refused", 0.0))),
        _note("open", f"{vitals.smtp_connections:.0f}"),
        _note("", f"{show_size(vitals.smtp_bytes_per_s)}/s"),
    ]
    oldest = f" ({show_span(vitals.queue_oldest_s)})" if queue.get("queued") else ""
    mail_out = [
        _note("wait", f"{queue.get('queued', 0):.0f}{oldest}"),
        _note("failed", _rate(vitals.failed_per_s)),
        _note("put off", _rate(vitals.put_off_per_s)),
        _note("captured", f"{queue['captured']:.0f}" if queue.get("captured") else ""),
    ]
    store = [
        _note(
            "free",
            f"{show_size(vitals.disk_free_bytes)}, {share:.0%}",
            _warn(share < DISK_LOW_SHARE),
        ),
        _note("certificate", show_span(vitals.certificate_s)),
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", min_width=9, style="bold", no_wrap=True)
    for name in ("per s", "p50", "p95"):
        table.add_column(name, justify="right", min_width=6, no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for title, pace, per_s, notes in (
        ("API", vitals.api, vitals.api.per_s, api),
        ("Mail in", vitals.smtp, vitals.smtp.per_s, mail_in),
        ("Mail out", vitals.delivery, vitals.delivered_per_s, mail_out),
        ("Commits", vitals.commits, vitals.commits.per_s, store),
    ):
        line = Text("  ").join(note for note in notes if note)
        table.add_row(title, _rate(per_s), _show_ms(pace.p50_ms), _show_ms(pace.p95_ms), line)
    return table


def _refused(vitals: Vitals) -> Text:
    troubles = ", ".join(f"{count:.0f} {name}" for name, count in vitals.troubles.items())
    notes = [
        _note("sign-ins", _rate(vitals.sign_ins_refused_per_s)),
        _note("quota", _rate(vitals.quota_refused_per_s)),
        _note("turned away", _rate(vitals.turned_away_per_s)),
        _note("troubles", troubles or "none", "yellow" if troubles else ""),
    ]
    return Text.assemble(("Refused    ", "bold"), Text("  ").join(notes))


def _note(word: str, value: str, style: str = "") -> Text:
    """Return a word and its value; nothing when there is no value."""
    return Text(f"{word} {value}".strip() if value else "", style=style)


def _warn(is_bad: bool) -> str:  # noqa: FBT001 - a condition, said where it is used
    return "red" if is_bad else ""


def _methods(vitals: Vitals, most: int) -> Table:
    rows = [
        (name.removeprefix("gmail.users."), _rate(p.per_s), _show_ms(p.p50_ms), _show_ms(p.p95_ms))
        for name, p in vitals.methods.items()
    ]
    return _table(("method", "per s", "p50", "p95"), rows[:most])


def _processes(vitals: Vitals, most: int) -> Table:
    rows = [
        (each.name, f"{each.cpu:.0%}", show_size(each.resident_bytes), f"{each.files:.0f}")
        for each in vitals.processes
    ]
    return _table(("process", "cpu", "memory", "files"), rows[:most])


def _slow(vitals: Vitals, most: int) -> Table:
    rows = [
        (
            f"{show_time(s.at_ms)[11:19]} {s.what.removeprefix('gmail.users.')}",
            str(s.status),
            _show_ms(s.ms),
            s.id,
        )
        for s in vitals.slow
    ]
    return _table(("slow request", "status", "took", "id"), rows[:most])


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(columns[0], min_width=36, no_wrap=True, overflow="ellipsis")
    for name in columns[1:]:
        table.add_column(name, justify="right", min_width=8, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _rate(per_s: float) -> str:
    digits = 0 if per_s >= _HUNDRED or not per_s else 1 if per_s >= 1 else 2
    return f"{per_s:.{digits}f}"


def _show_ms(ms: float | None) -> str:
    if ms is None:
        return "-"
    return f"{ms / 1000:.1f}s" if ms >= _KILO else f"{ms:.0f}ms" if ms >= 10 else f"{ms:.1f}ms"


def show_size(octets: float) -> str:
    """Return octets in three figures: 512 B, 4.2 kB, 66.5 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if octets < _KILO:
            return (
                f"{octets:.0f} {unit}"
                if unit == "B" or octets >= _HUNDRED
                else f"{octets:.1f} {unit}"
            )
        octets /= _KILO
    return f"{octets:.1f} TB"


def show_span(seconds: float) -> str:
    """Return a length of time in its largest unit, with the next one where that tells more."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"
