"""Accounts: list, get, insert, update, delete, signOut."""

from msgspec import UNSET
from msgspec.structs import replace

from penfold.domain.access.roles import find_role
from penfold.front.http.admin.call import Call, cut_page, needed, rfc3339
from penfold.ports.directory import Account
from penfold.ports.identity import ADMIN, ROLES, IdentityWriter, Session
from penfold.spec.admin import schemas
from penfold.spec.admin.method import INVALID_INPUT, NOT_TO_YOURSELF
from penfold.spec.problems import ProblemError


def users_list(call: Call) -> schemas.Users:
    accounts = call.identity.book.list_accounts()
    page, token = cut_page(accounts, lambda one: one.address, call.params)
    shown = [_show(call, account) for account in page]
    return schemas.Users(users=shown, next_page_token=token or UNSET)


def users_get(call: Call) -> schemas.User:
    return _show(call, call.get_user())


def users_insert(call: Call) -> schemas.User:
    body = call.body
    role = _read_role(body)
    password = needed(body.password, "password")
    address = needed(body.primary_email, "primaryEmail")
    account = call.identity.accounts.add(address, password=password, name=_read_name(body) or "")
    if role:
        call.identity.roles.set(account, role)
    return _show(call, account)


def users_update(call: Call) -> schemas.User:
    """Change what the body names, each with an entry of its own in the audit log."""
    body, account = call.body, call.get_user()
    role, name = _read_role(body), _read_name(body)
    if body.primary_email not in (UNSET, account.address):
        raise ProblemError(INVALID_INPUT, what="primaryEmail cannot be changed")
    if account.id == call.caller.id and (body.suspended is True or role not in (None, ADMIN)):
        raise ProblemError(NOT_TO_YOURSELF)
    if name is not None or body.suspended is not UNSET:

        def change(writer: IdentityWriter) -> None:
            found = writer.find(Account, account.id) or account
            suspended = found.suspended if body.suspended is UNSET else body.suspended
            new_name = found.name if name is None else name
            writer.replace(replace(found, name=new_name, suspended=suspended))

        call.identity.book.change(change)
    if body.password is not UNSET:
        call.identity.accounts.set_password(account.address, needed(body.password, "password"))
    if role:
        call.identity.roles.set(account, role)
    return _show(call, call.identity.book.get_account(account.id))


def users_delete(call: Call) -> None:
    account = call.get_user()
    if account.id == call.caller.id:
        raise ProblemError(NOT_TO_YOURSELF)
    call.identity.accounts.remove(account.address)


def users_sign_out(call: Call) -> None:
    account = call.get_user()

    def end(writer: IdentityWriter) -> None:
        for session in writer.list_by(Session, account_id=account.id):
            writer.delete(Session, session.id)

    call.identity.book.change(end)


def _show(call: Call, account: Account) -> schemas.User:
    role = find_role(call.identity.book, account.id)
    return schemas.User(
        id=account.id,
        primary_email=account.address,
        name=schemas.UserName(full_name=account.name),
        suspended=account.suspended,
        is_admin=role == ADMIN,
        role=role,
        aliases=call.identity.book.list_aliases(account.id) or UNSET,
        creation_time=rfc3339(account.created_ms),
    )


def _read_name(body: schemas.User) -> str | None:
    if body.name is UNSET or body.name.full_name is UNSET:
        return None
    return body.name.full_name


def _read_role(body: schemas.User) -> str | None:
    if body.role is UNSET:
        return None
    if body.role not in ROLES:
        raise ProblemError(INVALID_INPUT, what=f"role is one of {', '.join(ROLES)}")
    return body.role
