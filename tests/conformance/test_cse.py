"""users.settings.cse.*, as clients see them."""

import pytest
from tests.keys import DAY, NOW, make_leaf, make_pkcs7, make_root

from penfold.spec.problems import (
    IDENTITY_EXISTS,
    INVALID_IDENTITY,
    INVALID_KEY_PAIR,
    INVALID_PAGE_SIZE,
    INVALID_PAGE_TOKEN,
    KEY_PAIR_STATE,
    NOT_FOUND,
)

KACLS = {"kaclsKeyMetadata": {"kaclsUri": "https://keys.example/v1", "kaclsData": "opaque"}}
HARDWARE = {"hardwareKeyMetadata": {"description": "A card"}}


def pair(address, *, metadata=KACLS, chain=None):
    chain = chain or make_pkcs7(make_leaf(address), make_root())
    return {"pkcs7": chain, "privateKeyMetadata": [metadata]}


@pytest.fixture
def kept(api):
    return api.ok("settings.cse.keypairs.create", body=pair(api.address))


@pytest.fixture
def identity(api, kept):
    body = {"emailAddress": api.address, "primaryKeyPairId": kept["keyPairId"]}
    return api.ok("settings.cse.identities.create", body=body)


# --- key pairs


def test_a_key_pair_is_made_enabled(api, kept):
    assert kept["enablementState"] == "enabled"
    assert kept["subjectEmailAddresses"] == [api.address]
    assert kept["privateKeyMetadata"][0]["kaclsKeyMetadata"] == KACLS["kaclsKeyMetadata"]
    assert kept["privateKeyMetadata"][0]["privateKeyMetadataId"]
    assert not {"pkcs7", "disableTime"} & set(kept)
    assert api.ok("settings.cse.keypairs.get", keyPairId=kept["keyPairId"]) == kept
    hardware = api.ok("settings.cse.keypairs.create", body=pair(api.address, metadata=HARDWARE))
    assert hardware["privateKeyMetadata"][0]["hardwareKeyMetadata"] == {"description": "A card"}


def test_what_is_wrong_with_a_key_pair_is_said(api):
    create = "settings.cse.keypairs.create"
    api.fails(INVALID_KEY_PAIR, "settings.cse.keypairs.create")
    plain = {"kaclsKeyMetadata": {"kaclsUri": "http://keys.example", "kaclsData": "x"}}
    old = make_pkcs7(make_leaf(api.address, ends=NOW - DAY / 2), make_root())
    for body, why in (
        (pair(api.address, chain="garbage"), "not PKCS#7"),
        (pair(api.address, metadata={}), "one of kaclsKeyMetadata"),
        (pair(api.address, metadata=KACLS | HARDWARE), "one of kaclsKeyMetadata"),
        (pair(api.address, metadata=plain), "https"),
        (pair(api.address, chain=old), "expired"),
        (pair(api.address, chain=make_pkcs7(make_leaf(api.address))), "does not reach a root"),
    ):
        assert why in api.fails(INVALID_KEY_PAIR, create, body=body)["message"]
    body = pair(api.address, chain=old)
    api.ok("settings.cse.keypairs.create", body=body, chainValidation="none")


def test_a_key_pair_is_disabled_enabled_and_not_obliterated_too_soon(api, kept):
    here = {"keyPairId": kept["keyPairId"]}
    api.fails(KEY_PAIR_STATE, "settings.cse.keypairs.obliterate", **here)
    disabled = api.ok("settings.cse.keypairs.disable", **here)
    assert (disabled["enablementState"], "disableTime" in disabled) == ("disabled", True)
    assert api.ok("settings.cse.keypairs.disable", **here) == disabled
    error = api.fails(KEY_PAIR_STATE, "settings.cse.keypairs.obliterate", **here)
    assert "30 days" in error["message"]
    assert api.ok("settings.cse.keypairs.enable", **here) == kept


