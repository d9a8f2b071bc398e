"""The 55 schemas of the Gmail API as typed values, in Gmail's member order.

Python names are snake case; the wire name is derived (`thread_id` is `threadId`). A member that
is UNSET is absent on the wire. 64-bit integers are decimal strings in answers, as proto3 JSON
prints them. Gmail: documented (discovery revision 20261005).
"""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, field
from msgspec import UnsetType as Unset

Int32 = Annotated[int, Meta(extra_json_schema={"format": "int32"})]
UInt32 = Annotated[int, Meta(extra_json_schema={"format": "uint32"})]
Int64 = Annotated[str, Meta(extra_json_schema={"format": "int64"})]
UInt64 = Annotated[str, Meta(extra_json_schema={"format": "uint64"})]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "google-datetime"})]
#: Octets. In a checked request: the decoded bytes. In an answer: base64url text with padding.
Base64 = Annotated[str | bytes, Meta(extra_json_schema={"format": "byte"})]

#: Set by the server; ignored in requests.
READ_ONLY: Final = Meta(extra_json_schema={"readOnly": True})
DEPRECATED: Final = Meta(extra_json_schema={"deprecated": True})


class Wire(Struct, rename="camel", kw_only=True, gc=False):
    """A JSON object of the API."""


class AutoForwarding(Wire):
    disposition: (
        Literal["dispositionUnspecified", "leaveInInbox", "archive", "trash", "markRead"] | Unset
    ) = UNSET
    email_address: str | Unset = UNSET
    enabled: bool | Unset = UNSET


class BatchDeleteMessagesRequest(Wire):
    ids: list[str] | Unset = UNSET


class ClassificationLabelFieldValue(Wire):
    field_id: str | Unset = UNSET
    selection: str | Unset = UNSET


class ClassificationLabelValue(Wire):
    fields: list[ClassificationLabelFieldValue] | Unset = UNSET
    label_id: str | Unset = UNSET


class BatchModifyMessagesRequest(Wire):
    add_classification_labels: list[ClassificationLabelValue] | Unset = UNSET
    add_label_ids: list[str] | Unset = UNSET
    ids: list[str] | Unset = UNSET
    remove_classification_label_ids: list[str] | Unset = UNSET
    remove_label_ids: list[str] | Unset = UNSET


class SignAndEncryptKeyPairs(Wire):
    encryption_key_pair_id: str | Unset = UNSET
    signing_key_pair_id: str | Unset = UNSET


class CseIdentity(Wire):
    email_address: str | Unset = UNSET
    primary_key_pair_id: str | Unset = UNSET
    sign_and_encrypt_key_pairs: SignAndEncryptKeyPairs | Unset = UNSET


class HardwareKeyMetadata(Wire):
    description: str | Unset = UNSET


class KaclsKeyMetadata(Wire):
    kacls_data: str | Unset = UNSET
    kacls_uri: str | Unset = UNSET


class CsePrivateKeyMetadata(Wire):
    hardware_key_metadata: HardwareKeyMetadata | Unset = UNSET
    kacls_key_metadata: KaclsKeyMetadata | Unset = UNSET
    private_key_metadata_id: Annotated[str, READ_ONLY] | Unset = UNSET


class CseKeyPair(Wire):
    disable_time: Annotated[Timestamp, READ_ONLY] | Unset = UNSET
    enablement_state: (
        Annotated[Literal["stateUnspecified", "enabled", "disabled"], READ_ONLY] | Unset
    ) = UNSET
    key_pair_id: Annotated[str, READ_ONLY] | Unset = UNSET
    pem: Annotated[str, READ_ONLY] | Unset = UNSET
    pkcs7: str | Unset = UNSET
    private_key_metadata: list[CsePrivateKeyMetadata] | Unset = UNSET
    subject_email_addresses: Annotated[list[str], READ_ONLY] | Unset = UNSET


class Delegate(Wire):
    delegate_email: str | Unset = UNSET
    verification_status: (
        Literal["verificationStatusUnspecified", "accepted", "pending", "rejected", "expired"]
        | Unset
    ) = UNSET


class DisableCseKeyPairRequest(Wire):
    pass


class MessagePartBody(Wire):
    attachment_id: str | Unset = UNSET
    size: Int32 | Unset = UNSET
    data: Base64 | Unset = UNSET


class MessagePartHeader(Wire):
    name: str | Unset = UNSET
    value: str | Unset = UNSET


