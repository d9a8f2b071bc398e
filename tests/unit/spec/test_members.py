"""What annotations say."""

from typing import Annotated, Literal

import pytest
from msgspec import Meta, UnsetType

from penfold.spec.members import (
    Kind,
    clear_member,
    default_text,
    list_members,
    merge_members,
    read_kind,
)
from penfold.spec.method import UInt64Param, snake_case
from penfold.spec.methods.history import HistoryListParams
from penfold.spec.methods.messages import MessagesListParams
from penfold.spec.schemas import (
    Base64,
    FilterCriteria,
    Label,
    Message,
    MessagePart,
    SendAs,
    SmtpMsa,
)


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        pytest.param(str, Kind("string"), id="text"),
        pytest.param(bool | UnsetType, Kind("boolean"), id="optional"),
        pytest.param(UInt64Param | None, Kind("string", "uint64"), id="number-as-text"),
        pytest.param(Base64, Kind("string", "byte"), id="octets"),
        pytest.param(
            tuple[Literal["a", "b"], ...],
            Kind("string", values=("a", "b"), repeated=True),
            id="enums",
        ),
        pytest.param(
            Annotated[list[str], Meta(extra_json_schema={"readOnly": True})],
            Kind("string", repeated=True, read_only=True),
            id="read-only",
        ),
        pytest.param(Label | UnsetType, Kind("object", schema=Label), id="object"),
    ],
)
def test_annotation_is_read(hint, kind):
    assert read_kind(hint) == kind


@pytest.mark.parametrize("hint", [dict, int | str, float], ids=str)
def test_annotation_of_no_known_type_is_refused(hint):
    with pytest.raises(TypeError):
        read_kind(hint)


def test_members_keep_order_and_wire_names():
    assert [m.name for m in list_members(MessagePart)] == [
        "partId", "mimeType", "filename", "headers", "body", "parts",
    ]  # fmt: skip
    assert list_members(MessagePart)[-1].kind == Kind("object", schema=MessagePart, repeated=True)
    assert "from" in [m.name for m in list_members(FilterCriteria)]


def test_defaults_are_printed_as_discovery_prints_them():
    defaults = {m.name: default_text(m) for m in list_members(MessagesListParams)}
    assert defaults == {
        "userId": "me",
        "includeSpamTrash": "false",
        "labelIds": None,
        "maxResults": "100",
        "pageToken": None,
        "q": None,
    }
    assert default_text(list_members(HistoryListParams)[-1]) is None


@pytest.mark.parametrize(
    ("name", "snake"),
    [("batchModify", "batch_modify"), ("id", "id"), ("getImap", "get_imap"), ("pkcs12", "pkcs12")],
)
def test_names_become_snake_case(name, snake):
    assert snake_case(name) == snake


# --- PATCH ---------------------------------------------------------------------------------


def test_what_was_cleared_is_empty_and_not_unset():
    cleared = {
        member.name: clear_member(member.kind)
        for struct in (SendAs, Message)
        for member in list_members(struct)
    }
    assert cleared["displayName"] == ""
    assert cleared["isDefault"] is False
    assert cleared["labelIds"] == []
    assert cleared["raw"] == b""
    assert cleared["verificationStatus"] == ""
    assert cleared["smtpMsa"] == SmtpMsa(
        host="", port=0, username="", password="", security_mode=""
    )


def test_only_given_members_change_and_messages_merge():
    old = SendAs(display_name="A", signature="s", smtp_msa=SmtpMsa(host="a", port=25))
    change = SendAs(signature="", smtp_msa=SmtpMsa(port=587))
    assert merge_members(old, change) == SendAs(
        display_name="A", signature="", smtp_msa=SmtpMsa(host="a", port=587)
    )
    assert merge_members(SendAs(), change) == change
    assert merge_members(old, SendAs()) == old


def test_lists_are_replaced_whole():
    assert merge_members(Message(label_ids=["A", "B"]), Message(label_ids=["C"])).label_ids == ["C"]
