"""The mailbox itself: profile and push notifications.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, Method, Params
from penfold.spec.problems import (
    INVALID_LABEL,
    INVALID_TOPIC_NAME,
    LABEL_ID_NOT_FOUND,
    ONE_WATCH_ONLY,
    TOPIC_FORBIDDEN,
    TOPIC_NOT_FOUND,
)
from penfold.spec.schemas import Profile, WatchRequest, WatchResponse
from penfold.spec.scopes import LIST_MAIL, READ_PROFILE


class UsersGetProfileParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class UsersStopParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class UsersWatchParams(Params, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.getProfile",
        verb="GET",
        path=USER + "/profile",
        params=UsersGetProfileParams,
        response=Profile,
        scopes=READ_PROFILE,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        summary="Return the address of the account, its totals and its current history id.",
    ),
    Method(
        id="gmail.users.stop",
        verb="POST",
        path=USER + "/stop",
        params=UsersStopParams,
        scopes=LIST_MAIL,
        cost=Cost(50, 50),
        access=Access.READ_SLOW,
        since="0.1",
        summary="Stop telling the caller's topic about changes.",
    ),
    Method(
        id="gmail.users.watch",
        verb="POST",
        path=USER + "/watch",
        params=UsersWatchParams,
        request=WatchRequest,
        response=WatchResponse,
        scopes=LIST_MAIL,
        cost=Cost(100, 100),
        access=Access.READ_SLOW,
        errors=frozenset(
            {
                INVALID_LABEL,
                INVALID_TOPIC_NAME,
                LABEL_ID_NOT_FOUND,
                ONE_WATCH_ONLY,
                TOPIC_FORBIDDEN,
                TOPIC_NOT_FOUND,
            }
        ),
        since="0.1",
        summary="Tell a topic about changes of the mailbox for the next seven days.",
    ),
)
