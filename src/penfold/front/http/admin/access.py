"""What lets somebody into one account: aliases, tokens, app passwords."""

from msgspec import UNSET

from penfold.base.addresses import exact_address
from penfold.front.http.admin.call import Call, missing, needed, rfc3339
from penfold.ports.audit_rules import handle_of
from penfold.ports.identity import AppPassword, Client, Grant, IdentityWriter
from penfold.spec.admin import schemas


def aliases_list(call: Call) -> schemas.Aliases:
    account = call.get_user()
    found = call.identity.book.list_aliases(account.id)
    shown = [schemas.Alias(alias=one, primary_email=account.address) for one in found]
    return schemas.Aliases(aliases=shown)


def aliases_insert(call: Call) -> schemas.Alias:
    account = call.get_user()
    made = call.identity.aliases.add(needed(call.body.alias, "alias"), account.address)
    return schemas.Alias(alias=made.address, primary_email=account.address)


def aliases_delete(call: Call) -> None:
    account = call.get_user()
    if exact_address(call.params.alias) not in call.identity.book.list_aliases(account.id):
        raise missing("alias")
    call.identity.aliases.remove(call.params.alias, account.address)


def tokens_list(call: Call) -> schemas.Tokens:
    """Return one item for each application, whatever the number of its grants."""
    account, book = call.get_user(), call.identity.book
    scopes: dict[str, set[str]] = {}
    for grant in book.list_by(Grant, account_id=account.id):
        scopes.setdefault(grant.client_id, set()).update(grant.scopes)
    items = []
    for client_id in sorted(scopes):
        client = book.find(Client, client_id)
        items.append(
            schemas.Token(
                client_id=client_id,
                display_text=client.name if client else "",
                scopes=sorted(scopes[client_id]),
                user_key=account.id,
            )
        )
    return schemas.Tokens(items=items)


def tokens_delete(call: Call) -> None:
    account, client_id = call.get_user(), call.params.client_id

    def revoke(writer: IdentityWriter) -> bool:
        grants = writer.list_by(Grant, account_id=account.id)
        mine = [grant for grant in grants if grant.client_id == client_id]
        for grant in mine:
            writer.delete(Grant, grant.id)
        return bool(mine)

    if not call.identity.book.change(revoke):
        raise missing("clientId")


def asps_list(call: Call) -> schemas.Asps:
    account = call.get_user()
    found = call.identity.book.list_by(AppPassword, account_id=account.id)
    return schemas.Asps(items=[_show(one) for one in found])


def asps_insert(call: Call) -> schemas.Asp:
    account = call.get_user()
    name = "" if call.body.name is UNSET else call.body.name
    password = call.identity.accounts.add_app_password(account.address, label=name)
    return schemas.Asp(name=name, password=password, user_key=account.id)


def asps_delete(call: Call) -> None:
    account, code = call.get_user(), call.params.code_id

    def remove(writer: IdentityWriter) -> bool:
        found = writer.list_by(AppPassword, account_id=account.id)
        mine = [one for one in found if handle_of(one.digest) == code]
        return sum(writer.delete(AppPassword, one.digest) for one in mine) > 0

    if not call.identity.book.change(remove):
        raise missing("codeId")


def _show(one: AppPassword) -> schemas.Asp:
    return schemas.Asp(
        code_id=handle_of(one.digest),
        name=one.label,
        creation_time=rfc3339(one.created_ms),
        last_time_used=rfc3339(one.used_ms) if one.used_ms else UNSET,
        user_key=one.account_id,
    )
