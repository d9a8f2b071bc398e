"""The account that a command of `penfold sending` is about."""

from penfold.base.errors import NotFoundError
from penfold.front.cli.doors import SendingTools


def find_account(tools: SendingTools, address: str) -> str:
    """Return the account's id; NotFoundError."""
    account = tools.find_account(address)
    if account is None:
        raise NotFoundError("no such account", address=address)
    return account.id
