"""users.settings.sendAs, forwardingAddresses and delegates, as clients see them."""

from penfold.spec.problems import (
    ADDRESS_EXISTS,
    ALREADY_VERIFIED,
    INVALID_DELEGATE,
    INVALID_SEND_AS,
    NOT_FOUND,
    PRIMARY_UNDELETABLE,
    SERVICE_ACCOUNT_ONLY,
    SMTP_MSA_REFUSED,
)

OUT = "other@elsewhere.example"
ALIAS = {
    "sendAsEmail": OUT,
    "displayName": "",
    "replyToAddress": "",
    "signature": "",
    "treatAsAlias": False,
    "verificationStatus": "pending",
}
CLOSED = {"host": "127.0.0.1", "port": 1, "securityMode": "none"}


def test_the_own_address_is_always_there(api):
    own = {
        "sendAsEmail": api.address,
        "displayName": "",
        "replyToAddress": "",
        "signature": "",
        "isPrimary": True,
        "isDefault": True,
    }
    assert api.ok("settings.sendAs.list") == {"sendAs": [own]}
    assert api.ok("settings.sendAs.get", sendAsEmail=api.address) == own
    api.fails(NOT_FOUND, "settings.sendAs.get", sendAsEmail=OUT)
    call = {"who": "service", "sendAsEmail": api.address}
    api.fails(PRIMARY_UNDELETABLE, "settings.sendAs.delete", **call)
    api.fails(ALREADY_VERIFIED, "settings.sendAs.verify", **call)
    named = {**own, "displayName": "Kim"}
    name = {"displayName": "Kim"}
    assert api.ok("settings.sendAs.patch", sendAsEmail=api.address, body=name) == named


def test_an_alias_is_made_changed_and_removed(api):
    service = {"who": "service"}
    assert api.ok("settings.sendAs.create", **service, body={"sendAsEmail": OUT}) == ALIAS
    api.fails(ADDRESS_EXISTS, "settings.sendAs.create", **service, body={"sendAsEmail": OUT})
    api.fails(INVALID_SEND_AS, "settings.sendAs.create", **service)
    asked = {"sendAsEmail": "x@elsewhere.example", "smtpMsa": CLOSED}
    api.fails(SMTP_MSA_REFUSED, "settings.sendAs.create", **service, body=asked)
    api.ok("settings.sendAs.verify", **service, sendAsEmail=OUT)
    api.fails(NOT_FOUND, "settings.sendAs.verify", **service, sendAsEmail=asked["sendAsEmail"])

    reply = {"replyToAddress": "back@elsewhere.example"}
    bad = {"replyToAddress": "nobody"}
    alias, gone = {"sendAsEmail": OUT}, {"sendAsEmail": "gone@elsewhere.example"}
    named = {"displayName": "Kim", **reply}
    assert api.ok("settings.sendAs.update", **service, **alias, body=named) == {**ALIAS, **named}
    api.fails(INVALID_SEND_AS, "settings.sendAs.update", **service, **alias, body=bad)
    api.fails(
        SMTP_MSA_REFUSED,
        "settings.sendAs.update",
        **service,
        **alias,
        body={"smtpMsa": CLOSED},
    )
    api.fails(NOT_FOUND, "settings.sendAs.update", **service, **gone)
    api.fails(SERVICE_ACCOUNT_ONLY, "settings.sendAs.update", **alias, body=reply)
    patched = {"displayName": "Kim B."}
    assert api.ok("settings.sendAs.patch", **service, **alias, body=patched) == {
        **ALIAS, **reply, **patched
    }  # fmt: skip
    api.fails(INVALID_SEND_AS, "settings.sendAs.patch", **service, **alias, body=bad)
    api.fails(
        SMTP_MSA_REFUSED,
        "settings.sendAs.patch",
        **service,
        **alias,
        body={"smtpMsa": CLOSED},
    )
    api.fails(NOT_FOUND, "settings.sendAs.patch", **service, **gone)
    api.fails(SERVICE_ACCOUNT_ONLY, "settings.sendAs.patch", **alias, body=reply)
    api.ok("settings.sendAs.delete", **service, **alias)
    api.fails(NOT_FOUND, "settings.sendAs.delete", **service, **alias)


def test_forwarding_addresses_wait_for_consent_but_not_at_home(api):
    assert api.ok("settings.forwardingAddresses.list") == {}
    service = {"who": "service"}
    pending = {"forwardingEmail": OUT, "verificationStatus": "pending"}
    assert (
        api.ok("settings.forwardingAddresses.create", **service, body={"forwardingEmail": OUT})
        == pending
    )
    home = {"forwardingEmail": api.house.add_person().address}
    at_once = {**home, "verificationStatus": "accepted"}
    assert api.ok("settings.forwardingAddresses.create", **service, body=home) == at_once
    api.fails(ADDRESS_EXISTS, "settings.forwardingAddresses.create", **service, body=home)
    own = {"forwardingEmail": api.address}
    api.fails(INVALID_SEND_AS, "settings.forwardingAddresses.create", **service, body=own)
    assert api.ok("settings.forwardingAddresses.get", forwardingEmail=OUT) == pending
    api.ok("settings.forwardingAddresses.delete", **service, forwardingEmail=OUT)
    api.fails(NOT_FOUND, "settings.forwardingAddresses.get", forwardingEmail=OUT)
    api.fails(NOT_FOUND, "settings.forwardingAddresses.delete", **service, forwardingEmail=OUT)


def test_delegates_are_accounts_here(api):
    service = {"who": "service"}
    assert api.ok("settings.delegates.list", **service) == {}
    delegate = {"delegateEmail": api.house.add_person().address}
    made = {**delegate, "verificationStatus": "accepted"}
    assert api.ok("settings.delegates.create", **service, body=delegate) == made
    api.fails(ADDRESS_EXISTS, "settings.delegates.create", **service, body=delegate)
    stranger = {"delegateEmail": OUT}
    api.fails(INVALID_DELEGATE, "settings.delegates.create", **service, body=stranger)
    api.fails(INVALID_SEND_AS, "settings.delegates.create", **service)
    assert api.ok("settings.delegates.get", **service, **delegate) == made
    api.ok("settings.delegates.delete", **service, **delegate)
    api.fails(NOT_FOUND, "settings.delegates.get", **service, **delegate)
    api.fails(NOT_FOUND, "settings.delegates.delete", **service, **delegate)
