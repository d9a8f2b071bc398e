"""Suppressions: list, add, import, export, get, remove."""

from penfold.base.limits import SUPPRESSIONS_IMPORT_MAX
from penfold.domain.sending.findings import INVALID, TOO_MANY, Findings
from penfold.domain.sending.showing import show_suppression
from penfold.domain.sending.suppressing import find_one, lift, put_all, read_suppression
from penfold.front.http.sending.call import Call, must, read_page
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.suppressions import Reason, Suppression
from penfold.proto.address import canonical
from penfold.spec.sending import schemas
from penfold.spec.sending.problems import NOT_FOUND, SendingError


def suppressions_list(call: Call) -> schemas.SuppressionList:
    findings = Findings()
    query = call.query
    if query.origin and query.origin not in list(Reason):
        findings.add("origin", INVALID, f"is one of {', '.join(Reason)}")
    if query.before:
        findings.add("before", INVALID, "is not served here; `after` goes on to older ones")
    findings.raise_any()

    def look(book: SendingReader) -> schemas.SuppressionList:
        page = read_page(query, lambda name: book.find_suppression(name, call.account_id))
        found = book.list_suppressions(
            call.account_id,
            address=canonical(query.email),
            reason=query.origin,
            older=page.older,
            limit=page.limit + 1,
        )
        return _list(*page.cut(found))

    return call.book.read(look)


def _list(items: list[Suppression], more: bool) -> schemas.SuppressionList:  # noqa: FBT001 - of cut
    data = [show_suppression(one) for one in items]
    return schemas.SuppressionList(object="list", has_more=more, data=data)


def suppressions_add(call: Call) -> schemas.Suppression:
    [kept] = put_all(call.book, _read_all([call.body], call, listed=False))
    return show_suppression(kept)


def suppressions_import(call: Call) -> schemas.Imported:
    given: list[schemas.NewSuppression] = call.body.data
    if len(given) > SUPPRESSIONS_IMPORT_MAX:
        findings = Findings()
        findings.add("data", TOO_MANY, f"has more than {SUPPRESSIONS_IMPORT_MAX}")
        findings.raise_any()
    kept = put_all(call.book, _read_all(given, call, listed=True))
    return schemas.Imported(object="import", imported=len(kept))


def _read_all(
    given: list[schemas.NewSuppression], call: Call, *, listed: bool
) -> list[Suppression]:
    """Return all of them, or refuse with what is wrong with the first that is."""
    found = []
    for at, one in enumerate(given):
        findings = Findings(f"data[{at}]." if listed else "")
        read = read_suppression(
            one, call.account_id, findings, now_ms=call.now_ms, chance=call.chance
        )
        findings.raise_any()
        found.append(must(read))
    return found


def suppressions_export(call: Call) -> schemas.SuppressionList:
    def look(book: SendingReader) -> schemas.SuppressionList:
        older = None
        if call.query.after:
            older = must(book.find_suppression(call.query.after, call.account_id)).number
        found = book.list_suppressions(
            call.account_id, older=older, limit=SUPPRESSIONS_IMPORT_MAX + 1
        )
        return _list(found[:SUPPRESSIONS_IMPORT_MAX], len(found) > SUPPRESSIONS_IMPORT_MAX)

    return call.book.read(look)


def suppressions_get(call: Call) -> schemas.Suppression:
    found = call.book.read(lambda book: find_one(book, call.account_id, call.id))
    return show_suppression(must(found))


def suppressions_remove(call: Call) -> schemas.Reference:
    gone = call.book.change(lambda writer: lift(writer, call.account_id, call.id))
    if not gone:
        raise SendingError(
            NOT_FOUND,
            "There is no such suppression; one for a complaint is lifted by its id alone.",
        )
    return schemas.Reference(object="suppression", id=gone, deleted=True)
