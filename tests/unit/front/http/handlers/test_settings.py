"""users.settings.get… and update…: defaults, PUT, what zero means, what is refused."""

import pytest
from msgspec import to_builtins

from penfold.base.limits import VACATION_BODY_MAX_BYTES, VACATION_SUBJECT_MAX_BYTES
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import (
    AutoForwarding,
    ImapSettings,
    LanguageSettings,
    PopSettings,
    VacationSettings,
)


def get(world, name):
    return to_builtins(world.api(f"settings_get_{name}"))


def put(world, name, body):
    answer = to_builtins(world.api(f"settings_update_{name}", body=body))
    assert get(world, name) == answer
    return answer


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("auto_forwarding", {"enabled": False}),
        ("imap", {"enabled": True, "autoExpunge": True, "expungeBehavior": "archive"}),
        ("language", {"displayLanguage": "en"}),
        ("pop", {"accessWindow": "disabled", "disposition": "leaveInInbox"}),
        ("vacation", {}),
    ],
)
def test_new_account_has_gmails_defaults(world, name, default):
    assert get(world, name) == default


def test_put_replaces_all_of_a_record(world):
    full = ImapSettings(
        enabled=True, auto_expunge=False, expunge_behavior="trash", max_folder_size=1000
    )
    assert put(world, "imap", full) == {
        "enabled": True, "expungeBehavior": "trash", "maxFolderSize": 1000
    }  # fmt: skip
    assert put(world, "imap", ImapSettings()) == {"expungeBehavior": "archive"}
    assert put(world, "pop", PopSettings(access_window="allMail", disposition="trash")) == {
        "accessWindow": "allMail", "disposition": "trash"
    }  # fmt: skip
    assert put(world, "pop", PopSettings(disposition="archive")) == {
        "accessWindow": "disabled", "disposition": "archive"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [("fr", "fr"), ("en-gb", "en-GB"), ("ZH-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"),
     ("ca-valencia", "ca-valencia")],
)  # fmt: skip
def test_language_is_kept_in_its_usual_spelling(world, given, kept):
    body = LanguageSettings(display_language=given)
    assert put(world, "language", body) == {"displayLanguage": kept}


def test_forwarding_is_on_for_an_accepted_address_and_off_again(world):
    body = AutoForwarding(enabled=True, email_address="F@elsewhere.example")
    with pytest.raises(ProblemError, match="Unrecognized forwarding address"):
        put(world, "auto_forwarding", body)
    world.accept_forwarding("f@elsewhere.example")
    assert put(world, "auto_forwarding", body) == {
        "enabled": True, "emailAddress": "f@elsewhere.example", "disposition": "leaveInInbox"
    }  # fmt: skip
    off = AutoForwarding(email_address="f@elsewhere.example", disposition="archive")
    assert put(world, "auto_forwarding", off) == {"enabled": False}


def test_vacation_is_kept_without_what_says_nothing(world):
    body = VacationSettings(
        enable_auto_reply=True, response_subject="Away", response_body_plain_text="",
        restrict_to_domain=False, start_time="1000", end_time="0",
    )  # fmt: skip
    assert put(world, "vacation", body) == {
        "enableAutoReply": True, "responseSubject": "Away", "startTime": "1000"
    }  # fmt: skip
    assert put(world, "vacation", VacationSettings()) == {}


@pytest.mark.parametrize(
    ("name", "body", "member"),
    [
        ("imap", ImapSettings(max_folder_size=3), "maxFolderSize"),
        ("imap", ImapSettings(max_folder_size=-1), "maxFolderSize"),
        ("imap", ImapSettings(expunge_behavior="expungeBehaviorUnspecified"), "expungeBehavior"),
        ("pop", PopSettings(access_window="accessWindowUnspecified"), "accessWindow"),
        ("pop", PopSettings(disposition="dispositionUnspecified"), "disposition"),
        ("language", LanguageSettings(), "displayLanguage"),
        ("language", LanguageSettings(display_language="english please"), "displayLanguage"),
        ("auto_forwarding", AutoForwarding(disposition="dispositionUnspecified"), "disposition"),
        ("vacation", VacationSettings(enable_auto_reply=True), "enableAutoReply"),
        ("vacation", VacationSettings(start_time="2", end_time="2"), "endTime"),
        ("vacation", VacationSettings(start_time="-2"), "startTime"),
        (
            "vacation",
            VacationSettings(response_subject="x" * (VACATION_SUBJECT_MAX_BYTES + 1)),
            "responseSubject",
        ),
        (
            "vacation",
            VacationSettings(response_body_html="é" * (VACATION_BODY_MAX_BYTES // 2 + 1)),
            "responseBodyHtml",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(world, name, body, member):
    before = get(world, name)
    with pytest.raises(ProblemError, match=f"Invalid {member}: "):
        put(world, name, body)
    assert get(world, name) == before