class MessagePart(Wire):
    part_id: str | Unset = UNSET
    mime_type: str | Unset = UNSET
    filename: str | Unset = UNSET
    headers: list[MessagePartHeader] | Unset = UNSET
    body: MessagePartBody | Unset = UNSET
    parts: "list[MessagePart] | Unset" = UNSET


class Message(Wire):
    id: str | Unset = UNSET
    thread_id: str | Unset = UNSET
    label_ids: list[str] | Unset = UNSET
    snippet: str | Unset = UNSET
    payload: MessagePart | Unset = UNSET
    size_estimate: Int32 | Unset = UNSET
    history_id: UInt64 | Unset = UNSET
    internal_date: Int64 | Unset = UNSET
    raw: Base64 | Unset = UNSET
    classification_label_values: list[ClassificationLabelValue] | Unset = UNSET


class Draft(Wire):
    id: str | Unset = UNSET
    message: Message | Unset = UNSET


class EnableCseKeyPairRequest(Wire):
    pass


class FilterAction(Wire):
    add_label_ids: list[str] | Unset = UNSET
    forward: str | Unset = UNSET
    remove_label_ids: list[str] | Unset = UNSET


class FilterCriteria(Wire):
    exclude_chats: bool | Unset = UNSET
    from_: str | Unset = field(name="from", default=UNSET)
    has_attachment: bool | Unset = UNSET
    negated_query: str | Unset = UNSET
    query: str | Unset = UNSET
    size: Int32 | Unset = UNSET
    size_comparison: Literal["unspecified", "smaller", "larger"] | Unset = UNSET
    subject: str | Unset = UNSET
    to: str | Unset = UNSET


class Filter(Wire):
    action: FilterAction | Unset = UNSET
    criteria: FilterCriteria | Unset = UNSET
    id: str | Unset = UNSET


class ForwardingAddress(Wire):
    forwarding_email: str | Unset = UNSET
    verification_status: Literal["verificationStatusUnspecified", "accepted", "pending"] | Unset = (
        UNSET
    )


class HistoryLabelAdded(Wire):
    message: Message | Unset = UNSET
    label_ids: list[str] | Unset = UNSET


class HistoryLabelRemoved(Wire):
    message: Message | Unset = UNSET
    label_ids: list[str] | Unset = UNSET


class HistoryMessageAdded(Wire):
    message: Message | Unset = UNSET


class HistoryMessageDeleted(Wire):
    message: Message | Unset = UNSET


class History(Wire):
    id: UInt64 | Unset = UNSET
    messages: list[Message] | Unset = UNSET
    messages_added: list[HistoryMessageAdded] | Unset = UNSET
    messages_deleted: list[HistoryMessageDeleted] | Unset = UNSET
    labels_added: list[HistoryLabelAdded] | Unset = UNSET
    labels_removed: list[HistoryLabelRemoved] | Unset = UNSET


class ImapSettings(Wire):
    auto_expunge: bool | Unset = UNSET
    enabled: bool | Unset = UNSET
    expunge_behavior: (
        Literal["expungeBehaviorUnspecified", "archive", "trash", "deleteForever"] | Unset
    ) = UNSET
    max_folder_size: Int32 | Unset = UNSET


class LabelColor(Wire):
    text_color: str | Unset = UNSET
    background_color: str | Unset = UNSET


class Label(Wire):
    id: str | Unset = UNSET
    name: str | Unset = UNSET
    message_list_visibility: Literal["show", "hide"] | Unset = UNSET
    label_list_visibility: Literal["labelShow", "labelShowIfUnread", "labelHide"] | Unset = UNSET
    type: Literal["system", "user"] | Unset = UNSET
    messages_total: Int32 | Unset = UNSET
    messages_unread: Int32 | Unset = UNSET
    threads_total: Int32 | Unset = UNSET
    threads_unread: Int32 | Unset = UNSET
    color: LabelColor | Unset = UNSET


class LanguageSettings(Wire):
    display_language: str | Unset = UNSET


class ListCseIdentitiesResponse(Wire):
    cse_identities: list[CseIdentity] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class ListCseKeyPairsResponse(Wire):
    cse_key_pairs: list[CseKeyPair] | Unset = UNSET
    next_page_token: str | Unset = UNSET


class ListDelegatesResponse(Wire):
    delegates: list[Delegate] | Unset = UNSET


class ListDraftsResponse(Wire):
    drafts: list[Draft] | Unset = UNSET
    next_page_token: str | Unset = UNSET
    result_size_estimate: UInt32 | Unset = UNSET


