"""Labels.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final

from penfold.spec.method import USER, Access, Cost, IdParams, Method, Params
from penfold.spec.problems import (
    INVALID_DELETE,
    INVALID_UPDATE,
    LABEL_ERRORS,
    NOT_FOUND,
    TOO_MANY_USER_LABELS,
)
from penfold.spec.schemas import Label, ListLabelsResponse
from penfold.spec.scopes import READ_LABELS, WRITE_LABELS


class LabelsCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class LabelsDeleteParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class LabelsGetParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class LabelsListParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class LabelsPatchParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


class LabelsUpdateParams(IdParams, frozen=True, kw_only=True, gc=False):
    pass


METHODS: Final = (
    Method(
        id="gmail.users.labels.create",
        verb="POST",
        path=USER + "/labels",
        params=LabelsCreateParams,
        request=Label,
        response=Label,
        requires=("name", "labelListVisibility", "messageListVisibility"),
        scopes=WRITE_LABELS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        errors=LABEL_ERRORS | {TOO_MANY_USER_LABELS},
        since="0.1",
        summary="Make a label.",
    ),
    Method(
        id="gmail.users.labels.delete",
        verb="DELETE",
        path=USER + "/labels/{id}",
        params=LabelsDeleteParams,
        scopes=WRITE_LABELS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        errors=frozenset({NOT_FOUND, INVALID_DELETE}),
        since="0.1",
        summary="Delete a label and take it off every message.",
    ),
    Method(
        id="gmail.users.labels.get",
        verb="GET",
        path=USER + "/labels/{id}",
        params=LabelsGetParams,
        response=Label,
        scopes=READ_LABELS,
        cost=Cost(1, 1),
        access=Access.READ,
        errors=frozenset({NOT_FOUND}),
        since="0.1",
        summary="Return one label with its counters.",
    ),
    Method(
        id="gmail.users.labels.list",
        verb="GET",
        path=USER + "/labels",
        params=LabelsListParams,
        response=ListLabelsResponse,
        scopes=READ_LABELS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        summary="List all labels.",
    ),
    Method(
        id="gmail.users.labels.patch",
        verb="PATCH",
        path=USER + "/labels/{id}",
        params=LabelsPatchParams,
        request=Label,
        response=Label,
        scopes=WRITE_LABELS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        errors=LABEL_ERRORS | {NOT_FOUND, INVALID_UPDATE},
        since="0.1",
        summary="Change the given members of a label.",
    ),
    Method(
        id="gmail.users.labels.update",
        verb="PUT",
        path=USER + "/labels/{id}",
        params=LabelsUpdateParams,
        request=Label,
        response=Label,
        requires=("id", "name", "labelListVisibility", "messageListVisibility"),
        scopes=WRITE_LABELS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        errors=LABEL_ERRORS | {NOT_FOUND, INVALID_UPDATE},
        since="0.1",
        summary="Replace a label's members.",
    ),
)
