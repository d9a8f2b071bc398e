"""users.settings.get… and update…, as clients see them."""

from penfold.spec.problems import (
    INVALID_SETTING,
    SERVICE_ACCOUNT_ONLY,
    UNRECOGNIZED_FORWARDING,
)


def test_forwarding_is_off_until_an_address_agreed(api):
    assert api.ok("settings.getAutoForwarding") == {"enabled": False}
    off = {"enabled": False}
    assert api.ok("settings.updateAutoForwarding", who="service", body=off) == off
    on = {"enabled": True, "emailAddress": "x@elsewhere.example", "disposition": "archive"}
    api.fails(UNRECOGNIZED_FORWARDING, "settings.updateAutoForwarding", who="service", body=on)
    bad = {"disposition": "dispositionUnspecified"}
    api.fails(INVALID_SETTING, "settings.updateAutoForwarding", who="service", body=bad)
    api.fails(SERVICE_ACCOUNT_ONLY, "settings.updateAutoForwarding", body=off)


def test_imap_is_replaced(api):
    assert api.ok("settings.getImap") == {
        "enabled": True, "autoExpunge": True, "expungeBehavior": "archive"
    }  # fmt: skip
    wanted = {"enabled": True, "expungeBehavior": "trash", "maxFolderSize": 2000}
    assert api.ok("settings.updateImap", body=wanted) == wanted
    assert api.ok("settings.getImap") == wanted
    api.fails(INVALID_SETTING, "settings.updateImap", body={"maxFolderSize": 7})


def test_pop_is_replaced(api):
    assert api.ok("settings.getPop") == {
        "accessWindow": "disabled", "disposition": "leaveInInbox"
    }  # fmt: skip
    wanted = {"accessWindow": "fromNowOn", "disposition": "archive"}
    assert api.ok("settings.updatePop", body=wanted) == wanted
    bad = {"accessWindow": "accessWindowUnspecified"}
    api.fails(INVALID_SETTING, "settings.updatePop", body=bad)


def test_the_language_is_changed(api):
    assert api.ok("settings.getLanguage") == {"displayLanguage": "en"}
    changed = api.ok("settings.updateLanguage", body={"displayLanguage": "en-gb"})
    assert changed == {"displayLanguage": "en-GB"}
    api.fails(INVALID_SETTING, "settings.updateLanguage", body={})


def test_the_vacation_reply_is_replaced(api):
    assert api.ok("settings.getVacation") == {}
    wanted = {
        "enableAutoReply": True,
        "responseSubject": "Away",
        "responseBodyPlainText": "Back soon.",
        "startTime": "1790000000000",
        "endTime": "1790000000001",
    }
    assert api.ok("settings.updateVacation", body=wanted) == wanted
    assert api.ok("settings.getVacation") == wanted
    api.fails(INVALID_SETTING, "settings.updateVacation", body={"enableAutoReply": True})