class ListFiltersResponse(Wire):
    filter: list[Filter] | Unset = UNSET


class ListForwardingAddressesResponse(Wire):
    forwarding_addresses: list[ForwardingAddress] | Unset = UNSET


class ListHistoryResponse(Wire):
    history: list[History] | Unset = UNSET
    next_page_token: str | Unset = UNSET
    history_id: UInt64 | Unset = UNSET


class ListLabelsResponse(Wire):
    labels: list[Label] | Unset = UNSET


class ListMessagesResponse(Wire):
    messages: list[Message] | Unset = UNSET
    next_page_token: str | Unset = UNSET
    result_size_estimate: UInt32 | Unset = UNSET


class SmtpMsa(Wire):
    host: str | Unset = UNSET
    password: str | Unset = UNSET
    port: Int32 | Unset = UNSET
    security_mode: Literal["securityModeUnspecified", "none", "ssl", "starttls"] | Unset = UNSET
    username: str | Unset = UNSET


class SendAs(Wire):
    display_name: str | Unset = UNSET
    is_default: bool | Unset = UNSET
    is_primary: bool | Unset = UNSET
    reply_to_address: str | Unset = UNSET
    send_as_email: str | Unset = UNSET
    signature: str | Unset = UNSET
    smtp_msa: SmtpMsa | Unset = UNSET
    treat_as_alias: bool | Unset = UNSET
    verification_status: Literal["verificationStatusUnspecified", "accepted", "pending"] | Unset = (
        UNSET
    )


class ListSendAsResponse(Wire):
    send_as: list[SendAs] | Unset = UNSET


class SmimeInfo(Wire):
    encrypted_key_password: str | Unset = UNSET
    expiration: Int64 | Unset = UNSET
    id: str | Unset = UNSET
    is_default: bool | Unset = UNSET
    issuer_cn: str | Unset = UNSET
    pem: str | Unset = UNSET
    pkcs12: Base64 | Unset = UNSET


class ListSmimeInfoResponse(Wire):
    smime_info: list[SmimeInfo] | Unset = UNSET


class Thread(Wire):
    id: str | Unset = UNSET
    snippet: str | Unset = UNSET
    history_id: UInt64 | Unset = UNSET
    messages: list[Message] | Unset = UNSET


class ListThreadsResponse(Wire):
    threads: list[Thread] | Unset = UNSET
    next_page_token: str | Unset = UNSET
    result_size_estimate: UInt32 | Unset = UNSET


class ModifyMessageRequest(Wire):
    add_classification_labels: list[ClassificationLabelValue] | Unset = UNSET
    add_label_ids: list[str] | Unset = UNSET
    remove_classification_label_ids: list[str] | Unset = UNSET
    remove_label_ids: list[str] | Unset = UNSET


class ModifyThreadRequest(Wire):
    add_label_ids: list[str] | Unset = UNSET
    remove_label_ids: list[str] | Unset = UNSET


class ObliterateCseKeyPairRequest(Wire):
    pass


class PopSettings(Wire):
    access_window: (
        Literal["accessWindowUnspecified", "disabled", "fromNowOn", "allMail"] | Unset
    ) = UNSET
    disposition: (
        Literal["dispositionUnspecified", "leaveInInbox", "archive", "trash", "markRead"] | Unset
    ) = UNSET


class Profile(Wire):
    email_address: str | Unset = UNSET
    messages_total: Int32 | Unset = UNSET
    threads_total: Int32 | Unset = UNSET
    history_id: UInt64 | Unset = UNSET


class VacationSettings(Wire):
    enable_auto_reply: bool | Unset = UNSET
    end_time: Int64 | Unset = UNSET
    response_body_html: str | Unset = UNSET
    response_body_plain_text: str | Unset = UNSET
    response_subject: str | Unset = UNSET
    restrict_to_contacts: bool | Unset = UNSET
    restrict_to_domain: bool | Unset = UNSET
    start_time: Int64 | Unset = UNSET


class WatchRequest(Wire):
    label_filter_action: Annotated[Literal["include", "exclude"], DEPRECATED] | Unset = UNSET
    label_filter_behavior: Literal["include", "exclude"] | Unset = UNSET
    label_ids: list[str] | Unset = UNSET
    topic_name: str | Unset = UNSET


class WatchResponse(Wire):
    expiration: Int64 | Unset = UNSET
    history_id: UInt64 | Unset = UNSET
