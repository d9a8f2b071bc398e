"""Client-side encryption: identities and key pairs.

Declares the methods and their parameters; see spec.method for what each member means.
"""

from typing import Final, Literal

from penfold.spec.method import USER, Access, Cost, Int32Param, Method, Params
from penfold.spec.problems import (
    IDENTITY_EXISTS,
    INVALID_IDENTITY,
    INVALID_KEY_PAIR,
    INVALID_PAGE_SIZE,
    INVALID_PAGE_TOKEN,
    KEY_PAIR_STATE,
    NOT_FOUND,
)
from penfold.spec.schemas import (
    CseIdentity,
    CseKeyPair,
    DisableCseKeyPairRequest,
    EnableCseKeyPairRequest,
    ListCseIdentitiesResponse,
    ListCseKeyPairsResponse,
    ObliterateCseKeyPairRequest,
)
from penfold.spec.scopes import READ_KEYS, WRITE_KEYS


class IdentitiesCreateParams(Params, frozen=True, kw_only=True, gc=False):
    pass


class IdentitiesDeleteParams(Params, frozen=True, kw_only=True, gc=False):
    cse_email_address: str


class IdentitiesGetParams(Params, frozen=True, kw_only=True, gc=False):
    cse_email_address: str


class IdentitiesListParams(Params, frozen=True, kw_only=True, gc=False):
    page_size: Int32Param = 20
    page_token: str = ""


class IdentitiesPatchParams(Params, frozen=True, kw_only=True, gc=False):
    email_address: str


class KeypairsCreateParams(Params, frozen=True, kw_only=True, gc=False):
    chain_validation: Literal["all", "none"] = "all"


class KeypairsDisableParams(Params, frozen=True, kw_only=True, gc=False):
    key_pair_id: str


class KeypairsEnableParams(Params, frozen=True, kw_only=True, gc=False):
    key_pair_id: str


class KeypairsGetParams(Params, frozen=True, kw_only=True, gc=False):
    key_pair_id: str


class KeypairsListParams(Params, frozen=True, kw_only=True, gc=False):
    page_size: Int32Param = 20
    page_token: str = ""


class KeypairsObliterateParams(Params, frozen=True, kw_only=True, gc=False):
    key_pair_id: str


METHODS: Final = (
    Method(
        id="gmail.users.settings.cse.identities.create",
        verb="POST",
        path=USER + "/settings/cse/identities",
        params=IdentitiesCreateParams,
        request=CseIdentity,
        response=CseIdentity,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({INVALID_IDENTITY, IDENTITY_EXISTS}),
        summary="Make a client-side encryption identity.",
    ),
    Method(
        id="gmail.users.settings.cse.identities.delete",
        verb="DELETE",
        path=USER + "/settings/cse/identities/{cseEmailAddress}",
        params=IdentitiesDeleteParams,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Delete a client-side encryption identity.",
    ),
    Method(
        id="gmail.users.settings.cse.identities.get",
        verb="GET",
        path=USER + "/settings/cse/identities/{cseEmailAddress}",
        params=IdentitiesGetParams,
        response=CseIdentity,
        scopes=READ_KEYS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Return one client-side encryption identity.",
    ),
    Method(
        id="gmail.users.settings.cse.identities.list",
        verb="GET",
        path=USER + "/settings/cse/identities",
        params=IdentitiesListParams,
        response=ListCseIdentitiesResponse,
        scopes=READ_KEYS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        errors=frozenset({INVALID_PAGE_SIZE, INVALID_PAGE_TOKEN}),
        summary="List client-side encryption identities.",
    ),
    Method(
        id="gmail.users.settings.cse.identities.patch",
        verb="PATCH",
        path=USER + "/settings/cse/identities/{emailAddress}",
        params=IdentitiesPatchParams,
        request=CseIdentity,
        response=CseIdentity,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND, INVALID_IDENTITY}),
        summary="Give a client-side encryption identity another key pair.",
    ),
    Method(
        id="gmail.users.settings.cse.keypairs.create",
        verb="POST",
        path=USER + "/settings/cse/keypairs",
        params=KeypairsCreateParams,
        request=CseKeyPair,
        response=CseKeyPair,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({INVALID_KEY_PAIR}),
        summary="Add a client-side encryption key pair.",
    ),
    Method(
        id="gmail.users.settings.cse.keypairs.disable",
        verb="POST",
        path=USER + "/settings/cse/keypairs/{keyPairId}:disable",
        params=KeypairsDisableParams,
        request=DisableCseKeyPairRequest,
        response=CseKeyPair,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Turn a client-side encryption key pair off.",
    ),
    Method(
        id="gmail.users.settings.cse.keypairs.enable",
        verb="POST",
        path=USER + "/settings/cse/keypairs/{keyPairId}:enable",
        params=KeypairsEnableParams,
        request=EnableCseKeyPairRequest,
        response=CseKeyPair,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Turn a client-side encryption key pair on again.",
    ),
    Method(
        id="gmail.users.settings.cse.keypairs.get",
        verb="GET",
        path=USER + "/settings/cse/keypairs/{keyPairId}",
        params=KeypairsGetParams,
        response=CseKeyPair,
        scopes=READ_KEYS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        errors=frozenset({NOT_FOUND}),
        summary="Return one client-side encryption key pair.",
    ),
    Method(
        id="gmail.users.settings.cse.keypairs.list",
        verb="GET",
        path=USER + "/settings/cse/keypairs",
        params=KeypairsListParams,
        response=ListCseKeyPairsResponse,
        scopes=READ_KEYS,
        cost=Cost(1, 1),
        access=Access.READ,
        since="0.1",
        errors=frozenset({INVALID_PAGE_SIZE, INVALID_PAGE_TOKEN}),
        summary="List client-side encryption key pairs.",
    ),
    Method(
        id="gmail.users.settings.cse.keypairs.obliterate",
        verb="POST",
        path=USER + "/settings/cse/keypairs/{keyPairId}:obliterate",
        params=KeypairsObliterateParams,
        request=ObliterateCseKeyPairRequest,
        scopes=WRITE_KEYS,
        cost=Cost(5, 5),
        access=Access.WRITE,
        since="0.1",
        errors=frozenset({NOT_FOUND, KEY_PAIR_STATE}),
        summary="Delete a key pair that has been off for 30 days, for good.",
    ),
)
