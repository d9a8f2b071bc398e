"""users.settings.sendAs.smimeInfo.*, as clients see them."""

import base64

import pytest
from tests.keys import NOW, make_leaf, make_pkcs12

from penfold.spec.problems import INVALID_SMIME, NOT_FOUND


def info(address, **facts):
    password = facts.pop("password", "secret")
    data = make_pkcs12(make_leaf(address, **facts), password=password)
    return {"pkcs12": base64.urlsafe_b64encode(data).decode(), "encryptedKeyPassword": password}


@pytest.fixture
def kept(api):
    return api.ok(
        "settings.sendAs.smimeInfo.insert", sendAsEmail=api.address, body=info(api.address)
    )


def test_a_certificate_is_kept_and_its_key_is_never_shown(api, kept):
    assert set(kept) == {"id", "pem", "issuerCn", "expiration", "isDefault"}
    assert kept["isDefault"] is True
    assert kept["issuerCn"] == "Test Root"
    assert int(kept["expiration"]) > NOW.timestamp() * 1000
    here = {"sendAsEmail": api.address}
    assert api.ok("settings.sendAs.smimeInfo.get", id=kept["id"], **here) == kept
    assert api.ok("settings.sendAs.smimeInfo.list", **here) == {"smimeInfo": [kept]}


def test_what_is_wrong_with_a_certificate_is_said(api):
    here = {"sendAsEmail": api.address}
    insert = "settings.sendAs.smimeInfo.insert"
    api.fails(INVALID_SMIME, "settings.sendAs.smimeInfo.insert", **here)
    wrong = info(api.address) | {"encryptedKeyPassword": "other"}
    for body, why in (
        ({"pkcs12": "AAAA"}, "not a PKCS#12 file"),
        (wrong, "another password"),
        (info("somebody@else.example"), f"it does not name {api.address}"),
    ):
        assert why in api.fails(INVALID_SMIME, insert, body=body, **here)["message"]
    assert api.ok("settings.sendAs.smimeInfo.list", **here) == {}


def test_the_default_moves_and_does_not_vanish(api, kept):
    here = {"sendAsEmail": api.address}
    other = api.ok("settings.sendAs.smimeInfo.insert", body=info(api.address), **here)
    assert "isDefault" not in other
    api.ok("settings.sendAs.smimeInfo.setDefault", id=other["id"], **here)
    listed = api.ok("settings.sendAs.smimeInfo.list", **here)["smimeInfo"]
    assert [each.get("isDefault") for each in listed] == [None, True]
    api.ok("settings.sendAs.smimeInfo.delete", id=other["id"], **here)
    assert api.ok("settings.sendAs.smimeInfo.list", **here) == {"smimeInfo": [kept]}


def test_what_is_not_there_is_not_found(api, kept):
    here, nobody = {"sendAsEmail": api.address}, {"sendAsEmail": "nobody@penfold.test"}
    api.fails(NOT_FOUND, "settings.sendAs.smimeInfo.get", id="1", **here)
    api.fails(NOT_FOUND, "settings.sendAs.smimeInfo.delete", id="1", **here)
    api.fails(NOT_FOUND, "settings.sendAs.smimeInfo.setDefault", id="1", **here)
    api.fails(NOT_FOUND, "settings.sendAs.smimeInfo.list", **nobody)
    body = info("nobody@penfold.test")
    api.fails(NOT_FOUND, "settings.sendAs.smimeInfo.insert", body=body, **nobody)
    stranger = api.of(api.house.add_person())
    api.fails(NOT_FOUND, "settings.sendAs.smimeInfo.get", id=kept["id"], **nobody)
    listed = stranger.ok("settings.sendAs.smimeInfo.list", sendAsEmail=stranger.address)
    assert listed == {}
