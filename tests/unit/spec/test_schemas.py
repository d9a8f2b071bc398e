"""Members stand in the order Gmail prints them; JSON is read by people and compared as text."""

import pytest

from penfold.spec import schemas
from penfold.spec.members import list_members


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("Profile", "emailAddress messagesTotal threadsTotal historyId"),
        ("History", "id messages messagesAdded messagesDeleted labelsAdded labelsRemoved"),
        ("HistoryLabelAdded", "message labelIds"),
        ("HistoryLabelRemoved", "message labelIds"),
        ("LabelColor", "textColor backgroundColor"),
        ("ListHistoryResponse", "history nextPageToken historyId"),
        ("ListMessagesResponse", "messages nextPageToken resultSizeEstimate"),
        ("ListThreadsResponse", "threads nextPageToken resultSizeEstimate"),
        ("ListDraftsResponse", "drafts nextPageToken resultSizeEstimate"),
        ("Thread", "id snippet historyId messages"),
        ("MessagePart", "partId mimeType filename headers body parts"),
    ],
)
def test_members_are_in_gmails_order(schema, names):
    assert [member.name for member in list_members(getattr(schemas, schema))] == names.split()