def test_a_key_pair_that_is_not_there_is_not_found(api):
    api.fails(NOT_FOUND, "settings.cse.keypairs.get", keyPairId="1")
    api.fails(NOT_FOUND, "settings.cse.keypairs.disable", keyPairId="1")
    api.fails(NOT_FOUND, "settings.cse.keypairs.enable", keyPairId="1")
    api.fails(NOT_FOUND, "settings.cse.keypairs.obliterate", keyPairId="1")


def test_key_pairs_come_in_pages(api):
    assert api.ok("settings.cse.keypairs.list") == {}
    made = [api.ok("settings.cse.keypairs.create", body=pair(api.address)) for _ in range(3)]
    first = api.ok("settings.cse.keypairs.list", pageSize=2)
    token = first["nextPageToken"]
    second = api.ok("settings.cse.keypairs.list", pageSize=2, pageToken=token)
    assert first["cseKeyPairs"] + second["cseKeyPairs"] == made
    assert "nextPageToken" not in second
    api.fails(INVALID_PAGE_SIZE, "settings.cse.keypairs.list", pageSize=0)
    api.fails(INVALID_PAGE_TOKEN, "settings.cse.keypairs.list", pageToken="garbage")


# --- identities


def test_an_identity_uses_a_key_pair(api, identity, kept):
    assert identity == {"emailAddress": api.address, "primaryKeyPairId": kept["keyPairId"]}
    found = api.ok("settings.cse.identities.get", cseEmailAddress=api.address)
    assert found == identity
    assert api.ok("settings.cse.identities.list") == {"cseIdentities": [identity]}
    api.fails(IDENTITY_EXISTS, "settings.cse.identities.create", body=identity)
    api.fails(INVALID_PAGE_SIZE, "settings.cse.identities.list", pageSize=-1)
    api.fails(INVALID_PAGE_TOKEN, "settings.cse.identities.list", pageToken="garbage")


def test_what_is_wrong_with_an_identity_is_said(api, kept):
    other = api.ok("settings.cse.keypairs.create", body=pair("other@penfold.test"))
    api.ok("settings.cse.keypairs.disable", keyPairId=kept["keyPairId"])
    api.fails(INVALID_IDENTITY, "settings.cse.identities.create")
    for members, why in (
        ({"emailAddress": "other@penfold.test"}, "the account's own"),
        ({"primaryKeyPairId": "1"}, "no enabled key pair 1"),
        ({"primaryKeyPairId": kept["keyPairId"]}, "no enabled key pair"),
        ({"primaryKeyPairId": other["keyPairId"]}, "does not name"),
        ({"signAndEncryptKeyPairs": {"signingKeyPairId": "1"}}, "both key pairs"),
    ):
        body = {"emailAddress": api.address} | members
        error = api.fails(INVALID_IDENTITY, "settings.cse.identities.create", body=body)
        assert why in error["message"]


def test_patch_names_other_key_pairs(api, identity):
    two = [api.ok("settings.cse.keypairs.create", body=pair(api.address)) for _ in range(2)]
    pairs = {
        "signingKeyPairId": two[0]["keyPairId"],
        "encryptionKeyPairId": two[1]["keyPairId"],
    }
    here = {"emailAddress": api.address}
    body = {"signAndEncryptKeyPairs": pairs}
    changed = api.ok("settings.cse.identities.patch", body=body, **here)
    assert changed == {"emailAddress": api.address, "signAndEncryptKeyPairs": pairs}
    body = {"primaryKeyPairId": identity["primaryKeyPairId"]}
    assert api.ok("settings.cse.identities.patch", body=body, **here) == identity
    body = {"primaryKeyPairId": "1"}
    api.fails(INVALID_IDENTITY, "settings.cse.identities.patch", body=body, **here)


def test_an_identity_is_deleted_and_then_not_found(api, identity):
    api.ok("settings.cse.identities.delete", cseEmailAddress=identity["emailAddress"])
    here = {"cseEmailAddress": api.address}
    api.fails(NOT_FOUND, "settings.cse.identities.delete", **here)
    api.fails(NOT_FOUND, "settings.cse.identities.get", **here)
    body = {"primaryKeyPairId": "1"}
    api.fails(NOT_FOUND, "settings.cse.identities.patch", emailAddress=api.address, body=body)
